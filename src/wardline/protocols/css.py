"""The few CSS declarations that decide whether a person can see a text, read from inline styles and simple style sheets.

    declarations(b"display:none; color:#FFF")      -> {DISPLAY: 1, COLOUR: 0xFFFFFF}
    sheet(b"p.a, #b { font-size: 0 }", rules, 100) -> rules[b"p.a"] == rules[b"#b"] == {FONT: 0}

Everything is ASCII-lowered bytes and integers, so that the C twin can be compared with it bit by bit. What is not understood (nested
selectors, @media blocks, escapes, `!important`) is left out: a text is called hidden only where that is plain. CSS 2.1 §4.1, §14, §18.
"""

import re

DISPLAY, VISIBILITY, OPACITY, FONT, COLOUR, BACKGROUND, IMAGE, POSITION = range(8)
LEFT, TOP, RIGHT, BOTTOM, MARGIN_LEFT, MARGIN_TOP, INDENT, OVERFLOW, WIDTH, HEIGHT, MAX_WIDTH, MAX_HEIGHT, CLIP, MSO = range(8, 22)

UNKNOWN = -1  # a colour that cannot be told: an image, a gradient, a function
TRANSPARENT = -2
INHERIT = -4  # the colour of the element around, where a link would have its own

FAR_CENTI_PX = -50_000  # further out than -500 px counts as off the screen
FAINT_CENTI = 10  # an opacity of 0.1 and less cannot be read

Declarations = dict[int, int]

_number = re.compile(rb"([+-]?)([0-9]*+)(?:\.([0-9]*+))?([a-z%]*+)")
_hex = re.compile(rb"#?([0-9a-f]{6}|[0-9a-f]{3})(?:[0-9a-f]{2}|[0-9a-f])?")
_braces = re.compile(rb"[{}]")
_selector = re.compile(rb"(?:\*|[a-z][a-z0-9]*)?(?:[.#][a-z0-9_-]+)?")

# Blocks that hold for every reader at a screen: their rules count as if they stood alone.
_plain_media = frozenset((b"@media all", b"@media screen", b"@media only screen", b"@media only all"))

# Per unit: centi-pixels for one. Relative units are handled apart.
_units = {b"": 100, b"px": 100, b"pt": 133, b"pc": 1600, b"in": 9600, b"cm": 3780, b"mm": 378, b"q": 94}
_relative = {b"em": 100, b"rem": 100, b"%": 1, b"ex": 50, b"ch": 50}
_sizes = {
    b"xx-small": 900,
    b"x-small": 1000,
    b"small": 1300,
    b"medium": 1600,
    b"large": 1800,
    b"x-large": 2400,
    b"xx-large": 3200,
    b"smaller": -84,
    b"larger": -121,
}
_edges = {
    b"left": LEFT,
    b"top": TOP,
    b"right": RIGHT,
    b"bottom": BOTTOM,
    b"margin-left": MARGIN_LEFT,
    b"margin-top": MARGIN_TOP,
    b"text-indent": INDENT,
}
_boxes = {b"width": WIDTH, b"height": HEIGHT, b"max-width": MAX_WIDTH, b"max-height": MAX_HEIGHT}

