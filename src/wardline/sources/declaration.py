"""A source as its operator declares it: a TOML file in the folder of sources, with one source or several.

    name = "tor-exits"                  # sources/tor-exits.toml
    kind = "tor"
    path = "/srv/lists/tor-exits.txt"
    owner = "The Tor Project"
    licence = "CC0"
    max_age_days = 2

Several in one file stand under [[source]]. Every key has a default and a line of explanation; `wardline sources kinds` prints them. An unknown
key, kind or format is an error that names the file, the key and what to do, and leaves the other sources alone.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wardline.sources.reading import SourceError, read_bytes

FILE_LIMIT_BYTES = 1 << 20
SOURCES_LIMIT = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")


class Kind(msgspec.Struct, frozen=True):
    """What a source of one kind says: in one line, its formats (the usual one first), its facts."""

    says: str
    formats: tuple[str, ...]
    facts: tuple[str, ...]


KINDS = {
    "asn": Kind("which autonomous system an address belongs to", ("csv", "mmdb", "geoip"), ("ip.asn", "ip.as_name")),
    "country": Kind("in which country an address is used", ("csv", "mmdb", "cidr"), ("ip.country",)),
    "network": Kind("several facts of an address in one file", ("mmdb", "csv"), ("ip.asn", "ip.as_name", "ip.country")),
    "hosting": Kind("addresses of data centres and hosting", ("cidr", "csv", "mmdb", "asn"), ("ip.hosting",)),
    "vpn": Kind("addresses where VPN services come out", ("cidr", "csv", "mmdb", "asn"), ("ip.vpn",)),
    "tor": Kind("addresses where Tor comes out", ("cidr", "csv", "mmdb"), ("ip.tor",)),
    "proxy": Kind("addresses of open and residential proxies", ("cidr", "csv", "mmdb", "asn"), ("ip.proxy",)),
    "ip_list": Kind("any other list of addresses, known by its name", ("cidr", "csv", "asn"), ("ip.lists",)),
    "disposable": Kind("domains that hand out throw-away mailboxes", ("domains",), ("disposable",)),
    "free_mail": Kind("domains where anybody can open a mailbox", ("domains",), ("free_mail",)),
    "crawlers": Kind("user agents of crawlers that say so", ("patterns",), ("user_agent.crawler",)),
    "leaked_passwords": Kind("hashes of passwords that have leaked", ("ranges",), ("password.leaks",)),
}
_SUFFIXES = {".mmdb": "mmdb", ".csv": "csv", ".tsv": "csv", ".dat": "geoip"}


def _doc(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source."""

    name: Annotated[str, _doc("its name in commands, metrics and facts; empty: the name of the file that declares it")] = ""
    kind: Annotated[str, _doc(f"what it says: {', '.join(KINDS)}")] = ""
    path: Annotated[str, _doc("the file (or folder), absolute or beside the declaration; .gz is unpacked")] = ""
    format: Annotated[str, _doc("cidr, csv, mmdb, geoip, asn, domains, patterns or ranges; empty: by kind and file name")] = ""
    columns: Annotated[tuple[str, ...], _doc("names of the columns of a csv file without a header line")] = ()
    families: Annotated[
        tuple[Literal["ipv4", "ipv6"], ...], _doc("families whose absence from the list means no; empty: those of which it has a range")
    ] = ()
    owner: Annotated[str, _doc("who makes it, so that you know whom to ask")] = ""
    licence: Annotated[str, _doc("under which terms you use it")] = ""
    url: Annotated[str, _doc("where it comes from; for leaked_passwords without a path: the address of its ranges, with https")] = ""
    max_age_days: Annotated[
        int, _doc("older than this it counts as missing: what it does not list is unknown; 0: never", ge=0, le=36_500)
    ] = 90
    enabled: Annotated[bool, _doc("false: declared, not used")] = True

    @property
    def form(self) -> str:
        """The format, guessed where none is given."""
        kind = KINDS[self.kind]
        suffix = Path(self.path.removesuffix(".gz")).suffix
        guessed = _SUFFIXES.get(suffix, "cidr")
        return self.format or (guessed if guessed in kind.formats else kind.formats[0])


def check(source: Source, where: str) -> Source:
    """The declaration itself, when it makes sense. Raises SourceError."""
    if not _NAME.fullmatch(source.name):
        raise SourceError(f"{where}: name: {source.name[:60]!r} must be 1 to 48 of a-z, 0-9, dot, dash and underscore")
    kind = KINDS.get(source.kind)
    if kind is None:
        raise SourceError(f"{where}: kind: {source.kind[:40]!r} is none; write one of {', '.join(KINDS)}")
    if source.format and source.format not in kind.formats:
        raise SourceError(f"{where}: format: {source.format[:40]!r} does not go with {source.kind}; write one of {', '.join(kind.formats)}")
    if not source.path and not (source.kind == "leaked_passwords" and source.url):
        raise SourceError(f"{where}: path: is empty; name the file")
    return source


def read_declarations(folder: Path) -> tuple[list[Source], list[str]]:
    """All sources that the folder's *.toml declare, by name, with paths made absolute; and what is wrong with the others, one line each."""
    found: dict[str, Source] = {}
    wrong: list[str] = []
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{folder}: cannot be read ({error.strerror}); check who may read it"]
    for path in files:
        try:
            for source in read_file(path):
                if source.name in found:
                    raise SourceError(f"{path}: name: {source.name!r} is declared twice; give each source its own")
                if len(found) >= SOURCES_LIMIT:
                    raise SourceError(f"{path}: more than {SOURCES_LIMIT} sources are declared")
                found[source.name] = source
        except SourceError as error:
            wrong.append(str(error))
    return sorted(found.values(), key=lambda source: source.name), wrong


def read_file(path: Path) -> list[Source]:
    """The sources of one file. Raises SourceError."""
    data, _ = read_bytes(path, FILE_LIMIT_BYTES)
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{path}: not valid TOML: {str(error)[:200]}") from None
    tables = document.get("source", [document])
    if not isinstance(tables, list) or ("source" in document and len(document) > 1):
        raise SourceError(f"{path}: write either the keys of one source or tables [[source]], not both")
    try:
        sources = msgspec.convert(tables, list[Source])
    except msgspec.ValidationError as error:
        raise SourceError(f"{path}: {str(error)[:200]}; `wardline sources kinds` prints every key") from None
    named = [msgspec.structs.replace(source, name=source.name or path.stem.lower()) for source in sources]
    return [
        msgspec.structs.replace(check(source, str(path)), path=str(path.parent / source.path) if source.path else "") for source in named
    ]


def render_declaration() -> str:
    """Every key of a declaration with its default, under its line of explanation, as TOML."""
    lines = []
    for field in msgspec.structs.fields(Source):
        text = next((meta.description for meta in getattr(field.type, "__metadata__", ()) if isinstance(meta, Meta)), "")
        lines += [f"# {text}", f"{field.name} = {msgspec.json.encode(field.default).decode()}"]
    return "\n".join(lines) + "\n"
