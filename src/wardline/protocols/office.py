"""Office files: macros and embedded programs, seen from the outside ([MS-CFB], [MS-OVBA], RTF 1.9.1).

    ole(b"\\xd0\\xcf\\x11\\xe0…")      -> ("application/msword", ["macros"])
    rtf(b"{\\\\rtf1 {\\\\object\\\\objemb …") -> ["embedded_object"]

The directory of an OLE file holds its stream names in UTF-16; looking for those names is enough to know what it carries. Linear.
"""

import re

_KINDS = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("VisioDocument", "application/vnd.visio"),
    ("EncryptedPackage", "application/x-office-encrypted"),
)
_MACROS = ("_VBA_PROJECT", "Macros", "VBA", "PROJECTwm")
_RTF_OBJECT = re.compile(rb"\\obj(?:emb|link|ocx|autlink|update|data|html)\b", re.IGNORECASE)
_RTF_TRICK = re.compile(rb"\\objupdate|equation\.\d|\\objclass\s++package|\\bin\d{4}|\{\\\*\\template\s", re.IGNORECASE)


def _wide(name: str) -> bytes:
    return name.encode("utf-16-le") + b"\0\0"


def ole(data: bytes) -> tuple[str, list[str]]:
    """(type, flags) of an OLE compound file: macros, encrypted_document, embedded_object, installer."""
    kind = next((kind for name, kind in _KINDS if _wide(name) in data), "application/x-ole-storage")
    flags: list[str] = []
    if any(_wide(name) in data for name in _MACROS):
        flags.append("macros")
    if kind == "application/x-office-encrypted":
        flags.append("encrypted_document")
    if _wide("\x01Ole10Native") in data or _wide("ObjectPool") in data:
        flags.append("embedded_object")
    if kind == "application/x-ole-storage" and "䡀".encode("utf-16-le") in data[:65536]:
        flags.append("installer")  # names of MSI tables begin with this character
        kind = "application/x-msi"
    return kind, flags


def rtf(data: bytes) -> list[str]:
    """Flags of an RTF file: embedded_object, rtf_trick (objects that load by themselves, remote templates)."""
    flags: list[str] = []
    if _RTF_OBJECT.search(data):
        flags.append("embedded_object")
    if _RTF_TRICK.search(data):
        flags.append("rtf_trick")
    return flags
