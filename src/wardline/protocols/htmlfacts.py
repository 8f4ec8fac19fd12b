"""What one scan of HTML counts, caps and carries along: the vocabulary of `htmlscan.py` and of its C twin.

    style(ROOT, {css.DISPLAY: 1}, 0)  -> a state whose mask is HID_DISPLAY
    plain(b"a  b" + BREAK + b" c")    -> b"a b\\nc"

How styles hide follows CSS 2.1 §11 and §14 and CSS Color 4; what melts into its background is measured in steps per channel.
"""

import re
from itertools import islice
from typing import NamedTuple

from wardline.protocols import css

TINY_CENTI_PX = 200  # a font of 2 px and less, an image of 2 px and less
NEAR_COLOUR = 24  # the largest difference in any channel at which text melts into its background
RUNS = 4_096  # runs of invisible characters that are counted

# Ways to hide, as bits.
HID_DISPLAY, HID_VISIBILITY, HID_SIZE, HID_COLOUR, HID_OFFSCREEN, HID_OPACITY, HID_ATTRIBUTE, HID_ELEMENT = (1 << bit for bit in range(8))

# Where a link stands.
ANCHOR, AREAS, IMAGES, FORMS, STYLES, BASES, FRAMES, REFRESH, SCRIPTS = range(9)

BREAK = b"\x1e"  # stands for a line break until the text is collapsed; cleaning has removed it from the input
_spaces = bytes(32 if (code < 32 and code not in (9, 10, 12, 13)) or code == 127 else code for code in range(256))
_unseen = re.compile(
    rb"(?:\xc2\xad|\xcd\x8f|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa4\xa6-\xa9]|\xef\xbb\xbf|\xf3\xa0[\x80\x81][\x80-\xbf])+"
)


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
# How the text is hidden for good, visibility, font in centi-pixels, colour, background, the mask of all.
State = tuple[int, int, int, int, int, int]
ROOT: State = (0, 0, 1600, 0, 0xFFFFFF, 0)


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
    shade = get(css.COLOUR, css.INHERIT)
    if shade != css.INHERIT:
        colour = shade
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


def plain(raw: bytes) -> bytes:
    """Runs of white space to one space, breaks to one line feed, invisible characters removed."""
    if not raw.isascii():
        raw = _unseen.sub(b"", raw).replace(b"\xc2\xa0", b" ")
    return b"\n".join([line for part in raw.split(BREAK) if (line := b" ".join(part.split()))])


def clean(text: bytes) -> bytes:
    """The document without control characters: NUL goes, as in browsers; the others become spaces."""
    return text.translate(_spaces, b"\0")


def count_unseen(raw: bytes, counts: list[int]) -> None:
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
