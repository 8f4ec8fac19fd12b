"""The tree of parts on any bytes: bounded, within the buffer, the same for every line end; and a tree that is written is read back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.protocols import addresses, charset, dates, headers, mime, received, transfer

LIMITS = mime.Limits(size_bytes=4000, parts=10, tail_parts=3, depth=4, header_bytes=1500, part_header_bytes=400, fields=20)
STEER = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"--b",
        b"--b--",
        b"Content-Type: multipart/mixed; boundary=b\n\n",
        b"Content-Type: message/rfc822\n\n",
        b": ",
        b"a",
        b" ",
    ]
)
BYTES = st.lists(st.one_of(STEER, st.binary(max_size=12)), max_size=80).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(BYTES)
def test_the_tree_keeps_its_bounds(raw):
    message = mime.parse(raw, LIMITS)
    parts = list(message.root.walk())
    assert len(parts) <= LIMITS.parts + LIMITS.tail_parts + 45 * LIMITS.depth
    for part in parts:
        assert 0 <= part.start <= part.end <= len(part.buffer)
        assert part.depth <= LIMITS.depth + 1
        sample = part.sample(64, 16)
        assert len(sample.data) <= 90
    assert len(message.fields) <= LIMITS.fields


CONTENT = st.text(alphabet="abc \n", min_size=1, max_size=40).map(lambda text: text.strip() or "x")
TREE = st.recursive(CONTENT, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)


def write(tree: str | list, level: int = 0) -> str:
    if isinstance(tree, str):
        return f"Content-Type: text/plain\n\n{tree}"
    boundary = f"level{level}"
    inner = "".join(f"--{boundary}\n{write(part, level + 1)}\n" for part in tree)
    return f"Content-Type: multipart/mixed; boundary={boundary}\n\n{inner}--{boundary}--\n"


def shape(part: mime.Part) -> str | list:
    if part.children:
        return [shape(child) for child in part.children]
    return part.sample(1000).data.replace(b"\r\n", b"\n").decode().strip()


@settings(max_examples=150, deadline=None)
@given(TREE, st.sampled_from(["\n", "\r\n"]))
def test_a_tree_that_is_written_is_read_back(tree, line_end):
    message = mime.parse(write(tree).replace("\n", line_end).encode())
    assert shape(message.root) == tree
    assert not message.limits and not message.defects


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from(["base64", "quoted-printable", "x-uuencode", "", "odd"]),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_transfer_encodings_on_any_bytes(data, encoding, head, tail):
    sample = transfer.sample(data, encoding, head, tail)
    assert len(sample.data) <= max(head + tail + 130, 130)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_parsers_of_values_take_any_text(text):
    headers.parameters(text)
    headers.decode_words(text)
    boxes, _ = addresses.parse(text)
    assert all(box.address == box.address.lower() for box in boxes)
    dates.parse(text)
    received.parse(text)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "utf-16", "koi8-r", "gb2312", "iso-2022-jp", "utf-7", "x-odd", "hz", "cp1255", "johab"]),
)
def test_charsets_on_any_bytes(data, label):
    text, defects = charset.decode(data, label)
    assert isinstance(text, str) and all(isinstance(defect, str) for defect in defects)


@settings(max_examples=100, deadline=None)
@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=60).map(lambda text: " ".join(text.split()))
)
def test_encoded_words_are_read_back(text):
    encoded = b"=?utf-8?q?" + b"".join(b"=%02X" % byte for byte in text.encode()) + b"?="
    assert headers.decode(encoded) == text.strip()
