"""One pass over HTML: what is shown, what is hidden, where it leads. The pure-Python twin of `_html.c`, and its oracle.

    scan(b"<p>Hi <b style='display:none'>xx</b><a href=//example.com>you</a>", b"", Caps())
        -> Scan(visible=b"Hi you", hidden=b"xx", links=[(b"//example.com", b"you", ANCHOR, 0)], …)

Tokens follow WHATWG HTML §13.2.5 (tags, attributes, comments, raw text, references), trees only so far as styles reach (§13.2.6 reduced:
implied ends, scopes, misnested formatting). Every byte is visited a bounded number of times; every stack walk is at most 64 steps; tags,
rules, links and depth are capped. Works on UTF-8 bytes; positions and caps are in bytes. `html.py` gives the result its public form.
"""

import re

from wardline.protocols import css
from wardline.protocols.elements import ELEMENTS, RAW, STYLE, TEXTAREA, TITLE, XMP, Element
from wardline.protocols.entities import decode
from wardline.protocols.htmlfacts import (
    BREAK,
    BROKEN,
    N_COMMENT_CHARS,
    N_COMMENTS,
    N_CONDITIONALS,
    N_HANDLERS,
    OVER_ATTRIBUTES,
    OVER_LINKS,
    OVER_STYLES,
    OVER_TAGS,
    TAGS,
    Caps,
    Scan,
    clean,
    count_unseen,
    plain,
)
from wardline.protocols.htmlwalk import Walk

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
_wanted = frozenset(
    b"style class id bgcolor background color text hidden href src alt action formaction content http-equiv width height type data value "
    b"placeholder open".split()
)


class _Pass(Walk):
    """One pass: the tokens, given to the walk."""

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
        walk.end_anchor()
        if rest:
            walk.fresh()
            walk.text(BREAK)
            walk.run(rest, 1 << 40)
            walk.end_anchor()
        limits |= walk.limits
        if not walk.late_rules:
            break
        # Style rules stood behind text that they may hide: walk again, knowing them from the start.
    raw = b"".join(walk.visible)
    count_unseen(raw, walk.counts)
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
