"""Whatever bytes lie where a source should be: it is loaded or refused with a sentence, in every format; and whatever is asked gives facts or none."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wardline.engine.feature import bounded
from wardline.sources.declaration import KINDS, Source
from wardline.sources.loading import load
from wardline.sources.reading import SourceError
from wardline.sources.registry import Registry
from wardline.sources.trial import ask_source

FORMATS = sorted({(kind, form) for kind, entry in KINDS.items() for form in entry.formats if form != "ranges"})
LINES = st.lists(
    st.one_of(
        st.sampled_from(("192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "192.0.2.9-192.0.2.1", "AS64500", "cidr,asn,country", "example.com", "start,end",
                         "192.0.2.0/24,64500,AT", "192.0.2.0,192.0.2.9", '"', "(", "[", "#", "\ufeff", "::ffff:192.0.2.0/96", "network,first_seen")),
        st.text(max_size=30),
    ),
    max_size=8,
)  # fmt: skip
CONTENT = st.one_of(st.binary(max_size=300), LINES.map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize(("kind", "form"), FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(content=CONTENT, packed=st.booleans())
@example(content=b"\xab\xcd\xefMaxMind.com", packed=False)
@example(content=b"\xff\xff\xff\x09\x01\x00\x00", packed=False)
@example(content=b"\x00" * 6 + b"\xff\xff\xff\x09\x01\x00\x00", packed=False)
def test_any_bytes(kind: str, form: str, content: bytes, packed: bool) -> None:
    with TemporaryDirectory() as name:
        path = Path(name) / ("list.gz" if packed else "list")
        path.write_bytes(content)
        source = Source(name="a", kind=kind, path=str(path), format=form)
        try:
            loaded = load(source)
        except SourceError as error:
            assert str(path.parent) in str(error)
            assert "\n" not in str(error)
            return
        assert loaded.notes.entries > 0
        for text in ("192.0.2.5", "2001:db8::1", "example.com", "Mozilla/5.0"):
            ask_source(source, loaded, text)


@given(
    text=st.one_of(st.text(max_size=300), st.ip_addresses().map(str), st.ip_addresses().map(lambda address: f"::ffff:{address}")),
    at_us=st.integers(0, 1 << 62),
)
@example(text="fe80::1%eth0", at_us=0)
@example(text="\ud800", at_us=0)
def test_any_question(text: str, at_us: int) -> None:
    for facts in (REGISTRY.ip_facts(text, at_us), REGISTRY.domain_facts(text), REGISTRY.user_agent_facts(text)):
        for value in facts.values():
            assert value is not None
            assert bounded(value) == value  # type: ignore[arg-type]


REGISTRY = Registry(Path("no such folder"))
