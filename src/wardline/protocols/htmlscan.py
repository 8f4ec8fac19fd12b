"""One pass over HTML: what is shown, what is hidden, where it leads. The pure-Python twin of `_html.c`, and its oracle.

    scan(b"<p>Hi <b style='display:none'>xx</b><a href=//example.com>you</a>", b"", Caps())
        -> Scan(visible=b"Hi you", hidden=b"xx", links=[(b"//example.com", b"you", ANCHOR, 0)], …)

Tokens follow WHATWG HTML §13.2.5 (tags, attributes, comments, raw text, references), trees only so far as styles reach (§13.2.6 reduced:
implied ends, scopes, misnested formatting). Every byte is visited a bounded number of times; every stack walk is at most 64 steps; tags,
rules, links and depth are capped. Works on UTF-8 bytes; positions and caps are in bytes. `html.py` gives the result its public form.
"""

import re
from itertools import islice
from typing import NamedTuple

from wardline.protocols import css
from wardline.protocols.elements import (
    AREA,
    BASE,
    BLOCK,
    BODY,
    BR,
    BUTTON,
    BUTTONS,
    CELL,
    CLOSES_P,
    DIALOG,
    ELEMENTS,
    FONT,
    FORM,
    FORMATTING,
    FRAME,
    IFRAME,
    IGNORED,
    IMG,
    INPUT,
    LINK,
    META,
    OBJECT,
    PRE,
    RAW,
    ROW,
    SCRIPT,
    SECTION,
    SPACE,
    SPECIAL,
    STYLE,
    SVG,
    TABLE,
    TEXTAREA,
    TITLE,
    UNKNOWN,
    UNSEEN,
    VOID,
    XMP,
    A,
    Element,
    P,
)  # fmt: skip
from wardline.protocols.entities import decode

WALK = 64  # entries of the stack that one search looks at
TINY_CENTI_PX = 200  # a font of 2 px and less, an image of 2 px and less
STYLES_KEPT = 256  # inline styles whose meaning is remembered during one scan
RUNS = 4_096  # runs of invisible characters that are counted
NEAR_COLOUR = 24  # the largest difference in any channel at which text melts into its background

# Ways to hide, as bits; NAMES in the same order.
HID_DISPLAY, HID_VISIBILITY, HID_SIZE, HID_COLOUR, HID_OFFSCREEN, HID_OPACITY, HID_ATTRIBUTE, HID_ELEMENT = (1 << bit for bit in range(8))

ANCHOR, AREAS, IMAGES, FORMS, STYLES, BASES, FRAMES, REFRESH, SCRIPTS = range(9)

BREAK = b"\x1e"  # stands for a line break until the text is collapsed; cleaning has removed it from the input
_spaces = bytes(32 if (code < 32 and code not in (9, 10, 12, 13)) or code == 127 else code for code in range(256))
_space = b"\t\n\f\r "

