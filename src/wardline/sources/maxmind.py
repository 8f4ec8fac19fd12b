"""MaxMind DB files (.mmdb): networks with an AS number, its holder's name, a country and marks such as hosting, VPN and Tor.

    database, notes = read_mmdb(Path("asn.mmdb"))
    database.facts(4, 3221225991)      -> (("ip.asn", 64500), ("ip.as_name", "Example Net"))
    database.marks(4, 3221225991)      -> ("ip.vpn",)

Standard: MaxMind DB file format specification 2.0. Records may be nested as MaxMind writes them (country.iso_code, autonomous_system_number,
is_anonymous_vpn, traits.is_hosting_provider) or flat as others do (asn, as_name, country_code, hosting). The file is copied before it is
mapped, since a mapped file that somebody cuts short ends the process that reads it.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from wardline.protocols import ip
from wardline.sources.rangefiles import Facts, Notes, facts_of
from wardline.sources.reading import BINARY_LIMIT_BYTES, SourceError, read_bytes

_MARKS = (
    ("ip.hosting", ("is_hosting_provider", "is_hosting", "is_datacenter", "hosting")),
    ("ip.vpn", ("is_anonymous_vpn", "is_vpn", "vpn")),
    ("ip.tor", ("is_tor_exit_node", "is_tor", "tor")),
    ("ip.proxy", ("is_public_proxy", "is_residential_proxy", "is_proxy", "proxy")),
)
_TRUE = (True, 1, "true", "1")
CACHE_LIMIT = 4096


class Mmdb:
    """One open database; look-ups remember the last 4,096 answers."""

    def __init__(self, reader: Any, damaged: type[Exception]) -> None:
        """reader: maxminddb's; damaged: the error that it raises for damage in the file."""
        self._reader = reader
        self._damaged = damaged
        metadata = reader.metadata()
        self.families: frozenset[int] = frozenset((4, 6) if metadata.ip_version == 6 else (4,))
        self.built_s = int(metadata.build_epoch)
        self.nodes = int(metadata.node_count)
        self.memory_bytes = 0  # of the file, which the system may page out
        self._cache: dict[tuple[int, int], tuple[Facts, tuple[str, ...]]] = {}

    def facts(self, version: int, address: int) -> Facts:
        """Names and values of the most specific network; empty where it knows none."""
        return self._read(version, address)[0]

    def marks(self, version: int, address: int) -> tuple[str, ...]:
        """The names of the marks that the record says are so."""
        return self._read(version, address)[1]

    def _read(self, version: int, address: int) -> tuple[Facts, tuple[str, ...]]:
        key = (version, address)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= CACHE_LIMIT:
                self._cache.clear()
            found = self._cache[key] = self._look(version, address)
        return found

    def _look(self, version: int, address: int) -> tuple[Facts, tuple[str, ...]]:
        if version not in self.families:
            return (), ()
        try:
            record = self._reader.get(ip.show(version, address))
        except (self._damaged, ValueError):  # damage in one place of the file: nothing is known of this address
            return (), ()
        return read_record(record) if isinstance(record, dict) else ((), ())


def read_record(record: dict[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    """The facts and marks of one record, whatever its shape; what has another type than it should is left out."""
    traits = record.get("traits")
    flat = {**traits, **record} if isinstance(traits, dict) else record
    country = next((place for place in (record.get("country"), record.get("registered_country")) if place), "")
    if isinstance(country, dict):
        country = country.get("iso_code", "")
    asn = _first(flat, ("autonomous_system_number", "asn", "as_number"))
    name = _first(flat, ("autonomous_system_organization", "as_name", "as_org", "organization"))
    facts = facts_of(asn, name, _text(country) or _first(flat, ("country_code", "country_iso_code")))
    return facts, tuple(fact for fact, keys in _MARKS if any(flat.get(key) in _TRUE for key in keys if not isinstance(flat.get(key), dict)))


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((text for text in (_text(record.get(key)) for key in keys) if text), "")


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def read_mmdb(path: Path) -> tuple[Mmdb, Notes]:
    """Open a database and try it. Raises SourceError."""
    import maxminddb  # only for whoever has such a file

    data, _ = read_bytes(path, BINARY_LIMIT_BYTES)
    if b"\xab\xcd\xefMaxMind.com" not in data[-(128 << 10) :]:
        raise SourceError(f"{path}: is no MaxMind DB, or its end is missing; fetch it again")
    handle, copy = tempfile.mkstemp(prefix="wardline-", suffix=".mmdb")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        database = Mmdb(maxminddb.open_database(copy), maxminddb.InvalidDatabaseError)
        database.memory_bytes = len(data)
        # The ends of the address space and a few places between: a tree that leads out of the file shows there.
        for version in database.families:
            for part in range(17):
                database._reader.get(ip.show(version, min(part << (ip.BITS[version] - 4), (1 << ip.BITS[version]) - 1)))
    except (maxminddb.InvalidDatabaseError, ValueError, OSError, AttributeError, TypeError, KeyError, RecursionError):
        raise SourceError(f"{path}: is a damaged MaxMind DB; fetch it again") from None
    finally:
        with contextlib.suppress(OSError):
            Path(copy).unlink()
    return database, Notes(entries=database.nodes, as_of_s=database.built_s)
