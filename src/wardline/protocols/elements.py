"""What the HTML standard says of each element, as bits: does it break the line, is it void, what does its start close?

    ELEMENTS[b"td"].flags & SPACE, ELEMENTS[b"p"].closes == P

WHATWG HTML §4 (which elements are void), §13.1.2.4 (optional tags), §15.3 (how they are displayed), reduced to what decides the reading
order and the reach of a style. Unknown elements are inline and close nothing.
"""

from typing import NamedTuple

# flags
VOID, BLOCK, SPACE, FORMATTING, RAW, CLOSES_P, IGNORED, UNSEEN, PRE, SPECIAL = (1 << bit for bit in range(10))
# groups: for implied ends and for what stops the search for them
P, LI, TERM, CELL, ROW, SECTION, OPTION, LIST, TERMS, TABLE, SELECT, BUTTON = (1 << bit for bit in range(12))


class Element(NamedTuple):
    """flags; the element's own group; groups whose open element its start closes; groups that stop that search; `what`: a small number for
    elements that the scanner treats by name, 0 for all others."""

    flags: int = 0
    group: int = 0
    closes: int = 0
    stops: int = 0
    what: int = 0


UNKNOWN = Element()

# what
(
    A,
    IMG,
    FORM,
    INPUT,
    SCRIPT,
    STYLE,
    TITLE,
    TEXTAREA,
    XMP,
    IFRAME,
    BODY,
    META,
    BASE,
    LINK,
    AREA,
    FONT,
    FRAME,
    OBJECT,
    BUTTONS,
    DIALOG,
    SVG,
    BR,
    BG,
    RAWTEXT,
) = range(1, 25)


def _table() -> dict[bytes, Element]:
    flags: dict[str, int] = {}

    def add(bits: int, names: str) -> None:
        for name in names.split():
            flags[name] = flags.get(name, 0) | bits

    add(VOID, "br img hr input meta link area base basefont bgsound col embed frame keygen param source track wbr")
    add(
        BLOCK | SPECIAL,
        "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header "
        "hgroup hr legend li main menu nav ol optgroup option p pre listing section summary table tbody tfoot thead tr caption ul textarea xmp "
        "plaintext body marquee",
    )
    add(BLOCK, "br")
    add(SPACE | SPECIAL, "td th")
    add(SPACE, "input button select")
    add(FORMATTING, "a b big code em font i nobr s small strike strong tt u")
    add(RAW, "script style title textarea xmp iframe noembed noframes")
    add(
        CLOSES_P,
        "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header "
        "hgroup hr li main menu nav ol p pre listing section summary ul xmp plaintext",
    )
    add(IGNORED, "html head")
    add(UNSEEN, "noscript template")
    add(PRE, "pre listing xmp textarea plaintext")
    add(SPECIAL, "template noscript object button applet")

    groups = {
        "p": P, "li": LI, "dd": TERM, "dt": TERM, "td": CELL, "th": CELL, "caption": CELL, "tr": ROW, "tbody": SECTION, "thead": SECTION,
        "tfoot": SECTION, "option": OPTION, "ul": LIST, "ol": LIST, "menu": LIST, "dir": LIST, "dl": TERMS, "table": TABLE, "select": SELECT,
        "button": BUTTON,
    }  # fmt: skip
    closes = {
        "li": (LI, LIST | CELL | TABLE),
        "dd": (TERM, TERMS | CELL | TABLE),
        "dt": (TERM, TERMS | CELL | TABLE),
        "td": (CELL, ROW | TABLE),
        "th": (CELL, ROW | TABLE),
        "tr": (ROW, SECTION | TABLE),
        "tbody": (SECTION, TABLE),
        "thead": (SECTION, TABLE),
        "tfoot": (SECTION, TABLE),
        "option": (OPTION, SELECT | CELL | TABLE),
    }
    what = {
        "a": A, "img": IMG, "image": IMG, "form": FORM, "input": INPUT, "script": SCRIPT, "style": STYLE, "title": TITLE, "textarea": TEXTAREA,
        "xmp": XMP, "iframe": IFRAME, "body": BODY, "meta": META, "base": BASE, "link": LINK, "area": AREA, "font": FONT, "frame": FRAME,
        "embed": FRAME, "object": OBJECT, "button": BUTTONS, "dialog": DIALOG, "svg": SVG, "br": BR, "table": BG, "td": BG, "th": BG, "tr": BG,
        "tbody": BG, "thead": BG, "tfoot": BG, "noembed": RAWTEXT, "noframes": RAWTEXT,
    }  # fmt: skip
    flags["image"] = VOID
    names = set(flags) | set(groups) | set(what)
    return {
        name.encode(): Element(flags.get(name, 0), groups.get(name, 0), *closes.get(name, (0, 0)), what.get(name, 0))
        for name in sorted(names)
    }


ELEMENTS: dict[bytes, Element] = _table()
