"""What a file is, by its content, and what its name pretends (magic numbers; names as in RFC 2183 §2.3).

    detect(b"PK\\x03\\x04…")                        -> "application/zip"
    name_flags("invoice.pdf        .exe")          -> ["double_extension", "long_blank_name", "executable"]
    type_flags("application/x-ms-shortcut")        -> ["shortcut"]

Constant work: at most the first 64 KB are looked at. Types are the registered names where there are any, else the customary `application/x-…`.
"""

import re

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"MZ", "application/x-dosexec"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rt", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (b"conectix", "application/x-vhd"),
    (b"vhdxfile", "application/x-vhdx"),
    (b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"ZWS", "application/x-shockwave-flash"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x60\xea", "application/x-arj"),
    (b"!<arch>\n", "application/x-archive"),
    (b"-----BEGIN PGP SIG", "application/pgp-signature"),
    (b"-----BEGIN PGP PUB", "application/pgp-keys"),
    (b"-----BEGIN PGP", "application/pgp-encrypted"),
    (b"BEGIN:VCALENDAR", "text/calendar"),
    (b"BEGIN:VCARD", "text/vcard"),
    (b"#!", "text/x-shellscript"),
    (b"!BDN", "application/vnd.ms-outlook-pst"),
)
_BY_FIRST: dict[int, tuple[tuple[bytes, str], ...]] = {}
for _mark, _kind in _MAGIC:
    _BY_FIRST[_mark[0]] = (*_BY_FIRST.get(_mark[0], ()), (_mark, _kind))

_HTML = re.compile(
    rb"<(?:!doctype\s++html|html|head|body|script|iframe|meta\s|title|form\s|table|div|img\s|a\s++href)[\s>/]?", re.IGNORECASE
)
_SVG = re.compile(rb"<(?:[a-z]{1,10}:)?svg[\s>]", re.IGNORECASE)
_OFFICE_XML = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)