# CSS Color Module Level 4 §6.1, the names in common use first; 16,777,215 is white.
COLOURS: dict[bytes, int] = {
    name.encode(): int(value, 16)
    for name, value in (
        pair.split("=")
        for pair in [
            "aliceblue=f0f8ff",
            "antiquewhite=faebd7",
            "aqua=00ffff",
            "aquamarine=7fffd4",
            "azure=f0ffff",
            "beige=f5f5dc",
            "bisque=ffe4c4",
            "black=000000",
            "blanchedalmond=ffebcd",
            "blue=0000ff",
            "blueviolet=8a2be2",
            "brown=a52a2a",
            "burlywood=deb887",
            "cadetblue=5f9ea0",
            "chartreuse=7fff00",
            "chocolate=d2691e",
            "coral=ff7f50",
            "cornflowerblue=6495ed",
            "cornsilk=fff8dc",
            "crimson=dc143c",
            "cyan=00ffff",
            "darkblue=00008b",
            "darkcyan=008b8b",
            "darkgoldenrod=b8860b",
            "darkgray=a9a9a9",
            "darkgreen=006400",
            "darkgrey=a9a9a9",
            "darkkhaki=bdb76b",
            "darkmagenta=8b008b",
            "darkolivegreen=556b2f",
            "darkorange=ff8c00",
            "darkorchid=9932cc",
            "darkred=8b0000",
            "darksalmon=e9967a",
            "darkseagreen=8fbc8f",
            "darkslateblue=483d8b",
            "darkslategray=2f4f4f",
            "darkslategrey=2f4f4f",
            "darkturquoise=00ced1",
            "darkviolet=9400d3",
            "deeppink=ff1493",
            "deepskyblue=00bfff",
            "dimgray=696969",
            "dimgrey=696969",
            "dodgerblue=1e90ff",
            "firebrick=b22222",
            "floralwhite=fffaf0",
            "forestgreen=228b22",
            "fuchsia=ff00ff",
            "gainsboro=dcdcdc",
            "ghostwhite=f8f8ff",
            "gold=ffd700",
            "goldenrod=daa520",
            "gray=808080",
            "green=008000",
            "greenyellow=adff2f",
            "grey=808080",
            "honeydew=f0fff0",
            "hotpink=ff69b4",
            "indianred=cd5c5c",
            "indigo=4b0082",
            "ivory=fffff0",
            "khaki=f0e68c",
            "lavender=e6e6fa",
            "lavenderblush=fff0f5",
            "lawngreen=7cfc00",
            "lemonchiffon=fffacd",
            "lightblue=add8e6",
            "lightcoral=f08080",
            "lightcyan=e0ffff",
            "lightgoldenrodyellow=fafad2",
            "lightgray=d3d3d3",
            "lightgreen=90ee90",
            "lightgrey=d3d3d3",
            "lightpink=ffb6c1",
            "lightsalmon=ffa07a",
            "lightseagreen=20b2aa",
            "lightskyblue=87cefa",
            "lightslategray=778899",
            "lightslategrey=778899",
            "lightsteelblue=b0c4de",
            "lightyellow=ffffe0",
            "lime=00ff00",
            "limegreen=32cd32",
            "linen=faf0e6",
            "magenta=ff00ff",
            "maroon=800000",
            "mediumaquamarine=66cdaa",
            "mediumblue=0000cd",
            "mediumorchid=ba55d3",
            "mediumpurple=9370db",
            "mediumseagreen=3cb371",
            "mediumslateblue=7b68ee",
            "mediumspringgreen=00fa9a",
            "mediumturquoise=48d1cc",
            "mediumvioletred=c71585",
            "midnightblue=191970",
            "mintcream=f5fffa",
            "mistyrose=ffe4e1",
            "moccasin=ffe4b5",
            "navajowhite=ffdead",
            "navy=000080",
            "oldlace=fdf5e6",
            "olive=808000",
            "olivedrab=6b8e23",
            "orange=ffa500",
            "orangered=ff4500",
            "orchid=da70d6",
            "palegoldenrod=eee8aa",
            "palegreen=98fb98",
            "paleturquoise=afeeee",
            "palevioletred=db7093",
            "papayawhip=ffefd5",
            "peachpuff=ffdab9",
            "peru=cd853f",
            "pink=ffc0cb",
            "plum=dda0dd",
            "powderblue=b0e0e6",
            "purple=800080",
            "rebeccapurple=663399",
            "red=ff0000",
            "rosybrown=bc8f8f",
            "royalblue=4169e1",
            "saddlebrown=8b4513",
            "salmon=fa8072",
            "sandybrown=f4a460",
            "seagreen=2e8b57",
            "seashell=fff5ee",
            "sienna=a0522d",
            "silver=c0c0c0",
            "skyblue=87ceeb",
            "slateblue=6a5acd",
            "slategray=708090",
            "slategrey=708090",
            "snow=fffafa",
            "springgreen=00ff7f",
            "steelblue=4682b4",
            "tan=d2b48c",
            "teal=008080",
            "thistle=d8bfd8",
            "tomato=ff6347",
            "turquoise=40e0d0",
            "violet=ee82ee",
            "wheat=f5deb3",
            "white=ffffff",
            "whitesmoke=f5f5f5",
            "yellow=ffff00",
            "yellowgreen=9acd32",
        ]
    )
}


