"""DNS zones as the published test suites write them, turned into answers for the checks.

    example.com: [{SPF: "v=spf1 -all"}, {MX: [10, mx.example.com]}, TIMEOUT]        (the SPF project's YAML)

Rules of the SPF suite's zone language: a record of type SPF stands for a TXT record of the same text unless the name has TXT records of its
own ("TXT: NONE" for none at all); TIMEOUT as a record makes the look-ups that find nothing else time out; CNAME is followed. Names that
begin with "error." or "_dns_error" fail, as the suites' own resolvers have it.
"""

from typing import Any

from wardline.protocols.dns import EMPTY, NXDOMAIN, TIMEOUT, Answer, Question


class Zone:
    """Answers questions from a mapping name -> list of records. Names are compared without case."""

    def __init__(self, zonedata: dict[str, Any] | None) -> None:
        self.names: dict[str, list[tuple[str, Any]]] = {}
        self.slow: set[str] = set()
        for name, entries in (zonedata or {}).items():
            self._add(str(name).lower().removesuffix("."), entries or [])

    def _add(self, name: str, entries: list[Any]) -> None:
        records = self.names.setdefault(name, [])
        spf: list[tuple[str, Any]] = []
        own_text = False
        for entry in entries:
            if not isinstance(entry, dict):
                self.slow.add(name)
                continue
            for kind, value in entry.items():
                own_text = own_text or kind == "TXT"
                if kind == "SPF":
                    spf.append(("TXT", value))
                if value not in ("NONE", ["NONE"]):
                    records.append((kind, value))
        if not own_text:
            records.extend(record for record in spf if record[1] not in ("NONE", ["NONE"]))

    def __call__(self, question: Question) -> Answer:
        name = question.name
        for _ in range(8):
            if name not in self.names:
                return TIMEOUT if name.startswith(("error.", "_dns_error")) else NXDOMAIN
            found = [value for kind, value in self.names[name] if kind == question.type]
            if "TIMEOUT" in found:
                return TIMEOUT
            if found:
                return Answer("ok", tuple(_record(question.type, value) for value in found))
            alias = next((value for kind, value in self.names[name] if kind == "CNAME"), None)
            if alias is None:
                return TIMEOUT if name in self.slow else EMPTY
            name = str(alias).lower().removesuffix(".")
        return TIMEOUT


def _record(kind: str, value: Any) -> str | bytes:
    if kind == "TXT":
        return "".join(str(part) for part in value).encode() if isinstance(value, list) else str(value).encode()
    if kind == "MX":
        return f"{value[0]} {str(value[1]).lower()}"
    return str(value).lower()