_EXECUTABLE = frozenset(
    [
        "exe",
        "scr",
        "pif",
        "com",
        "cpl",
        "msi",
        "msp",
        "mst",
        "bat",
        "cmd",
        "ps1",
        "ps1xml",
        "psm1",
        "psd1",
        "vbs",
        "vbe",
        "js",
        "jse",
        "wsf",
        "wsh",
        "wsc",
        "sct",
        "hta",
        "jar",
        "reg",
        "lnk",
        "url",
        "inf",
        "ins",
        "isp",
        "gadget",
        "application",
        "appref-ms",
        "msh",
        "msh1",
        "msh2",
        "scf",
        "job",
        "dll",
        "ocx",
        "sys",
        "drv",
        "chm",
        "hlp",
        "ade",
        "adp",
        "mde",
        "msc",
        "xll",
        "iqy",
        "slk",
        "settingcontent-ms",
        "library-ms",
        "search-ms",
        "appx",
        "msix",
        "appxbundle",
        "msixbundle",
        "apk",
        "dmg",
        "pkg",
        "app",
        "command",
        "workflow",
        "action",
        "sh",
        "run",
        "bin",
        "elf",
        "desktop",
        "diagcab",
        "theme",
        "themepack",
        "xbap",
        "vhd",
        "vhdx",
        "iso",
        "img",
        "one",
    ]
)
_SCRIPT = frozenset(["js", "jse", "vbs", "vbe", "wsf", "wsh", "wsc", "sct", "hta", "ps1", "psm1", "bat", "cmd", "sh", "py", "pl", "rb"])
_MACRO = frozenset(["docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "pptm", "potm", "ppsm", "ppam", "sldm"])
_DISK_IMAGE = frozenset(["iso", "img", "vhd", "vhdx", "vmdk", "udf", "dmg"])
_ARCHIVE = frozenset(["zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "cab", "arj", "ace", "lzh", "z", "jar", "iso", "img"])
_INNOCENT = frozenset(
    [
        "pdf",
        "doc",
        "docx",
        "xls",
        "xlsx",
        "ppt",
        "pptx",
        "txt",
        "rtf",
        "jpg",
        "jpeg",
        "png",
        "gif",
        "bmp",
        "tif",
        "tiff",
        "mp3",
        "mp4",
        "wav",
        "avi",
        "csv",
        "htm",
        "html",
        "xml",
        "zip",
        "odt",
        "ods",
        "eml",
        "msg",
    ]
)
_TYPE_OF_EXTENSION = {
    "pdf": "application/pdf", "zip": "application/zip", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "exe": "application/x-dosexec", "rtf": "application/rtf", "gz": "application/gzip", "7z": "application/x-7z-compressed",
    "rar": "application/vnd.rar", "doc": "application/x-ole-storage", "xls": "application/x-ole-storage", "ppt": "application/x-ole-storage",
    "docx": "application/zip", "xlsx": "application/zip", "pptx": "application/zip", "htm": "text/html", "html": "text/html", "shtml": "text/html",
    "xhtml": "text/html", "svg": "image/svg+xml", "ics": "text/calendar", "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp", "mp3": "audio/mpeg",
}  # fmt: skip
_FLAGS_OF_TYPE = {
    "application/x-dosexec": ("executable",), "application/x-executable": ("executable",), "application/x-mach-binary": ("executable",),
    "application/java-vm": ("executable",), "application/x-ms-shortcut": ("shortcut",), "application/onenote": ("onenote",),
    "application/x-iso9660-image": ("disk_image",), "application/x-vhd": ("disk_image",), "application/x-vhdx": ("disk_image",),
    "application/vnd.ms-htmlhelp": ("executable",), "application/x-shockwave-flash": ("flash",), "text/html": ("html",), "image/svg+xml": ("svg",),
    "text/x-shellscript": ("script",), "application/vnd.ms-cab-compressed": ("archive",), "application/zip": ("archive",), "application/gzip": ("archive",),
    "application/vnd.rar": ("archive",), "application/x-7z-compressed": ("archive",), "application/x-tar": ("archive",), "application/x-bzip2": ("archive",),
    "application/x-xz": ("archive",), "application/x-arj": ("archive",), "application/x-ace": ("archive",),
}  # fmt: skip
_RIGHT_TO_LEFT = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad\u115f\u1160\u3164\u2800]")


def detect(head: bytes) -> str:
    """The type of a file that begins with `head` (give 64 KB to find tar, ISO and late HTML); "" when nothing speaks for one."""
    if not head:
        return ""
    for mark, kind in _BY_FIRST.get(head[0], ()):
        if head.startswith(mark):
            if kind == "application/x-dosexec" and len(head) > 64 and b"\0" not in head[:64]:
                return ""  # a text that begins with MZ
            return kind
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head[257:262] == b"ustar":
        return "application/x-tar"
    if head[32769:32774] == b"CD001":
        return "application/x-iso9660-image"
    if head[7:14] == b"**ACE**":
        return "application/x-ace"
    if b"%PDF-" in head[:1024]:
        return "application/pdf"  # readers accept it anywhere in the first kilobyte
    text = head[:4096]
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or text[:512].count(0) > len(text[:512]) // 3:
        text = text.replace(b"\0", b"")
    if b"<" in text:
        if _SVG.search(text):
            svg = _SVG.search(text)
            page = _HTML.search(text)
            return "text/html" if page and svg and page.start() < svg.start() else "image/svg+xml"
        if _HTML.search(text):
            return "text/html"
        if text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<?xml"):
            return "application/xml"
    return ""


def office_type(names: tuple[str, ...]) -> str:
    """The type of a zip by what it lists: Office documents, Java archives, Android packages, OpenDocument; "" for a plain zip."""
    listed = set(names)
    if "[Content_Types].xml" in listed or any(name.startswith(("word/", "xl/", "ppt/")) for name in names):
        for prefix, kind in _OFFICE_XML:
            if any(name.startswith(prefix.decode()) for name in names):
                return kind
    if "AndroidManifest.xml" in listed:
        return "application/vnd.android.package-archive"
    if "META-INF/MANIFEST.MF" in listed:
        return "application/java-archive"
    if "mimetype" in listed and "content.xml" in listed:
        return "application/vnd.oasis.opendocument"
    return ""


def extension(name: str) -> str:
    """The extension that the reader's system will act on: trailing dots and blanks are dropped first, as Windows does."""
    stem, dot, last = name.rstrip(". \t\u00a0\u3000").rpartition(".")
    return last.strip().lower()[:24] if dot and stem is not None else ""


def name_flags(name: str) -> list[str]:
    """What is wrong with a file's name: rlo_name, invisible_name, long_blank_name, trailing_dots, double_extension, executable, script, macros, disk_image, path_name."""
    if not name:
        return []
    flags: list[str] = []
    if _RIGHT_TO_LEFT.search(name):
        flags.append("rlo_name")
    if _INVISIBLE.search(name):
        flags.append("invisible_name")
        name = _INVISIBLE.sub("", name)
    if "     " in name or "\u3000\u3000" in name or "\u00a0\u00a0\u00a0" in name:
        flags.append("long_blank_name")
    if name != name.rstrip(". \t\u00a0"):
        flags.append("trailing_dots")
    if "/" in name or "\\" in name or "\0" in name:
        flags.append("path_name")
    last = extension(name)
    pieces = [piece.strip().lower() for piece in name.rstrip(". \t").split(".")[-3:]]
    if last in _EXECUTABLE or last in _MACRO:
        if len(pieces) > 2 and pieces[-2] in _INNOCENT:
            flags.append("double_extension")
        if last in _EXECUTABLE and last not in _DISK_IMAGE and last != "one":
            flags.append("executable")
    elif len(pieces) > 2 and last in ("htm", "html", "shtml", "svg") and pieces[-2] in _INNOCENT:
        flags.append("double_extension")
    if last in _SCRIPT:
        flags.append("script")
    if last in _MACRO:
        flags.append("macro_type")
    if last in _DISK_IMAGE:
        flags.append("disk_image")
    if last in ("one", "onepkg"):
        flags.append("onenote")
    if last in ("lnk", "url"):
        flags.append("shortcut")
    return flags


def type_flags(detected: str) -> list[str]:
    """What a detected type means for the reader: executable, shortcut, onenote, disk_image, archive, html, svg, script, flash."""
    return list(_FLAGS_OF_TYPE.get(detected, ()))


def is_archive_name(name: str) -> bool:
    """Whether a file of this name would be opened as an archive."""
    return extension(name) in _ARCHIVE


def contradicts(name: str, content_type: str, detected: str) -> bool:
    """Whether the content is another thing than the name or the declared type says (a program called .pdf, HTML declared as an image)."""
    if not detected:
        return False
    promised = _TYPE_OF_EXTENSION.get(extension(name), "")
    if promised and _family(promised) != _family(detected):
        return True
    return (
        not promised and content_type.startswith(("image/", "audio/", "video/")) and not detected.startswith(content_type.partition("/")[0])
    )


def _family(kind: str) -> str:
    """Types that stand for each other: every Office document is a zip or an OLE file, images are one family, XML dialects another."""
    if kind.startswith("image/") and kind != "image/svg+xml":
        return "image"
    if (
        kind in ("application/zip", "application/x-ole-storage", "application/rtf", "text/html", "application/xml")
        or "officedocument" in kind
    ):
        return "document"
    return kind