def number(text: bytes) -> tuple[int, bytes] | None:
    """A leading number in hundredths, and its unit: b"-1.25em" -> (-125, b"em"). None when the text does not begin with a digit."""
    found = _number.match(text)
    if found is None or not (found[2] or found[3]):
        return None
    # Eight digits of the whole part and two of the fraction are enough, and bound the cost.
    whole = found[2][:8]
    value = min(int(whole or b"0"), 99_999) * 100 + int(((found[3] or b"") + b"00")[:2])
    return (-value if found[1] == b"-" else value), found[4]


def length(text: bytes) -> int | None:
    """A length in centi-pixels, relative units taken at 16 px; None when it is none: b"1.5px" -> 150, b"auto" -> None."""
    found = number(text)
    if found is None:
        return None
    value, unit = found
    if unit in _units:
        return value * _units[unit] // 100
    if unit in _relative:
        return value * _relative[unit] * 16 // 100
    return None


def font_size(text: bytes) -> int | None:
    """A font size: centi-pixels when >= 0, else -(percent of the parent's) - 1. b"0" -> 0, b"50%" -> -51, b"2em" -> -201."""
    if text in _sizes:
        return _sizes[text]
    found = number(text)
    if found is None or found[0] < 0:
        return None
    value, unit = found
    if unit in _units:
        return value * _units[unit] // 100
    if unit == b"rem":
        return value * 16
    if unit in _relative:
        return -(value * _relative[unit] // 100) - 1
    return None


def _function_colour(text: bytes) -> int:
    """`rgb(…)` and `rgba(…)` with numbers from 0 to 255 or percentages; UNKNOWN when it is written otherwise."""
    inner = text[text.find(b"(") + 1 :].partition(b")")[0]
    parts = inner.replace(b",", b" ").replace(b"/", b" ").split()
    if not 3 <= len(parts) <= 4:
        return UNKNOWN
    result = 0
    for part in parts[:3]:
        found = number(part)
        if found is None:
            return UNKNOWN
        channel = found[0] * 255 // 10_000 if found[1] == b"%" else found[0] // 100
        result = result << 8 | min(max(channel, 0), 255)
    if len(parts) == 4:
        alpha = number(parts[3])
        if alpha is None:
            return UNKNOWN
        if alpha[0] // (100 if alpha[1] == b"%" else 1) <= FAINT_CENTI:
            return TRANSPARENT
    return result


def colour(text: bytes) -> int | None:
    """One colour as 0xRRGGBB, UNKNOWN, TRANSPARENT, or None when the text is no colour. Also reads what old attributes hold: b"ffffff"."""
    if text in COLOURS:
        return COLOURS[text]
    if text == b"transparent":
        return TRANSPARENT
    if text.startswith((b"rgb(", b"rgba(")):
        return _function_colour(text)
    if text.startswith((b"hsl(", b"hsla(", b"var(", b"color(", b"hwb(", b"lab(", b"lch(", b"oklab(", b"oklch(")):
        return UNKNOWN
    found = _hex.fullmatch(text)
    if found is None:
        return None
    digits = found[1]
    extra = len(text) - (text[:1] == b"#") - len(digits)
    if len(digits) == 6:
        if extra not in (0, 2):
            return None
        value = int(digits, 16)
        alpha = text[-2:] if extra else b""
    else:
        if extra not in (0, 1):
            return None
        value = int(bytes((digits[0], digits[0], digits[1], digits[1], digits[2], digits[2])), 16)
        alpha = text[-1:] * 2 if extra else b""
    return TRANSPARENT if alpha and int(alpha, 16) <= 25 else value


def _background(value: bytes, into: Declarations) -> None:
    into[IMAGE] = 1 if b"url(" in value or b"gradient" in value else 0
    into[BACKGROUND] = TRANSPARENT
    at = value.find(b"rgb")
    if at >= 0:
        into[BACKGROUND] = _function_colour(value[at:])
        return
    for token in value.split()[:8]:
        found = colour(token)
        if found is not None:
            into[BACKGROUND] = found
            return


def _declare(name: bytes, value: bytes, into: Declarations) -> None:
    """Reads one declaration; both sides lowered and stripped."""
    size: int | None
    if name == b"display":
        into[DISPLAY] = int(value == b"none")
    elif name == b"color":
        shade = INHERIT if value == b"inherit" else colour(value)
        if shade is not None:
            into[COLOUR] = shade
    elif name == b"font-size":
        size = font_size(value)
        if size is not None:
            into[FONT] = size
    elif name == b"background-color":
        shade = colour(value)
        if shade is not None:
            into[BACKGROUND] = shade
    elif name == b"background":
        _background(value, into)
    elif name == b"background-image":
        into[IMAGE] = int(value != b"none")
    elif name in _boxes:
        size = length(value)
        into[_boxes[name]] = int(size is not None and size <= 100)
    elif name in _edges:
        size = length(value)
        into[_edges[name]] = int(size is not None and size <= FAR_CENTI_PX)
    elif name in (b"overflow", b"overflow-x", b"overflow-y"):
        into[OVERFLOW] = int(value in (b"hidden", b"clip"))
    elif name == b"visibility":
        into[VISIBILITY] = int(value in (b"hidden", b"collapse"))
    elif name == b"opacity":
        found = number(value)
        if found is not None:
            into[OPACITY] = int(found[0] // (100 if found[1] == b"%" else 1) <= FAINT_CENTI)
    elif name == b"position":
        into[POSITION] = int(value in (b"absolute", b"fixed", b"relative"))
    elif name == b"font":
        for token in value.split()[:8]:
            # Weights (400) have no unit and come before the size; a bare 0 is a size, written to hide.
            token = token.partition(b"/")[0]
            found = number(token)
            if found is not None and (found[1] or found[0] == 0):
                size = font_size(token)
                if size is not None:
                    into[FONT] = size
                    return
    elif name == b"clip":
        # rect(0 0 0 0), rect(1px,1px,1px,1px): nothing but the digits 0 and 1 inside.
        into[CLIP] = int(value.startswith(b"rect(") and not value[5:].translate(None, b"01px, )"))
    elif name == b"mso-hide":
        into[MSO] = int(value == b"all")


def uncomment(text: bytes) -> bytes:
    """The style text without its comments, each replaced by a space; one that is not closed reaches to the end."""
    if b"/*" not in text:
        return text
    pieces = []
    position = 0
    while True:
        start = text.find(b"/*", position)
        if start < 0:
            pieces.append(text[position:])
            break
        pieces.append(text[position:start])
        end = text.find(b"*/", start + 2)
        if end < 0:
            break
        position = end + 2
    return b" ".join(pieces)


def declarations(text: bytes, lowered: bool = False) -> Declarations:
    """The declarations of an inline style or of one rule's block; a later one wins over an earlier one."""
    if not lowered:
        text = uncomment(text.lower())
    into: Declarations = {}
    for part in text.split(b";"):
        name, colon, value = part.partition(b":")
        if colon:
            value = value.strip(b"\t\n\f\r ")
            if b"!" in value:
                value = value.partition(b"!")[0].rstrip(b"\t\n\f\r ")
            _declare(name.strip(b"\t\n\f\r "), value, into)
    return into


def sheet(text: bytes, rules: dict[bytes, Declarations], limit: int) -> bool:
    """Adds the rules of one style sheet whose selectors are `tag`, `.class`, `#id`, `tag.class` or `tag#id`, until `limit` are held.

    Blocks of @-rules are stepped over, but for `@media all` and `@media screen`. Returns False when the limit was reached, so that the caller can say so. Linear in the text.
    """
    text = uncomment(text.lower()).replace(b"<!--", b" ").replace(b"-->", b" ")
    position, size = 0, len(text)
    while position < size:
        brace = text.find(b"{", position)
        if brace < 0:
            break
        selectors = text[position:brace].rpartition(b";")[2].strip(b"\t\n\f\r }")
        if selectors.startswith(b"@"):
            if b" ".join(selectors.split()) in _plain_media:
                position = brace + 1  # its closing brace is stripped from the selector that follows it
                continue
            depth, position = 1, size
            for found in _braces.finditer(text, brace + 1):
                depth += 1 if found[0] == b"{" else -1
                if depth == 0:
                    position = found.end()
                    break
            continue
        end = text.find(b"}", brace + 1)
        if end < 0:
            end = size
        position = end + 1
        block = declarations(text[brace + 1 : end], lowered=True)
        if not block:
            continue
        for selector in selectors.split(b","):
            selector = selector.strip(b"\t\n\f\r ")
            if not selector or len(selector) > 64 or _selector.fullmatch(selector) is None:
                continue
            if selector.startswith((b"*.", b"*#")):
                selector = selector[1:]
            known = rules.get(selector)
            if known is None:
                if len(rules) >= limit:
                    return False
                rules[selector] = dict(block)
            else:
                known.update(block)
    return True
