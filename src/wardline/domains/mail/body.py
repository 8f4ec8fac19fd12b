"""The body of a message as its reader meets it: text in reading order, what is hidden, links, attachments (part of mail intake).

    body = Body(limits); body.add(message.root)
    body.visible  ["Dear Customer, …"]      body.links  [("http://192.0.2.9/a", "example.com", "anchor", False)]

Both sides of a multipart/alternative are read, since some reader sees each (RFC 2046 §5.1.4); a plain side that says the same as the
HTML side is not repeated. Budgets are shared by all parts, and the last parts always get a minimum, so that filling the first ones hides nothing.
"""

import re

import msgspec

from wardline.domains.mail.events import Attachment, HtmlFacts
from wardline.protocols import attachment as files
from wardline.protocols import charset, filetype, headers, html, mime, transfer, url
from wardline.protocols.html import Limits as HtmlLimits

_BLANK_CONTROLS = bytes.maketrans(bytes((*range(9), 11, 12, *range(14, 32), 127)), b" " * 30)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ENCLOSED = mime.Limits(size_bytes=131072, parts=32, tail_parts=4, depth=6)
_LABEL = re.compile(r"[^a-z0-9.+-]")
_READABLE = ("text/", "message/")
# Text that only machines read (keys, signatures): no part of what a person sees.
_NOT_SHOWN = frozenset({"text/css", "text/javascript"})
_PAGES = frozenset({"text/html", "application/xhtml+xml", "text/x-amp-html"})
_PAGE_NAMES = frozenset({"htm", "html", "shtml", "xhtml", "xht", "mht", "svg"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Caps of the body. A cap that is hit is named in `Mail.limits` by the word in brackets."""

    part_head_bytes: int = 131072  # [text] read of one text part from its start
    part_tail_bytes: int = 32768  # [text] and from its end
    all_text_bytes: int = 524288  # [text] of all text parts
    least_text_bytes: int = 1024  # a part gets that much even when the budget is gone
    attached_text_bytes: int = 32768  # [text] of a text file that is attached
    visible_chars: int = 262144  # [text]
    hidden_chars: int = 65536  # [text]
    links: int = 256  # [links]
    attachments: int = 64  # [attachments]
    attachment_bytes: int = 4194304  # [attachment_bytes] decoded of all attachments, to look inside
    inspections: int = (
        16  # [attachment_bytes] attached files that are looked into (archives, documents); of later ones only the type is told
    )
    message_files: int = 4  # attached message files that are read
    guesses: int = 24  # parts whose charset is guessed from their bytes; later ones are read as Windows-1252
    html: HtmlLimits = HtmlLimits()


class Body:
    """Gathers what the parts of one message hold. Not reusable."""

    def __init__(self, limits: Limits) -> None:
        self.caps = limits
        self.visible: list[str] = []
        self.hidden: list[str] = []
        self.links: list[tuple[str, str, str, bool]] = []
        self.attachments: list[Attachment] = []
        self.pages: list[html.Page] = []
        self.limits: set[str] = set()
        self.defects: set[str] = set()
        self.text_left = limits.all_text_bytes
        self.file_bytes_left = limits.attachment_bytes
        self.tags_left = limits.html.tags
        self.guesses_left = limits.guesses
        self.within_file = False
        self.message_files_left = limits.message_files
        self.inspections_left = limits.inspections

    def add(self, part: mime.Part) -> None:
        """Read `part` and everything below it, in order."""
        kind = part.content_type
        if part.is_message and part.depth and part.fields:
            self.enclosed_header(part)
        if part.stray:
            self.stray(part)
        if part.children:
            if kind == "multipart/alternative":
                self.alternative(part)
            else:
                for child in part.children:
                    self.add(child)
            for start, end in part.outside:
                self.outside(part, start, end)
        elif kind.startswith("multipart/") or (kind in ("message/rfc822", "message/global") and part.end - part.start < 3):
            return
        else:
            self.leaf(part)

    def leaf(self, part: mime.Part) -> None:
        """A part without parts: text to read, a file to examine, or both."""
        kind = part.content_type
        attached = part.disposition == "attachment"
        if kind in _PAGES and not attached:
            self.page(self.text(part))
            if part.name:  # shown in place by most readers, and offered as a file too
                self.file(part, shown=True)
        elif kind.startswith(_READABLE) and not attached and not part.name and kind not in _NOT_SHOWN:
            if kind == "text/calendar" or kind == "text/vcard":
                self.file(part)
            else:
                self.plain(part, self.text(part))
        else:
            self.file(part)

    def alternative(self, part: mime.Part) -> None:
        """RFC 2046 §5.1.4: the last side is shown by most readers, the others by some; a side that repeats another is left out of the text."""
        sides: list[list[str]] = []
        for child in part.children:
            before = len(self.visible)
            self.add(child)
            sides.append(self.visible[before:])
            del self.visible[before:]
        texts = [" ".join(side) for side in sides]
        richest = max(range(len(texts)), key=lambda index: len(texts[index])) if texts else 0
        words = set(texts[richest][:8192].split()) if len(texts) > 1 else set()
        for index, side in enumerate(sides):
            if index != richest and texts[index]:
                own = set(texts[index][:4096].split())
                if own and len(own & words) >= 0.9 * len(own):
                    continue
            self.visible += side

    def enclosed_header(self, part: mime.Part) -> None:
        """Of a message within the message, a reader sees its subject and sender."""
        for wanted in (b"subject", b"from"):
            for name, value in part.fields:
                if name.lower() == wanted:
                    self.visible.append(headers.decode(headers.clip(value, 2048), defects=self.defects))
                    break

    def stray(self, part: mime.Part) -> None:
        """Lines of a header block that are no fields: some readers take them for the beginning of the body."""
        text = headers.decode(headers.clip(b" ".join(part.stray), 65536), defects=self.defects)
        self.visible.append(text)
        self.find_links(text)

    def outside(self, part: mime.Part, start: int, end: int) -> None:
        """Preamble and epilogue: readers do not show them, old ones and naive filters read them (RFC 2046 §5.1.1)."""
        if end - start < 200:
            return
        text = self.clean(part.buffer[start : min(end, start + 4096)], "").strip()
        if len(text) > 200:  # longer than the sentences that mail programs put there
            self.defects.add("text_outside_parts")
            self.hidden.append(text)

    def budget(self, wanted_head: int, wanted_tail: int) -> tuple[int, int]:
        """What may be read of the next text part."""
        least = self.caps.least_text_bytes
        if self.text_left >= wanted_head + wanted_tail:
            return wanted_head, wanted_tail
        head = max(least, min(wanted_head, self.text_left))
        return head, min(wanted_tail, max(least // 2, self.text_left - head))

    def text(self, part: mime.Part, head: int = 0, tail: int = 0) -> str:
        """The text of a part within the budget, head and tail."""
        head, tail = self.budget(head or self.caps.part_head_bytes, tail or self.caps.part_tail_bytes)
        sample = part.sample(head, tail)
        self.text_left -= len(sample.head) + len(sample.tail)
        self.defects |= sample.defects
        label = part.charset
        text = self.clean(sample.head, label)
        if sample.cut:
            self.limits.add("text")
            if sample.tail:
                text = f"{text}\n{self.clean(sample.tail, label)}"
        return text

    def clean(self, data: bytes, label: str) -> str:
        """Bytes to text with LF line ends and without control characters."""
        if charset.is_ascii_compatible(label):
            data = data.translate(_BLANK_CONTROLS)
            text, found = charset.decode(data, label, fallback="" if self.guesses_left else "cp1252")
            if found:
                self.defects.update(found)
                self.guesses_left = max(0, self.guesses_left - 1)
            if not text.isascii() and (
                b"\xc2" in data or found or charset.codec(label) not in ("", "utf-8")
            ):  # C1 controls: U+0080 to U+009F begin with C2 in UTF-8
                text = _CONTROLS.sub(" ", text)
        else:
            text, found = charset.decode(data, label)
            self.defects.update(found)
            text = _CONTROLS.sub(" ", text)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def plain(self, part: mime.Part, text: str) -> None:
        """A text part as a reader shows it: format=flowed joined (RFC 3676), uuencoded files taken out."""
        if part.parameters.get("format", "").lower() == "flowed":
            joint = "" if part.parameters.get("delsp", "").lower() == "yes" else " "
            text = text.replace("\n-- \n", "\n--\n").replace(" \n", joint)
        if "begin " in text:
            text = self.uuencoded(text)
        if part.content_type == "text/plain" and not part.declared and text[:200].lstrip()[:9].lower().startswith(("<html", "<!doctype")):
            self.page(text)  # no type is stated, and readers that sniff show a page
            return
        self.visible.append(text)
        self.find_links(text)

    def uuencoded(self, text: str) -> str:
        """Files that are uuencoded in running text, as old programs send them."""
        data = text.encode("utf-8", "replace")
        kept: list[bytes] = []
        at = 0
        for begin, first, name in transfer.uu_files(data):
            if begin < at:
                continue
            decoded, behind, defects = transfer.uudecode(data, first, min(262144, max(4096, self.file_bytes_left)))
            if len(decoded) < 16:
                continue
            self.defects |= defects
            self.file_bytes_left -= len(decoded)
            kept.append(data[at:begin])
            at = behind
            self.examined(files.examine(decoded, b"", len(decoded), name.decode("utf-8", "replace"), ""), "x-uuencode", False)
        if not at:
            return text
        kept.append(data[at:])
        return b"\n".join(kept).decode("utf-8", "replace")

    def find_links(self, text: str) -> None:
        cap = self.caps.links
        found = url.find(text, cap)
        if len(found) >= cap:  # the head is full: look at the tail as well
            self.limits.add("links")
            found += url.find(text[-16384:], 1000)[-(cap // 4) :]
        for address in found:
            self.links.append((address, "", "text", False))

    def page(self, text: str, *, attached: bool = False) -> html.Page:
        """An HTML part: what it shows, hides and leads to."""
        caps = self.caps.html
        if self.pages:  # the pages of one message share its tags; each gets a minimum at both ends
            left = max(100, self.tags_left)
            caps = msgspec.structs.replace(caps, tags=left, head_chars=left * 20, tail_chars=min(caps.tail_chars, left * 5))
        page = html.see(text, caps)
        self.tags_left -= page.tags
        self.pages.append(page)
        if not page.visible and page.comment_chars > 100 and "<!--" in text:
            # A comment that is never closed hides all from a browser; older readers end it at the first `>` and show the rest.
            unclosed = html.see(text.replace("<!--", "<!"), caps)
            self.tags_left -= unclosed.tags
            if unclosed.visible:
                self.hidden.append(unclosed.visible)
            self.links += [(link.url, link.text, link.origin, link.hidden) for link in unclosed.links]
        self.limits.update(page.limits)
        if page.visible:
            self.visible.append(page.visible)
        if page.hidden:
            self.hidden.append(page.hidden)
        anchored: set[str] = set()
        for link in page.links:
            self.links.append((link.url, link.text, "attachment" if attached else link.origin, link.hidden))
            anchored.add(link.text)
        for found in url.find(page.visible, 64) if page.visible else ():
            if found not in anchored:
                self.links.append((found, "", "text", False))
        return page

    def file(self, part: mime.Part, *, shown: bool = False) -> None:
        """An attachment: what it is, what is wrong with it, and the text of those that a reader would see as text."""
        if len(self.attachments) >= self.caps.attachments:
            self.limits.add("attachments")
        left = max(8192, self.file_bytes_left)
        size = part.end - part.start
        sample = part.sample(min(65536, left)) if size > 131072 else part.sample(131072)
        deep = files.wants_more(sample.head, part.name)
        if deep:
            self.inspections_left -= 1
            if self.inspections_left < 0:
                self.limits.add("attachment_bytes")
        if sample.cut and deep and self.inspections_left >= 0:
            sample = part.sample(min(2097152, left), min(524288, left))
            if sample.cut:
                self.limits.add("attachment_bytes")
        self.file_bytes_left -= len(sample.head) + len(sample.tail)
        self.defects |= sample.defects
        found = files.examine(sample.head, sample.tail, sample.size_bytes, part.name, part.content_type, inside=self.inspections_left >= 0)
        inline = part.disposition == "inline" or bool(part.content_id)
        kind = found.detected_type or part.content_type
        flags: list[str] = []
        ending = filetype.extension(part.name)
        if shown:
            pass
        elif kind in _PAGES or kind == "image/svg+xml" or (not found.detected_type and ending in _PAGE_NAMES):
            page = self.page(self.text(part, self.caps.attached_text_bytes, 8192), attached=True)
            flags = [
                flag
                for flag, count in (
                    ("html_form", page.forms), ("html_password", page.password_inputs), ("html_script", page.scripts + page.handlers),
                    ("html_refresh", page.meta_refresh),
                )
                if count
            ]  # fmt: skip
        elif ending == "eml" or part.content_type in ("application/eml", "message/eml"):
            self.enclosed_file(sample.head)
        elif part.content_type.startswith("text/") and not found.detected_type and part.content_type not in _NOT_SHOWN:
            text = self.text(part, self.caps.attached_text_bytes, 8192)
            if charset.looks_like_text(text):
                self.plain(part, text)
        self.examined(found, part.content_type, inline, flags)

    def enclosed_file(self, data: bytes) -> None:
        """A message that is attached as a file: its reader opens it like any other. One level; a file within that file is only listed."""
        if self.within_file or self.message_files_left <= 0:
            return
        self.within_file = True
        self.message_files_left -= 1
        inner = mime.parse(data, _ENCLOSED)
        self.limits |= inner.limits
        self.enclosed_header(inner.root)
        self.add(inner.root)
        self.within_file = False

    def examined(self, found: files.Findings, content_type: str, inline: bool, flags: list[str] | None = None) -> None:
        """Record an attachment; its text and addresses join the message's, marked as coming from an attachment."""
        if found.text:
            self.visible.append(_CONTROLS.sub(" ", found.text))
        for address in found.urls:
            self.links.append((address, "", "attachment", False))
        self.attachments.append(
            Attachment(
                name=_CONTROLS.sub(" ", found.name),
                content_type=content_type,
                detected_type=found.detected_type,
                size_bytes=found.size_bytes,
                inline=inline,
                flags=tuple(dict.fromkeys((*found.flags, *(flags or ())))),
                members=found.members,
            )
        )
        if len(self.attachments) > self.caps.attachments:
            del self.attachments[self.caps.attachments * 3 // 4]  # keep the first and the last

    def facts(self) -> HtmlFacts:
        """Sums over all HTML parts."""
        pages = self.pages
        if not pages:
            return HtmlFacts()
        return HtmlFacts(
            parts=len(pages),
            tags=sum(page.tags for page in pages),
            images=sum(page.images for page in pages),
            remote_images=sum(page.remote_images for page in pages),
            forms=sum(page.forms for page in pages),
            password_inputs=sum(page.password_inputs for page in pages),
            scripts=sum(page.scripts for page in pages),
            iframes=sum(page.iframes for page in pages),
            comments_chars=sum(page.comment_chars for page in pages),
            hidden_chars=sum(page.hidden_chars for page in pages),
            hidden_by=tuple(dict.fromkeys(way for page in pages for way in page.hidden_by)),
            zero_width_chars=sum(page.zero_width_chars for page in pages),
            max_depth=max(page.max_depth for page in pages),
            meta_refresh=any(page.meta_refresh for page in pages),
            base_href=any(page.base for page in pages),
            broken_tags=sum(page.broken_tags for page in pages),
        )


def structure(part: mime.Part, room: int = 200) -> str:
    """The tree in one line: "mixed(alternative(plain,html),pdf)"; containers by subtype, leaves by subtype, at most `room` characters."""
    out: list[str] = []
    left = room

    def write(node: mime.Part) -> None:
        nonlocal left
        if left <= 0:
            return
        label = _LABEL.sub("", node.content_type.partition("/")[2])[:24] or "unknown"
        out.append(label)
        left -= len(label) + 1
        if node.children:
            out.append("(")
            for index, child in enumerate(node.children):
                if left <= 0:
                    break
                if index:
                    out.append(",")
                write(child)
            out.append(")")
            left -= 1

    write(part)
    return "".join(out)[:room]
