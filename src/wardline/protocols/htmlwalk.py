"""The tree of an HTML document, so far as styles reach: which element is open, what is hidden in it, which link its text belongs to.

    walk = Walk(Caps(), {}, second=False)
    walk.start_tag(b"p", {b"style": b"display:none"}, closed=False); walk.text(b"secret")
    walk.hidden == [b" ", b"secret"]

WHATWG HTML §13.2.6, reduced: implied ends, scopes, misnested formatting; no adoption, no foster parents. No search looks at more than 64 entries
of the stack. The tokens come from `htmlscan.py`.
"""

import re

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
    SVG,
    TABLE,
    TITLE,
    UNKNOWN,
    UNSEEN,
    VOID,
    A,
    Element,
    P,
)
from wardline.protocols.htmlfacts import (
    ANCHOR,
    AREAS,
    BASES,
    BREAK,
    BROKEN,
    COUNTS,
    FORMS,
    FRAMES,
    HID_ATTRIBUTE,
    HID_DISPLAY,
    HID_ELEMENT,
    IMAGES,
    MAX_DEPTH,
    N_DATA_URLS,
    N_FORMS,
    N_IFRAMES,
    N_IMAGES,
    N_INLINE,
    N_INPUTS,
    N_MSO,
    N_OBJECTS,
    N_PASSWORDS,
    N_REFRESH,
    N_REMOTE,
    N_SCRIPT_URLS,
    N_SCRIPTS,
    N_TINY,
    OVER_DEPTH,
    REFRESH,
    ROOT,
    SCRIPTS,
    STYLES,
    TINY_CENTI_PX,
    Caps,
    State,
    plain,
    style,
)

WALK = 64  # entries of the stack that one search looks at
STYLES_KEPT = 256  # inline styles whose meaning is remembered during one scan

_space = b"\t\n\f\r "
_style_url = re.compile(rb"url\([\t\n\f\r ]*+[\"']?([^\"')]*+)", re.IGNORECASE)
_ink = re.compile(rb"[!-~\xc3-\xe1\xe3-\xee\xf0-\xf4]")
_stops_end = TABLE | CELL
_tabular = CELL | ROW | SECTION | TABLE

Entry = tuple[bytes, Element, State]


def clean_url(value: bytes, limit: int) -> bytes:
    """A URL as browsers take it from an attribute: stripped, without tabs and line breaks, at most `limit` bytes."""
    return value.strip(b"\t\n\f\r ").translate(None, b"\t\n\r")[:limit]


class Walk:
    """What is known while a document is read: the head and, where the head was cut, the tail."""

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
        self.fresh()

    def fresh(self) -> None:
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
            matching = rules.get
            if rule := matching(b"*"):
                own.update(rule)
            if rule := matching(name):
                own.update(rule)
            for one in classes:
                key = b"." + one
                if rule := matching(key):
                    own.update(rule)
                if rule := matching(name + key):
                    own.update(rule)
            if ident:
                key = b"#" + ident
                if rule := matching(key):
                    own.update(rule)
                if rule := matching(name + key):
                    own.update(rule)
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
