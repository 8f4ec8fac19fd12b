"""Lookalikes: whether a host pretends to belong to a brand or to a domain of ours.

    guard = Lookalikes(brands)
    guard.imitates("paypa1.example")            -> Imitation("lookalike", "PayPal")
    guard.imitates("paypal.com.evil.example")   -> Imitation("brand_domain_in_host", "PayPal")
    guard.imitates("www.paypal.com")            -> None: it is the brand's own

Equal skeletons (UTS #39) or one edit apart, on the organisation's label and on its parts between hyphens. Edits are found by an index of the
brands' labels with one character left out (the deletion neighbourhood of SymSpell), so that a look-up costs as many dictionary accesses as the
label has characters, however many brands there are.
"""

from functools import lru_cache
from typing import NamedTuple

from wardline.engine.feature import Value
from wardline.protocols.confusables import skeleton
from wardline.protocols.distance import within
from wardline.protocols.url import registrable, u_label
from wardline.sources.brands import Brand, Brands, load

EDIT_LABEL = 7  # shorter labels have honest neighbours one letter away
SAME_LABEL = 5
LABELS = 12
REMEMBERED = 4_096  # hosts: mail names the same ones again and again
# Names that are words or surnames too: they count where they are disguised, not where they stand plainly.
_WORDS = frozenset(
    str.split(
        "orange target square stripe proton hermes fidelity discover indeed notion allegro vanguard interac chase apple steam block ledger slack canada office "
        "azure teams outlook rogers oracle express amazon gitlab github jira confluence twitch shell total focus monday asana signal telegram nationwide "
        "santander lloyds barclays bell telus sky virgin free wise meta visa zoom zelle cash prime drive cloud docs github atlassian wordpress"
    )
)
# Honest names that look like a brand's.
_NEIGHBOURS = frozenset(
    ("qmail", "password", "passwords", "disco", "discover", "targets", "steamy", "stream", "twister", "dropbear", "faceboot")
)
_STRONG = frozenset(("amazon", "apple", "outlook", "github", "telegram", "santander", "barclays"))  # in a joined domain they mean the brand
_SERVICE_LABELS = frozenset(("com", "net", "org", "co", "gov", "edu"))


class Imitation(NamedTuple):
    """How a host imitates, and whom (the brand's public name)."""

    kind: str  # lookalike, one_edit, brand_in_domain, brand_domain_in_host, brand_in_subdomain, other_ending
    brand: str


def _gaps(label: str) -> set[str]:
    return {label[:index] + label[index + 1 :] for index in range(len(label))} | {label}


class Lookalikes:
    """The index over one set of brands. Immutable but for what it remembers of the hosts it was asked about last."""

    def __init__(self, brands: Brands) -> None:
        self.brands = brands
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._imitates)
        self._gaps: dict[str, list[tuple[str, Brand]]] = {}
        self._exact: dict[str, Brand] = {}
        for brand in brands.brands:
            for name in (brand.label, *(name.replace(" ", "") for name in brand.names)):
                if len(name) >= SAME_LABEL or brand.protected:
                    self._exact.setdefault(name, brand)
        for label, brand in brands.labels():
            form = skeleton(label)
            if len(label) >= EDIT_LABEL:
                for gap in sorted(_gaps(form)):
                    self._gaps.setdefault(gap, []).append((form, brand))

    def _alike(self, label: str) -> Brand | None:
        """The brand whose skeleton this label has; the very label included."""
        if len(label) < SAME_LABEL:
            return self._exact.get(label)
        if label in _NEIGHBOURS:
            return None
        found = self.brands.look_alikes(label)
        return found[0] if found else None

    def is_brand(self, label: str) -> bool:
        """Whether a label is a brand's own, letter for letter, and long enough to mean it."""
        return len(label) >= SAME_LABEL and label in self._exact

    def imitates(self, host: str) -> Imitation | None:
        """How a host (A-label form) imitates a brand; None for the brand's own hosts and for all others."""
        return self._remembered(host)

    def _imitates(self, host: str) -> Imitation | None:
        organisation = registrable(host)
        if not organisation or self.brands.of_domain(host) is not None:
            return None
        label = u_label(organisation).partition(".")[0]
        brand = self._alike(label)
        if brand is not None:
            if label not in (brand.label, *(name.replace(" ", "") for name in brand.names)):
                return Imitation("lookalike", brand.name)
            return None if label in _WORDS and not brand.protected else Imitation("other_ending", brand.name)
        parts = [part for part in label.split("-")[:LABELS] if part]
        if len(parts) > 1:
            whole = self._alike("".join(parts))
            if whole is not None:
                return Imitation("lookalike", whole.name)
            for part in parts:
                brand = self._alike(part)
                if brand is not None and (part not in _WORDS - _STRONG or brand.protected):
                    return Imitation("brand_in_domain", brand.name)
        if len(label) >= EDIT_LABEL - 1 and label not in _NEIGHBOURS:
            form = skeleton(label)
            for gap in _gaps(form):
                for other, brand in self._gaps.get(gap, ()):
                    if within(form, other, 1) == 1:
                        return Imitation("one_edit", brand.name)
        return self._in_front(host, organisation)

    def _in_front(self, host: str, organisation: str) -> Imitation | None:
        """A brand's name among the labels before the organisation's own."""
        if len(host) <= len(organisation):
            return None
        labels = u_label(host[: -len(organisation) - 1]).split(".")[:LABELS]
        for index, label in enumerate(labels):
            brand = self._alike(label)
            follower = labels[index + 1] if index + 1 < len(labels) else ""
            if brand is not None and (follower in _SERVICE_LABELS or label not in self._exact):
                return Imitation("brand_domain_in_host", brand.name)
            if brand is not None and label not in _WORDS:
                return Imitation("brand_in_subdomain", brand.name)
            for part in label.split("-")[:LABELS] if "-" in label else ():
                brand = self._alike(part)
                if brand is not None and part not in _WORDS:
                    return Imitation("brand_in_subdomain", brand.name)
        return None


@lru_cache(maxsize=8)
def _guard(protected: tuple[str, ...]) -> Lookalikes:
    return Lookalikes(load(protected))


def guard(protected: Value = None, local: Value = None) -> Lookalikes:
    """The index over the shipped brands and the operator's own entries.

    `protected`: "example.com" (a domain), "Example Bank" (a name, at home in the `local` domains), or a whole line of brands.tsv.
    """
    homes = " ".join(name for name in local if isinstance(name, str) and name.strip()) if isinstance(local, list) else ""
    lines = []
    for entry in protected if isinstance(protected, list) else ():
        if not isinstance(entry, str) or not entry.strip():
            continue
        entry = entry.strip()
        if entry.count("\t") == 2 and entry.partition("\t")[0].strip() and entry.rpartition("\t")[2].strip():
            lines.append(entry)
        elif "." in entry and " " not in entry and "\t" not in entry:
            lines.append(f"{entry.partition('.')[0]}\t\t{entry}")
        elif homes and "\t" not in entry:
            lines.append(f"{entry}\t\t{homes}")
    return _guard(tuple(dict.fromkeys(lines)))
