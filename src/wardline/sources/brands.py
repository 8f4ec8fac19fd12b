"""Names that are often impersonated, and where they really live: the shipped list, and the operator's own protected names.

    brands = load(("Example Bank\t\texample.com example.net",))
    brands.of_domain("example.net").name == "Example Bank"
    brands.look_alikes("paypa1")         -> [PayPal]       the same skeleton as a brand's label
    brands.named("PayPal Service Team")  -> [PayPal]       a display name that contains a brand's name

Owner: the project (brands.tsv, written from general knowledge, Apache-2.0); the operator owns what he adds. Facts about ownership of domains
age: a wrong entry shows as an "impersonation" that the affected organisation can refute, so a look-alike is never a verdict by itself.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

import msgspec

from wardline.protocols.confusables import skeleton
from wardline.protocols.unicode import fold
from wardline.protocols.url import registrable

# Names of one short or common word appear in honest display names ("Free", "Wise", "Target"): they count only for hosts.
_common_words = frozenset(
    ("free", "wise", "target", "orange", "square", "visa", "discover", "uber", "chase", "apple id", "who", "cra", "bt", "hp", "sbi", "ing", "meta",
     "ups", "steam", "block", "ledger", "zoom", "slack", "notion", "indeed", "outlook", "citi", "gls", "aaa", "allegro", "claude", "sony", "stripe",
     "proton", "evri", "hermes", "fidelity", "vanguard", "nationwide", "interac", "square", "o2", "td bank", "anz", "jcb", "dbs", "ssa", "volksbank")
)  # fmt: skip
_words = re.compile(r"[a-z0-9]+")
_label_minimum = 5  # shorter labels have too many honest neighbours to compare by looks


class Brand(msgspec.Struct, frozen=True):
    """One protected name. `names` folded as people write it, `domains` registrable ("name.*": under any suffix), `label` the part of the first domain before its suffix."""

    name: str
    names: tuple[str, ...]
    domains: tuple[str, ...]
    label: str
    protected: bool = False  # named by the operator


def parse(line: str, protected: bool = False) -> Brand:
    """One line: name, tab, other names with ";" between, tab, domains with spaces between. ValueError says what is missing."""
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) != 3 or not fields[0] or not fields[2]:
        raise ValueError(f"brand {line[:60]!r}: expected name, tab, other names, tab, domains")
    domains = tuple(domain.lower().rstrip(".") for domain in fields[2].split())
    names = tuple(dict.fromkeys(fold(name.strip()) for name in (fields[0], *fields[1].split(";")) if name.strip()))
    return Brand(fields[0], names, domains, domains[0].partition(".")[0], protected)


class Brands:
    """An immutable index of brands; every look-up is one dictionary access per word or label."""

    def __init__(self, brands: Iterable[Brand]) -> None:
        self.brands = tuple(brands)
        self._by_domain: dict[str, Brand] = {}
        self._everywhere: dict[str, Brand] = {}
        self._by_skeleton: dict[str, list[Brand]] = {}
        self._by_words: dict[tuple[str, ...], Brand] = {}
        for brand in self.brands:
            for domain in brand.domains:
                if domain.endswith(".*"):
                    self._everywhere.setdefault(domain[:-2], brand)
                else:
                    self._by_domain.setdefault(domain, brand)
            for label in dict.fromkeys((brand.label, *(name.replace(" ", "") for name in brand.names))):
                if len(label) >= _label_minimum or brand.protected:
                    kept = self._by_skeleton.setdefault(skeleton(label), [])
                    if brand not in kept:
                        kept.append(brand)
            for name in brand.names:
                words = tuple(_words.findall(name))
                if words and (brand.protected or (name not in _common_words and len("".join(words)) > 2)):
                    self._by_words.setdefault(words, brand)
        self._longest = max((len(words) for words in self._by_words), default=0)

    def of_domain(self, host: str) -> Brand | None:
        """The brand that a host belongs to, by its registrable domain or by a listed parent; None when it is nobody's."""
        labels = host.lower().rstrip(".").split(".")[-8:]
        for start in range(len(labels)):
            found = self._by_domain.get(".".join(labels[start:]))
            if found is not None:
                return found
        name, _, suffix = registrable(host).partition(".")
        return self._everywhere.get(name) if suffix else None

    def look_alikes(self, label: str) -> list[Brand]:
        """The brands whose label or name looks like this one (equal skeletons); the brand itself included."""
        return list(self._by_skeleton.get(skeleton(label[:64]), ()))

    def labels(self) -> list[tuple[str, Brand]]:
        """Every brand's domain label that is long enough to compare by edit distance."""
        return [(brand.label, brand) for brand in self.brands if len(brand.label) >= _label_minimum or brand.protected]

    def named(self, text: str) -> list[Brand]:
        """The brands whose name stands in a display name or subject as whole words, at most eight; look-alike letters count as the letters."""
        words = _words.findall(fold(text[:512]))[:64]
        found: dict[str, Brand] = {}
        for start in range(len(words)):
            for size in range(1, min(self._longest, len(words) - start) + 1):
                brand = self._by_words.get(tuple(words[start : start + size]))
                if brand is not None:
                    found.setdefault(brand.name, brand)
        return list(found.values())[:8]

    def owns(self, brand: Brand, host: str) -> bool:
        """Whether a host is one of the brand's own."""
        return self.of_domain(host) == brand


@lru_cache(maxsize=1)
def shipped() -> tuple[Brand, ...]:
    """The list that comes with the program."""
    text = resources.files("wardline.sources").joinpath("brands.tsv").read_text("utf-8")
    return tuple(parse(line) for line in text.splitlines() if line and not line.startswith("#"))


@lru_cache(maxsize=8)
def load(protected: tuple[str, ...] = ()) -> Brands:
    """The shipped brands and the operator's own (lines as in brands.tsv), which come first."""
    return Brands((*(parse(line, True) for line in protected), *shipped()))
