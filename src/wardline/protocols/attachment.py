"""One attached file: what it is by content, what its name pretends, what it carries. Nothing is executed, unpacked or fetched.

    examine(b"MZ\\x90…", b"", 40960, "invoice.pdf.exe", "application/pdf")
      -> Findings(detected_type="application/x-dosexec", flags=("double_extension", "executable", "type_mismatch"), …)

Linear in the bytes that are given (the caller caps them), bounded in what comes out, never raises.
"""

import msgspec

from wardline.protocols import archive, calendars, filetype, office, pdf, tnef

_INSIDE = frozenset({
    "application/zip", "application/x-tar", "application/gzip", "application/vnd.rar", "application/x-7z-compressed", "application/pdf",
    "application/x-ole-storage", "application/rtf", "application/ms-tnef", "text/calendar",
})  # fmt: skip
_DISK = ("iso", "img", "udf", "bin", "vhd")


class Findings(msgspec.Struct, gc=False):
    """What one file is. `text` is what its reader would read without opening a program (calendar entries, TNEF bodies); `urls` are its links."""

    name: str = ""
    detected_type: str = ""
    size_bytes: int = 0
    flags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    text: str = ""
    urls: tuple[str, ...] = ()


def wants_more(head: bytes, name: str) -> bool:
    """Whether more than the first 64 KB is needed to say what this file carries."""
    kind = filetype.detect(head)
    return kind in _INSIDE or filetype.extension(name) in _DISK


def examine(
    head: bytes, tail: bytes, size_bytes: int, name: str, content_type: str, *, inside: bool = True, max_names: int = 100
) -> Findings:
    """Look at a file of `size_bytes` of which `head` (and `tail`, where it was cut) are at hand; containers are opened where `inside`."""
    kind = filetype.detect(head)
    flags: dict[str, None] = dict.fromkeys(filetype.name_flags(name))
    found = Findings(name=name[:512], size_bytes=size_bytes)
    if inside and kind in _INSIDE:
        kind = _inside(kind, head, tail, found, flags, max_names)
    if tail.endswith(b"conectix", 0, len(tail) - 504) and len(tail) >= 512:
        kind = "application/x-vhd"
    found.detected_type = kind
    for flag in filetype.type_flags(kind):
        flags[flag] = None
    if filetype.contradicts(name, content_type, kind):
        flags["type_mismatch"] = None
    if "executable" in flags or "script" in flags:
        flags.pop("archive", None)
    found.flags = tuple(flags)
    return found


def _inside(kind: str, head: bytes, tail: bytes, found: Findings, flags: dict[str, None], max_names: int) -> str:
    """Look into a container by its type; the type may become a more precise one."""
    data = head + tail
    if kind == "application/pdf":
        document = pdf.look(data)
        flags.update(dict.fromkeys(document.flags))
        found.urls = document.urls
    elif kind == "application/x-ole-storage":
        kind, more = office.ole(data)
        flags.update(dict.fromkeys(more))
    elif kind == "application/rtf":
        flags.update(dict.fromkeys(office.rtf(data)))
    elif kind == "application/ms-tnef":
        winmail = tnef.look(head)
        found.text, found.members = winmail.text, winmail.names
        flags.update(dict.fromkeys(winmail.flags))
        _members(winmail.names, flags)
    elif kind == "text/calendar":
        found.text, found.urls = calendars.look(head)
    else:
        listing = archive.look(head, tail, found.size_bytes, kind, max_names)
        found.members = listing.names
        flags.update(dict.fromkeys(sorted(listing.flags)))
        precise = filetype.office_type(listing.names) if kind == "application/zip" else ""
        if precise:
            kind = precise
            if "macros" in flags or precise in ("application/java-archive", "application/vnd.android.package-archive"):
                flags["macros" if "macros" in flags else "executable"] = None
        else:
            _members(listing.names, flags)
    return kind


def _members(names: tuple[str, ...], flags: dict[str, None]) -> None:
    """What the names inside an archive add: the same tricks, one level down."""
    for name in names:
        base = name.replace("\\", "/").rpartition("/")[2]
        for flag in filetype.name_flags(base):
            flags[f"member_{flag}"] = None
        if filetype.is_archive_name(base):
            flags["nested_archive"] = None
        if filetype.extension(base) in ("htm", "html", "svg"):
            flags["member_html"] = None
        if ".." in name.replace("\\", "/").split("/"):
            flags["member_path_name"] = None
