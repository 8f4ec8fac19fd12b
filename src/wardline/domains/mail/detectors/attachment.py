"""Attachment: files that run, files that pretend to be others, and files that hide what they are.

    "invoice.pdf.exe" (application/x-dosexec)  ->  Signal(0.98, "An attachment has a second, hidden ending. An attachment is a program.")

What a file is, is decided by its content and its name (intake); here each fact gets its weight. Office files with macros, encrypted archives
and scripts are sent by honest people now and then, technical lists send shell scripts every day: those are hints, not verdicts.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Attachment as File
from wardline.domains.mail.events import Mail
from wardline.domains.mail.lexicon import plain
from wardline.domains.mail.weighing import Cue, opinion, whole
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.filetype import extension, name_flags

CUES: Mapping[str, Cue] = {
    "double_extension": Cue(3.0, "An attachment has a second ending that hides what it is."),
    "rlo_name": Cue(3.5, "An attachment's name is written backwards to hide its ending."),
    "invisible_name": Cue(2.0, "An attachment's name holds invisible characters."),
    "long_blank_name": Cue(3.0, "An attachment's name is stretched with blanks to hide its ending."),
    "program": Cue(2.4, "An attachment is a program or runs like one."),
    "packed_program": Cue(2.6, "An archive holds a program."),
    "shortcut": Cue(3.0, "An attachment is a shortcut, which can run any command."),
    "disk_image": Cue(2.0, "An attachment is a disk image, which evades the marks on downloaded files."),
    "onenote": Cue(1.2, "An attachment is a notebook file that can carry programs."),
    "macros": Cue(1.2, "An Office file holds macros."),
    "encrypted_archive": Cue(1.0, "An archive is encrypted, so nobody can look inside on the way."),
    "password_given": Cue(1.6, "An archive is encrypted and the message gives its password."),
    "html_form": Cue(2.4, "An attached web page asks for input."),
    "html_script": Cue(2.0, "An attached web page runs a script."),
    "html_file": Cue(0.4, "A web page is attached."),
    "svg_script": Cue(2.8, "An attached picture (SVG) runs a script."),
    "type_mismatch": Cue(1.0, "An attachment is not what it says it is."),
    "bomb": Cue(2.5, "An archive unpacks to an absurd size."),
}
_NAMES = (
    "double_extension",
    "rlo_name",
    "invisible_name",
    "long_blank_name",
    "shortcut",
    "disk_image",
    "onenote",
    "encrypted_archive",
    "bomb",
)
# Endings that run when they are opened on a usual desktop. Sources that people send each other (sh, py, pl, bin, url, inf …) are not here.
_RUNS = frozenset(
    str.split(
        "exe scr pif com cpl msi msp bat cmd ps1 vbs vbe js jse wsf wsh hta jar lnk reg chm xll settingcontent-ms library-ms search-ms appref-ms application "
        "msix appx apk iso img vhd vhdx"
    )
)
_IMAGES = frozenset(["iso", "img", "vhd", "vhdx"])
_SOURCE = frozenset(["js", "jar", "bat", "cmd", "ps1", "com", "reg"])
_PASSWORDS = (
    "password",
    "passwort",
    "mot de passe",
    "contraseña",
    "senha",
    "пароль",
    "hasło",
    "şifre",
    "parola",
    "密码",
    "パスワード",
    "비밀번호",
    "wachtwoord",
)


def flags_of(file: File) -> set[str]:
    """The cues of one attachment."""
    given = {*file.flags, *name_flags(file.name)}
    found = {flag for flag in _NAMES if flag in given}
    ending = extension(file.name)
    if (
        "executable" in given
        and (ending in _RUNS or "dosexec" in file.detected_type or "executable" in file.detected_type)
        and ending not in _IMAGES | {"lnk"}
    ):
        # A readable source (text) that also happens to run is what programmers send.
        if not (ending in _SOURCE and file.content_type.startswith("text/")):
            found.add("program")
    if "macros" in given or "macro_type" in given:
        found.add("macros")
    is_html = "html" in given or ending in ("htm", "html", "shtml", "xhtml", "mht")
    scripted = "html_script" in given or "html_refresh" in given
    if is_html:
        found.add("html_form" if "html_form" in given or "html_password" in given else "html_script" if scripted else "html_file")
    elif ("svg" in given or ending == "svg") and scripted:
        found.add("svg_script")
    if "member_double_extension" in given or "member_long_blank_name" in given or "member_rlo_name" in given:
        found.add("double_extension")
    if "type_mismatch" in given and not file.inline:
        found.add("type_mismatch")
    for member in file.members[:200]:
        inner = extension(member)
        if inner in _RUNS and inner not in _SOURCE:
            found.add("shortcut" if inner == "lnk" else "disk_image" if inner in _IMAGES else "packed_program")
    return found


class Attachment(Detector[Mail]):
    """Dangerous and disguised attachments."""

    name = "attachment"
    reads = ("attachment.count", "attachment.flags")
    cost_us = 4.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """attachment.count: int; attachment.flags: list of names from CUES; attachment.endings: list of file endings, at most 8."""
        found: set[str] = set()
        for file in subject.attachments[:100]:
            found |= flags_of(file)
        if "encrypted_archive" in found:
            text = plain(subject.visible_text)
            if any(word in text for word in _PASSWORDS):
                found.add("password_given")
                found.discard("encrypted_archive")
        endings = sorted({extension(file.name)[:12] for file in subject.attachments[:100]} - {""})[:8]
        flags: list[Scalar] = [*sorted(found)]
        return {"attachment.count": len(subject.attachments), "attachment.flags": flags, "attachment.endings": [*endings]}

    def judge(self, values: Values) -> Signal:
        """Silent on ordinary files."""
        if not whole(values.get("attachment.count")):
            return Signal(None, "No attachments.")
        return opinion(values.get("attachment.flags"), CUES, "The attachments are of ordinary kinds.")
