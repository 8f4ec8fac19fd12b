"""States of text, and text collapsed."""

import pytest

from wardline.protocols import css
from wardline.protocols.htmlfacts import (
    BREAK,
    COUNTS,
    HID_COLOUR,
    HID_DISPLAY,
    HID_OFFSCREEN,
    HID_SIZE,
    N_BIDI,
    N_SOFT,
    N_SPLIT,
    N_ZERO_WIDTH,
    ROOT,
    RUNS,
    clean,
    count_unseen,
    plain,
    style,
)


def test_hiding_for_good_and_hiding_until_something_shows_again() -> None:
    hidden = style(ROOT, {css.DISPLAY: 1}, 0)
    assert hidden[5] == HID_DISPLAY
    assert style(hidden, {css.DISPLAY: 0}, 0)[5] == HID_DISPLAY
    tiny = style(ROOT, {css.FONT: 0}, 0)
    assert tiny[5] == HID_SIZE
    assert style(tiny, {css.FONT: 1200}, 0)[5] == 0
    assert style(tiny, {css.FONT: -201}, 0)[5] == HID_SIZE


def test_relative_fonts_multiply_and_stay_bounded() -> None:
    state = ROOT
    for _ in range(200):
        state = style(state, {css.FONT: -1_000}, 0)
    assert state[2] == 10_000_000


@pytest.mark.parametrize(
    ("colour", "background", "hidden"),
    [
        (0xFFFFFF, 0xFFFFFF, True),
        (0xE7E7E7, 0xFFFFFF, True),
        (0xE6E6E6, 0xFFFFFF, False),
        (0xFFFFFF, css.UNKNOWN, False),
        (css.UNKNOWN, 0, False),
        (css.TRANSPARENT, css.UNKNOWN, True),
        (0x0000FF, 0x000000, False),
    ],
)
def test_colours_that_melt(colour: int, background: int, hidden: bool) -> None:
    assert (style(ROOT, {css.COLOUR: colour, css.BACKGROUND: background}, 0)[5] == HID_COLOUR) == hidden


def test_off_screen_needs_a_position() -> None:
    assert style(ROOT, {css.LEFT: 1}, 0)[5] == 0
    assert style(ROOT, {css.LEFT: 1, css.POSITION: 1}, 0)[5] == HID_OFFSCREEN


def test_plain() -> None:
    assert plain(b" a \t b" + BREAK + b"  " + BREAK + b"c ") == b"a b\nc"
    assert plain("a\u200bb\u00a0c\u00add".encode()) == b"ab cd"
    assert plain(b"") == b""


def test_clean() -> None:
    assert clean(b"a\x00b\x01c\x1e\x7f\t\n") == b"abc".replace(b"c", b" c") + b"  \t\n"


def test_counting_is_bounded() -> None:
    counts = [0] * len(COUNTS)
    count_unseen("a\u200bb \u202ex\u00ady c\u200b d".encode(), counts)
    assert (counts[N_ZERO_WIDTH], counts[N_SPLIT], counts[N_SOFT], counts[N_BIDI]) == (3, 1, 1, 1)
    counts = [0] * len(COUNTS)
    count_unseen("a\u200b".encode() * 3 * RUNS, counts)
    assert counts[N_ZERO_WIDTH] == RUNS