_markup = re.compile(rb"<(?=[a-zA-Z/!?])")
_name = re.compile(rb"[a-zA-Z][^\t\n\f\r />]*+")
_attribute = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)|(?=>)|([\"'])))?"
)
_gap = re.compile(rb"[\t\n\f\r /]*+")
_comment_end = re.compile(rb"--!?>")
_raw_end = {
    name: re.compile(rb"</" + name + rb"(?=[\t\n\f\r />])", re.IGNORECASE) for name, element in ELEMENTS.items() if element.flags & RAW
}
_style_url = re.compile(rb"url\([\t\n\f\r ]*+[\"']?([^\"')]*+)", re.IGNORECASE)
_ink = re.compile(rb"[!-~\xc3-\xe1\xe3-\xee\xf0-\xf4]")
_unseen = re.compile(
    rb"(?:\xc2\xad|\xcd\x8f|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa4\xa6-\xa9]|\xef\xbb\xbf|\xf3\xa0[\x80\x81][\x80-\xbf])+"
)
_wanted = frozenset(
    b"style class id bgcolor background color text hidden href src alt action formaction content http-equiv width height type data value "
    b"placeholder open".split()
)
_styled = frozenset((b"style", b"class", b"id", b"bgcolor", b"background", b"color", b"text", b"hidden"))
_stops_end = TABLE | CELL
_tabular = CELL | ROW | SECTION | TABLE


class Caps(NamedTuple):
    """tags: start tags, end tags and comments read before the scan jumps to the tail; tail: how many bytes of the end are then read;
    the others: stack entries, attributes per tag, links kept, style rules held, bytes of one URL, bytes of one link text, bytes of style sheets."""

    tags: int = 10_000
    tail: int = 24_000
    depth: int = 512
    attributes: int = 64
    links: int = 1_000
    rules: int = 2_000
    url: int = 2_048
    text: int = 512
    sheets: int = 128_000


class Scan(NamedTuple):
    """Everything as UTF-8 bytes and integers; see `html.Page` for the meanings."""

    visible: bytes
    hidden: bytes
    alt: bytes
    title: bytes
    base: bytes
    shape: bytes
    links: list[tuple[bytes, bytes, int, int]]
    hidden_by: int
    limits: int
    counts: tuple[int, ...]


COUNTS = (
    "tags", "images", "remote_images", "tiny_images", "forms", "inputs", "password_inputs", "scripts", "iframes", "objects", "handlers",
    "comments", "comment_chars", "conditionals", "max_depth", "broken_tags", "meta_refresh", "script_urls", "data_urls", "inline_images",
    "mso_hidden", "zero_width_chars", "split_words", "soft_hyphens", "bidi_overrides",
)  # fmt: skip
(
    TAGS, N_IMAGES, N_REMOTE, N_TINY, N_FORMS, N_INPUTS, N_PASSWORDS, N_SCRIPTS, N_IFRAMES, N_OBJECTS, N_HANDLERS, N_COMMENTS, N_COMMENT_CHARS,
    N_CONDITIONALS, MAX_DEPTH, BROKEN, N_REFRESH, N_SCRIPT_URLS, N_DATA_URLS, N_INLINE, N_MSO, N_ZERO_WIDTH, N_SPLIT, N_SOFT, N_BIDI,
) = range(25)  # fmt: skip

LIMIT_NAMES = ("html_tags", "html_depth", "html_attributes", "html_links", "html_styles")
OVER_TAGS, OVER_DEPTH, OVER_ATTRIBUTES, OVER_LINKS, OVER_STYLES = (1 << bit for bit in range(5))

State = tuple[
    int, int, int, int, int, int
]  # how it is hidden for good, visibility, font in centi-pixels, colour, background, the mask of all
ROOT: State = (0, 0, 1600, 0, 0xFFFFFF, 0)
Entry = tuple[bytes, Element, State]


def _near(colour: int, background: int) -> bool:
    if colour == css.TRANSPARENT:
        return True
    if colour < 0 or background < 0:
        return False
    return (
        abs((colour >> 16) - (background >> 16)) <= NEAR_COLOUR
        and abs((colour >> 8 & 255) - (background >> 8 & 255)) <= NEAR_COLOUR
        and abs((colour & 255) - (background & 255)) <= NEAR_COLOUR
    )


def style(state: State, found: css.Declarations, extra: int) -> State:
    """The state inside an element that has these declarations; `extra` are ways to hide that do not come from CSS."""
    hard, visibility, font, colour, background, _ = state
    hard |= extra
    get = found.get
    if get(css.DISPLAY):
        hard |= HID_DISPLAY
    visibility = get(css.VISIBILITY, visibility)
    size = get(css.FONT)
    if size is not None:
        font = size if size >= 0 else min(font * (-size - 1) // 100, 10_000_000)
    colour = get(css.COLOUR, colour)
    ground = get(css.BACKGROUND, css.TRANSPARENT)
    if ground != css.TRANSPARENT:
        background = ground
    if get(css.IMAGE):
        background = css.UNKNOWN
    if get(css.OPACITY):
        hard |= HID_OPACITY
    if (
        get(css.MARGIN_LEFT)
        or get(css.MARGIN_TOP)
        or get(css.INDENT)
        or (get(css.POSITION) and (get(css.LEFT) or get(css.TOP) or get(css.RIGHT) or get(css.BOTTOM) or get(css.CLIP)))
    ):
        hard |= HID_OFFSCREEN
    if get(css.OVERFLOW) and (get(css.WIDTH) or get(css.HEIGHT) or get(css.MAX_WIDTH) or get(css.MAX_HEIGHT)):
        hard |= HID_SIZE
    mask = hard
    if visibility:
        mask |= HID_VISIBILITY
    if font <= TINY_CENTI_PX:
        mask |= HID_SIZE
    if _near(colour, background):
        mask |= HID_COLOUR
    return hard, visibility, font, colour, background, mask


def clean_url(value: bytes, limit: int) -> bytes:
    """A URL as browsers take it from an attribute: stripped, without tabs and line breaks, at most `limit` bytes."""
    return value.strip(b"\t\n\f\r ").translate(None, b"\t\n\r")[:limit]


class _Pass:
    """One walk through the head and, where the head was cut, the tail."""

    def __init__(self, caps: Caps, rules: dict[bytes, css.Declarations], second: bool) -> None:
        self.caps = caps
        self.rules = rules
        self.second = second
        self.late_rules = False
        self.styles: dict[bytes, css.Declarations] = {}
        self.visible: list[bytes] = []
        self.hidden: list[bytes] = []
        self.hidden_last = False
        self.alt: list[bytes] = []
        self.title = b""
        self.base = b""
        self.shape: list[bytes] = []
        self.links: list[list[bytes | int]] = []
        self.hidden_by = 0
        self.limits = 0
        self.counts = [0] * len(COUNTS)
        self.text_seen = False
        self.sheet_bytes = 0
        self.body_seen = False
        self._fresh()

    def _fresh(self) -> None:
        """What begins anew with the tail: nothing is open there."""
        self.stack: list[Entry] = []
        self.open: dict[bytes, int] = {}
        self.state = ROOT
        self.pre = 0
        self.svg = 0
        self.anchor = -1  # index of the open link, -1 none
        self.anchor_depth = 0
        self.anchor_from = 0
        self.anchor_alt = b""
        self.body_state = ROOT

    # text

    def text(self, chunk: bytes) -> None:
        """Puts decoded text where it belongs."""
        mask = self.state[5]
        if self.pre:
            chunk = chunk.replace(b"\n", BREAK)
        if not mask:
            self.visible.append(chunk)
            self.hidden_last = False
            if not self.text_seen and _ink.search(chunk):
                self.text_seen = True
            return
        if not self.hidden_last:
            self.hidden.append(b" ")
            self.hidden_last = True
        self.hidden.append(chunk)
        if (self.hidden_by | mask) != self.hidden_by or not self.text_seen:
            if _ink.search(chunk):
                self.hidden_by |= mask
                self.text_seen = True

    def gap(self, element: Element, mask: int) -> None:
        """The break or space that an element makes around itself."""
        if element.flags & BLOCK:
            (self.hidden if mask else self.visible).append(BREAK)
        elif element.flags & SPACE:
            (self.hidden if mask else self.visible).append(b" ")

    # the stack

    def pop_to(self, index: int) -> None:
        """Closes every entry from `index` on."""
        for name, element, _ in self.stack[index:]:
            if name:
                self.open[name] -= 1
            if element.flags & PRE:
                self.pre -= 1
            if element.what == SVG:
                self.svg -= 1
        del self.stack[index:]
        self.state = self.stack[-1][2] if self.stack else self.body_state
        if self.anchor >= 0 and index < self.anchor_depth:
            self.end_anchor()

    def end_anchor(self) -> None:
        """Gives the open link its text."""
        if self.anchor >= 0:
            text = plain(b"".join(self.visible[self.anchor_from :])).replace(b"\n", b" ")
            self.links[self.anchor][1] = (text or self.anchor_alt)[: self.caps.text]
            self.anchor = -1

    def close_group(self, group: int, stops: int) -> None:
        """An implied end: closes the nearest open element of the group, unless one of `stops` stands before it."""
        stack = self.stack
        for index in range(len(stack) - 1, max(len(stack) - 1 - WALK, -1), -1):
            name, element, _ = stack[index]
            if element.group & group and name:
                self.gap(element, self.state[5])
                self.pop_to(index)
                return
            if element.group & stops:
                return

    def end_tag(self, name: bytes) -> None:
        element = ELEMENTS.get(name, UNKNOWN)
        if element.flags & (IGNORED | VOID) or element.what == BODY:
            if element.what == BR:
                self.gap(element, self.state[5])
            return
        if element.what == TITLE:
            return
        if self.open.get(name):
            stack = self.stack
            stops = (TABLE if element.group & _tabular else _stops_end) if element.group != TABLE else 0
            crossed = 0
            for index in range(len(stack) - 1, max(len(stack) - 1 - WALK, -1), -1):
                other, entry, _ = stack[index]
                if other == name:
                    self.gap(element, self.state[5])
                    if element.flags & FORMATTING and crossed & SPECIAL:
                        # Misnested: `<b><div></b>` leaves the block open. The entry stays, without a name.
                        stack[index] = (b"", UNKNOWN, stack[index][2])
                        self.open[name] -= 1
                        if element.what == A:
                            self.end_anchor()
                    else:
                        self.pop_to(index)
                    return
                if entry.group & stops:
                    break
                crossed |= entry.flags
        self.counts[BROKEN] += 1
        self.gap(element, self.state[5])

    # attributes and links

    def link(self, value: bytes, origin: int, hidden: int) -> int:
        """Keeps a link; returns its index, or -1 when it leads nowhere."""
        url = clean_url(value, self.caps.url)
        if not url or url[:1] == b"#":
            return -1
        scheme = url[:11].lower()
        if scheme.startswith((b"cid:", b"mid:")):
            return -1
        if scheme.startswith((b"javascript:", b"vbscript:")):
            self.counts[N_SCRIPT_URLS] += 1
        elif scheme.startswith(b"data:"):
            self.counts[N_DATA_URLS] += 1
            url = url[:64]
        self.links.append([url, b"", origin, 1 if hidden else 0])
        return len(self.links) - 1

    def style_urls(self, text: bytes, hidden: int) -> None:
        """Keeps what `url(…)` names in a style."""
        if b"(" in text:
            for value in _style_url.findall(text):
                self.link(value, STYLES, hidden)

    def compute(self, name: bytes, element: Element, found: dict[bytes, bytes]) -> State:
        """The state inside this element."""
        rules = self.rules
        own: css.Declarations = {}
        if element.what == A and b"href" in found:
            own[css.COLOUR] = 0x0000EE
        extra = HID_ELEMENT if element.flags & UNSEEN else 0
        if found:
            shade = found.get(b"bgcolor")
            if shade is not None:
                ground = css.colour(shade.strip(_space).lower())
                if ground is not None:
                    own[css.BACKGROUND] = ground
            if found.get(b"background", b"").strip(_space):
                own[css.IMAGE] = 1
            shade = found.get(b"color") if element.what == FONT else found.get(b"text") if element.what == BODY else None
            if shade is not None:
                ground = css.colour(shade.strip(_space).lower())
                if ground is not None:
                    own[css.COLOUR] = ground
            if b"hidden" in found:
                extra |= HID_ATTRIBUTE
        if element.what == DIALOG and b"open" not in found:
            extra |= HID_DISPLAY
        if rules:
            classes = found[b"class"].lower().split(maxsplit=8)[:8] if b"class" in found else ()
            ident = found[b"id"].lower().strip(_space) if b"id" in found else b""
            for selector in (b"*", name):
                if selector in rules:
                    own.update(rules[selector])
            for one in classes:
                if b"." + one in rules:
                    own.update(rules[b"." + one])
                if name + b"." + one in rules:
                    own.update(rules[name + b"." + one])
            if ident:
                if b"#" + ident in rules:
                    own.update(rules[b"#" + ident])
                if name + b"#" + ident in rules:
                    own.update(rules[name + b"#" + ident])
        inline = found.get(b"style")
        if inline:
            declared = self.styles.get(inline)
            if declared is None:
                declared = css.declarations(inline)
                if len(self.styles) < STYLES_KEPT:
                    self.styles[inline] = declared
            own.update(declared)
        if own.get(css.MSO):
            self.counts[N_MSO] += 1
        if not own and not extra:
            return self.state
        return style(self.state, own, extra)

    def start_tag(self, name: bytes, found: dict[bytes, bytes], closed: bool) -> Element:
        element = ELEMENTS.get(name, UNKNOWN)
        counts = self.counts
        if len(self.shape) < 64:
            self.shape.append(name if element is not UNKNOWN else b"?")
        flags, what = element.flags, element.what
        if flags & IGNORED:
            return element
        if flags & CLOSES_P and self.open.get(b"p"):
            self.close_group(P, TABLE | CELL | BUTTON)
        if element.closes:
            self.close_group(element.closes, element.stops)
        if what == A and self.open.get(b"a"):
            self.end_tag(b"a")
        rules = self.rules
        if found or rules or flags & UNSEEN or what == DIALOG:
            state = self.compute(name, element, found)
        else:
            state = self.state
        mask = state[5]
        if what == BODY:
            if not self.body_seen:
                self.body_seen = True
                if not self.stack:
                    self.state = self.body_state = state
        if b"background" in found:
            self.link(found[b"background"], IMAGES, mask)
        if b"style" in found:
            self.style_urls(found[b"style"], mask)
        if flags & (BLOCK | SPACE):
            self.gap(element, mask)
        if what:
            self.special(what, found, mask)
        if not flags & VOID and not flags & RAW and what != BODY and not (closed and self.svg):
            if len(self.stack) >= self.caps.depth:
                self.limits |= OVER_DEPTH
            else:
                self.stack.append((name, element, state))
                self.open[name] = self.open.get(name, 0) + 1
                self.state = state
                if flags & PRE:
                    self.pre += 1
                if what == SVG:
                    self.svg += 1
                if len(self.stack) > counts[MAX_DEPTH]:
                    counts[MAX_DEPTH] = len(self.stack)
                if what == A:
                    self.anchor_depth = len(self.stack)
        elif flags & RAW:
            self.raw_state = state
        return element

    def special(self, what: int, found: dict[bytes, bytes], mask: int) -> None:
        """What single elements mean beyond their style."""
        counts = self.counts
        if what == A:
            self.end_anchor()
            if b"href" in found:
                self.anchor = self.link(found[b"href"], ANCHOR, mask)
                self.anchor_from = len(self.visible)
                self.anchor_depth = 1 << 30
                self.anchor_alt = b""
        elif what == IMG:
            self.image(found, mask)
        elif what in (FORM, BUTTONS):
            if what == FORM:
                counts[N_FORMS] += 1
            target = found.get(b"action" if what == FORM else b"formaction")
            if target is not None:
                self.link(target, FORMS, mask)
        elif what == INPUT:
            self.input(found, mask)
        elif what == SCRIPT:
            counts[N_SCRIPTS] += 1
            if b"src" in found:
                self.link(found[b"src"], SCRIPTS, mask)
        elif what == IFRAME:
            counts[N_IFRAMES] += 1
            if b"src" in found:
                self.link(found[b"src"], FRAMES, mask)
        elif what in (FRAME, OBJECT):
            counts[N_OBJECTS] += 1
            target = found.get(b"data" if what == OBJECT else b"src")
            if target is not None:
                self.link(target, FRAMES, mask)
        elif what == AREA:
            if b"href" in found:
                self.link(found[b"href"], AREAS, mask)
            if not mask and found.get(b"alt") and (alt := plain(found[b"alt"]).replace(b"\n", b" ")):
                self.alt.append(alt)
        elif what == BASE:
            if not self.base and b"href" in found:
                self.base = clean_url(found[b"href"], self.caps.url)
                self.link(found[b"href"], BASES, mask)
        elif what == META:
            if found.get(b"http-equiv", b"").strip(_space).lower() == b"refresh":
                counts[N_REFRESH] += 1
                # "5; url='http://…'": whatever follows the first "url=".
                content = found.get(b"content", b"")
                at = content.lower().find(b"url=")
                if at >= 0:
                    self.link(content[at + 4 :].strip(b"\t\n\f\r \"'"), REFRESH, 0)
        elif what == LINK and b"href" in found:
            self.link(found[b"href"], STYLES, 0)

    def image(self, found: dict[bytes, bytes], mask: int) -> None:
        counts = self.counts
        counts[N_IMAGES] += 1
        tiny = 0
        for side in (b"width", b"height"):
            if side in found:
                size = css.number(found[side].strip(_space))
                if size is not None and size[0] <= TINY_CENTI_PX and size[1] != b"%":
                    tiny = 1
        counts[N_TINY] += tiny
        source = clean_url(found.get(b"src", b""), self.caps.url)
        start = source[:8].lower()
        if start.startswith((b"http:", b"https:")) or start[:2] == b"//":
            counts[N_REMOTE] += 1
        elif start.startswith((b"cid:", b"mid:")):
            counts[N_INLINE] += 1
        self.link(found.get(b"src", b""), IMAGES, mask | tiny)
        if not mask and not tiny and found.get(b"alt"):
            alt = plain(found[b"alt"]).replace(b"\n", b" ")
            if alt:
                self.alt.append(alt)
                if self.anchor >= 0 and not self.anchor_alt:
                    self.anchor_alt = alt

    def input(self, found: dict[bytes, bytes], mask: int) -> None:
        self.counts[N_INPUTS] += 1
        kind = found.get(b"type", b"").strip(_space).lower()
        if kind == b"hidden":
            return
        if kind == b"password":
            self.counts[N_PASSWORDS] += 1
        if kind == b"image" and b"src" in found:
            self.link(found[b"src"], IMAGES, mask)
        if b"formaction" in found:
            self.link(found[b"formaction"], FORMS, mask)
        shown = found.get(b"value" if kind in (b"submit", b"button", b"reset") else b"placeholder")
        if shown:
            before, self.state = self.state, (*self.state[:5], mask)
            self.text(shown)
            self.state = before

    # the tokens

    def raw_text(self, element: Element, content: bytes) -> None:
        """The content of script, style, title, textarea and the like."""
        what = element.what
        if what == STYLE:
            self.style_urls(content[: self.caps.sheets], 0)
            if self.second or not content:
                return
            room = self.caps.sheets - self.sheet_bytes
            if len(content) > room:
                self.limits |= OVER_STYLES
                content = content[:room]
            self.sheet_bytes += len(content)
            if not css.sheet(content, self.rules, self.caps.rules):
                self.limits |= OVER_STYLES
            if self.text_seen and self.rules:
                self.late_rules = True
        elif what == TITLE:
            if not self.title:
                self.title = plain(decode(content)).replace(b"\n", b" ")
        elif what in (TEXTAREA, XMP):
            before, self.state = self.state, self.raw_state
            self.pre += 1
            self.text(decode(content) if what == TEXTAREA else content)
            self.pre -= 1
            self.gap(element, self.state[5])
            self.state = before

    def comment(self, content: bytes) -> None:
        self.counts[N_COMMENTS] += 1
        if content.lstrip(_space)[:3].lower() == b"[if" or content.lstrip(_space)[:8].lower() == b"<![endif":
            self.counts[N_CONDITIONALS] += 1
        else:
            self.counts[N_COMMENT_CHARS] += len(content.decode("utf-8", "ignore"))

    def run(self, data: bytes, tags: int) -> int:
        """Reads until the end or until `tags` more tags were read; returns where it stopped."""
        size = len(data)
        counts = self.counts
        last = counts[TAGS] + counts[N_COMMENTS] + tags
        attributes_cap = self.caps.attributes
        find_markup = _markup.search
        position = start = 0
        while True:
            found = find_markup(data, position)
            at = found.start() if found else size
            if at > start:
                chunk = data[start:at]
                self.text(decode(chunk) if b"&" in chunk else chunk)
            if found is None:
                return size
            if counts[TAGS] + counts[N_COMMENTS] >= last:
                self.limits |= OVER_TAGS
                return at
            following = data[at + 1]
            if following == 0x21 or following == 0x3F or (following == 0x2F and not data[at + 2 : at + 3].isalpha()):
                # Comments, and what browsers take for one: `<!doctype>`, `<![if]>`, `<?xml>`, `</3>`.
                if data.startswith(b"<!--", at):
                    body = at + 4
                    if data.startswith((b">", b"->"), body):
                        end, position = body, data.find(b">", body) + 1
                    else:
                        closing = _comment_end.search(data, body)
                        end, position = closing.span() if closing else (size, size)
                    self.comment(data[body:end])
                else:
                    end = data.find(b">", at + 2)
                    position = size if end < 0 else end + 1
                    if following == 0x2F:
                        counts[BROKEN] += 1
                    counts[N_COMMENTS] += 1
                start = position
                continue
            ending = following == 0x2F
            named = _name.match(data, at + 1 + ending)
            assert named is not None  # the lookahead and isalpha saw a letter
            name = named[0].lower()
            position = named.end()
            # Attributes
            attributes: dict[bytes, bytes] = {}
            seen = 0
            closed = complete = False
            while True:
                if data[position : position + 1] == b">":
                    position += 1
                    complete = True
                    break
                pair = _attribute.match(data, position)
                if pair is None:
                    gap = _gap.match(data, position)
                    assert gap is not None  # it matches the empty text
                    closed = gap.end() > position and data[gap.end() - 1] == 0x2F
                    complete = gap.end() < size
                    position = gap.end() + 1
                    break
                if pair[5] is not None:
                    break  # a quote that never closes: the rest of the document is inside this tag
                position = pair.end()
                seen += 1
                if seen > attributes_cap:
                    self.limits |= OVER_ATTRIBUTES
                elif not ending:
                    key = pair[1].lower()
                    if key in _wanted:
                        if key not in attributes:
                            value = pair[2] or pair[3] or pair[4] or b""
                            attributes[key] = decode(value, attribute=True) if b"&" in value else value
                    elif key[:2] == b"on":
                        counts[N_HANDLERS] += 1
            if not complete:
                counts[BROKEN] += 1
                return size
            counts[TAGS] += 1
            start = position
            if ending:
                self.end_tag(name)
                continue
            element = self.start_tag(name, attributes, closed)
            if element.flags & RAW:
                closing = _raw_end[name].search(data, position)
                end = closing.start() if closing else size
                self.raw_text(element, data[position:end])
                if closing is None:
                    return size
                end = data.find(b">", closing.end())
                start = position = size if end < 0 else end + 1

    def finish(self) -> None:
        self.end_anchor()


def plain(raw: bytes) -> bytes:
    """Runs of white space to one space, breaks to one line feed, invisible characters removed."""
    if not raw.isascii():
        raw = _unseen.sub(b"", raw).replace(b"\xc2\xa0", b" ")
    return b"\n".join([line for part in raw.split(BREAK) if (line := b" ".join(part.split()))])


def clean(text: bytes) -> bytes:
    """The document without control characters: NUL goes, as in browsers; the others become spaces."""
    return text.translate(_spaces, b"\0")


def _count_unseen(raw: bytes, counts: list[int]) -> None:
    """Invisible characters in what would be shown: all, those that split a word of ASCII letters, soft hyphens, direction overrides."""
    if raw.isascii():
        return
    for found in islice(_unseen.finditer(raw), RUNS):
        run = found[0]
        text = run.decode()
        soft = text.count("\xad")
        counts[N_SOFT] += soft
        counts[N_ZERO_WIDTH] += len(text) - soft
        counts[N_BIDI] += text.count("\u202d") + text.count("\u202e")
        if soft < len(text) and raw[found.start() - 1 : found.start()].isalpha() and raw[found.end() : found.end() + 1].isalpha():
            counts[N_SPLIT] += 1


def scan(head: bytes, tail: bytes, caps: Caps) -> Scan:
    """Scans the head, then the tail (empty: the head is the whole). When the tags run out within the head, its last `caps.tail` bytes are the tail."""
    head, tail = clean(head), clean(tail)
    rules: dict[bytes, css.Declarations] = {}
    limits = 0
    for second in (False, True):
        walk = _Pass(caps, rules, second)
        reached = walk.run(head, caps.tags)
        rest = tail
        if reached < len(head) and not tail:
            begin = max(reached, len(head) - caps.tail)
            while begin < len(head) and 0x80 <= head[begin] < 0xC0:
                begin += 1
            rest = head[begin:]
        walk.finish()
        if rest:
            walk._fresh()
            walk.text(BREAK)
            walk.run(rest, 1 << 40)
            walk.finish()
        limits |= walk.limits
        if not walk.late_rules:
            break
        # Style rules stood behind text that they may hide: walk again, knowing them from the start.
    raw = b"".join(walk.visible)
    _count_unseen(raw, walk.counts)
    links = walk.links
    if len(links) > caps.links:
        limits |= OVER_LINKS
        behind = caps.links // 4
        links = links[: caps.links - behind] + links[len(links) - behind :]
    return Scan(
        plain(raw), plain(b"".join(walk.hidden)), b"\n".join(walk.alt), walk.title, walk.base, b" ".join(walk.shape),
        [(url, text, origin, hidden) for url, text, origin, hidden in links],  # type: ignore[misc]
        walk.hidden_by, limits, tuple(walk.counts),
    )  # fmt: skip
