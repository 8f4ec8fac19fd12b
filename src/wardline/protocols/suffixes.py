"""The Public Suffix List: which part of a host belongs to an organisation, and which to everybody.

    registrable("mail.shop.example.co.uk") -> "example.co.uk"      is_top_level("uk") -> True

Algorithm: publicsuffix.org/list (the longest rule wins, exceptions win over wildcards, an unknown top-level domain is a rule of one label; the parent
of a wildcard is public too, as the list's own tests expect). The list is the file inside the publicsuffixlist package, private section included; nothing is
fetched. Hosts are in A-label form. A look-up is one dictionary access per label, at most eight.
"""

import unicodedata
from functools import lru_cache
from importlib import resources

HOST_CHARS = 253
LABELS = 8  # more than any rule has

RULE, WILDCARD, EXCEPTION = 1, 2, 4


def read(text: str) -> dict[str, int]:
    """The list's rules: suffix in A-label form to the kinds of rule that stand for it (`*.ck` -> {"ck": WILDCARD})."""
    rules: dict[str, int] = {}
    for line in text.lower().splitlines():
        if line.startswith("//"):
            continue
        rule = line.partition(" ")[0].strip()
        if not rule or rule.startswith("//"):
            continue
        kind = RULE
        if rule.startswith("!"):
            kind, rule = EXCEPTION, rule[1:]
        elif rule.startswith("*."):
            kind, rule = WILDCARD, rule[2:]
        if not rule.isascii():
            rule = ".".join(map(_a_label, rule.split(".")))
        rules[rule] = rules.get(rule, 0) | kind
    return rules


def _a_label(label: str) -> str:
    """A label in A-label form (RFC 3490 ToASCII)."""
    # Letters that nameprep leaves as they are need not go through it: it looks at each by itself, which a start would wait for.
    if label.isalpha() and not label.isascii() and label == label.casefold() and unicodedata.is_normalized("NFKC", label):
        return "xn--" + label.encode("punycode").decode("ascii")
    return label.encode("idna").decode("ascii")


@lru_cache(maxsize=1)
def load() -> dict[str, int]:
    """The rules of the installed list. A constant: nobody changes it."""
    return read(resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text("utf-8"))


def suffix_labels(labels: list[str], rules: dict[str, int]) -> int:
    """How many of the last labels are public: ["www", "example", "co", "uk"] -> 2."""
    count = min(len(labels), LABELS)
    public = 1
    name = ""
    for depth in range(1, count + 1):
        name = f"{labels[-depth]}.{name}" if name else labels[-depth]
        kind = rules.get(name)
        if kind is None:
            continue
        if kind & EXCEPTION:
            return depth - 1
        public = depth
        if kind & WILDCARD and depth < len(labels):
            public = depth + 1
    return public


def is_top_level(label: str) -> bool:
    """Whether a label in A-label form is a top-level domain of the list."""
    return label in load() and "." not in label


@lru_cache(maxsize=8192)
def organisation(host: str) -> str:
    """Public suffix + 1 of a host name in A-label form; "" for a bare public suffix, an empty label or no host."""
    host = host.lower().rstrip(".")
    if not host or len(host) > HOST_CHARS:
        return ""
    labels = host.split(".")
    if not all(labels):
        return ""
    public = suffix_labels(labels, load())
    return ".".join(labels[-public - 1 :]) if len(labels) > public else ""
