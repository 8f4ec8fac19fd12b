"""HTML to what a person sees: the shown text, the hidden text and how it was hidden, and every address it leads to.

    page = see('<body bgcolor=white>Dear <font color=#fefefe>x7f</font>Customer, <a href="http://192.0.2.9/a">example.com</a>')
    page.visible    "Dear Customer, example.com"
    page.hidden     "x7f"            page.hidden_by   ("colour",)
    page.links      (PageLink(url="http://192.0.2.9/a", text="example.com", origin="anchor", hidden=False),)

Standard: WHATWG HTML, as mail clients show it (no scripts run, nothing is fetched). Linear time and bounded memory by construction: at most
`Limits.head_chars + Limits.tail_chars` characters and a bounded number of tags are read; what was left out is named in `Page.limits`.
The scan itself is `_html.c` where it was built and `htmlscan.py` elsewhere, with equal results.
"""

from collections.abc import Callable

import msgspec

from wardline.protocols import htmlfacts, htmlscan
from wardline.protocols.css import COLOURS
from wardline.protocols.elements import ELEMENTS
from wardline.protocols.entities import NAMED
from wardline.protocols.url import join


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one document. Characters of the head and the tail; the rest counts as in `htmlfacts.Caps`."""

    head_chars: int = 400_000
    tail_chars: int = 24_000
    tags: int = 10_000
    depth: int = 512
    attributes: int = 64
    links: int = 1_000
    rules: int = 2_000
    url_chars: int = 2_048
    link_text_chars: int = 512
    sheet_chars: int = 128_000


class PageLink(msgspec.Struct, frozen=True):
    """One address in the document, resolved against `<base>`; `text` is what a person sees of the link, else its picture's alt text."""

    url: str
    text: str = ""
    origin: str = "anchor"  # anchor, area, image, form, style, base, frame, refresh, script
    hidden: bool = False


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One document as a person sees it, and the facts of how it is made.

    `hidden_by`: display, visibility, size, colour, offscreen, opacity, attribute, element (noscript, template), zero_width (invisible
    characters inside words). Honest mail hides its preheader too: hiding is a fact, not a verdict. `shape`: the first 64 start tags.
    """

    visible: str = ""
    hidden: str = ""
    alt_text: str = ""
    title: str = ""
    shape: str = ""
    base: str = ""
    links: tuple[PageLink, ...] = ()
    hidden_by: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()  # html_size, html_tags, html_depth, html_attributes, html_links, html_styles
    hidden_chars: int = 0
    tags: int = 0
    images: int = 0
    remote_images: int = 0
    tiny_images: int = 0
    forms: int = 0
    inputs: int = 0
    password_inputs: int = 0
    scripts: int = 0
    iframes: int = 0
    objects: int = 0
    handlers: int = 0
    comments: int = 0
    comment_chars: int = 0
    conditionals: int = 0
    max_depth: int = 0
    broken_tags: int = 0
    meta_refresh: int = 0
    script_urls: int = 0
    data_urls: int = 0
    inline_images: int = 0
    mso_hidden: int = 0
    zero_width_chars: int = 0
    split_words: int = 0
    soft_hyphens: int = 0
    bidi_overrides: int = 0


Engine = Callable[[bytes, bytes, htmlfacts.Caps], htmlfacts.Scan]


def _compiled() -> Engine | None:
    """The C twin, where it was built."""
    try:
        from wardline.protocols import _html
    except ImportError:
        return None
    tables = _html.tables(ELEMENTS, NAMED, COLOURS)
    scan = _html.scan
    return lambda head, tail, caps: htmlfacts.Scan._make(scan(head, tail, caps, tables))


_engine: Engine = _compiled() or htmlscan.scan

_origins = ("anchor", "area", "image", "form", "style", "base", "frame", "refresh", "script")
_hidings = ("display", "visibility", "size", "colour", "offscreen", "opacity", "attribute", "element")


def _names(bits: int, names: tuple[str, ...]) -> list[str]:
    return [name for index, name in enumerate(names) if bits >> index & 1]


def compiled() -> bool:
    """Whether the C twin is in use."""
    return _engine is not htmlscan.scan


def see(html: str, limits: Limits = Limits()) -> Page:
    """What a person sees of this document and what it hides. Never raises; see `Limits` for what is read of a large one."""
    return _see(html, limits, _engine)


def see_pure(html: str, limits: Limits = Limits()) -> Page:
    """The same by the pure-Python twin, whatever was built."""
    return _see(html, limits, htmlscan.scan)


def _see(html: str, limits: Limits, engine: Engine) -> Page:
    head, tail = html, ""
    over = []
    if len(html) > limits.head_chars + limits.tail_chars:
        head, tail = html[: limits.head_chars], html[len(html) - limits.tail_chars :]
        over.append("html_size")
    caps = htmlfacts.Caps(
        limits.tags, limits.tail_chars, limits.depth, limits.attributes, limits.links, limits.rules, limits.url_chars, limits.link_text_chars,
        limits.sheet_chars,
    )  # fmt: skip
    found = engine(head.encode("utf-8", "replace"), tail.encode("utf-8", "replace"), caps)
    counts = found.counts
    base = found.base.decode("utf-8", "ignore")
    links = tuple(
        PageLink(
            join(base, url.decode("utf-8", "ignore")) if base else url.decode("utf-8", "ignore"),
            text.decode("utf-8", "ignore"),
            _origins[origin],
            hidden != 0,
        )
        for url, text, origin, hidden in found.links
    )
    hidden = found.hidden.decode("utf-8", "ignore")
    hidden_by = _names(found.hidden_by, _hidings)
    facts = dict(zip(htmlfacts.COUNTS, counts, strict=True))
    if facts["split_words"]:
        hidden_by.append("zero_width")
    return Page(
        visible=found.visible.decode("utf-8", "ignore"),
        hidden=hidden,
        alt_text=found.alt.decode("utf-8", "ignore"),
        title=found.title.decode("utf-8", "ignore"),
        shape=found.shape.decode("utf-8", "ignore"),
        base=base,
        links=links,
        hidden_by=tuple(hidden_by),
        limits=tuple(over + _names(found.limits, htmlfacts.LIMIT_NAMES)),
        hidden_chars=len(hidden),
        **facts,
    )
