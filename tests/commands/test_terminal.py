"""Lines on a terminal: broken between words with what goes on hanging, whole in a pipe."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from wardline.commands.terminal import Terminal, hanging

REASON = "    ▮▮▮▮▮▮▮▮▯▯ credential       It threatens to close an account. It asks to confirm an account or personal details."


def printed(text: str, *, terminal: bool, columns: int = 60, markup: bool = False) -> list[str]:
    file = io.StringIO()
    console = Terminal(file=file, width=columns, force_terminal=terminal, color_system=None, markup=markup, emoji=False, soft_wrap=True)
    console.print(text)
    return file.getvalue().splitlines()


def test_what_goes_on_hangs_under_the_last_part() -> None:
    assert printed(REASON, terminal=True) == [
        "    ▮▮▮▮▮▮▮▮▯▯ credential       It threatens to close an",
        " " * 32 + "account. It asks to confirm",
        " " * 32 + "an account or personal",
        " " * 32 + "details.",
    ]


def test_a_line_without_parts_goes_on_a_little_further_in() -> None:
    lines = printed("  actions: " + ", ".join(["94 requested"] * 6), terminal=True)
    assert len(lines) == 2 and lines[1] == "    requested, 94 requested, 94 requested"


def test_a_pipe_gets_one_line() -> None:
    assert printed(REASON, terminal=False) == [REASON]


def test_a_short_line_and_an_empty_one_stay() -> None:
    assert printed("one\n\n  two", terminal=True) == ["one", "", "  two"]


def test_a_long_word_stays_whole() -> None:
    word = "account:" + "5f2c" * 20
    assert printed(f"label about {word}", terminal=True, columns=40)[-1].strip() == word


def test_markup_is_markup_only_where_asked_for() -> None:
    assert printed("[bold]x[/] " + "word " * 20, terminal=True, markup=True)[0].startswith("x word")
    assert printed("[bold]x[/] :heart: " + "word " * 20, terminal=True)[0].startswith("[bold]x[/] :heart: word")


@given(st.text(st.sampled_from("ab日 :"), max_size=120), st.integers(20, 70))
def test_no_word_is_lost_and_no_line_of_words_is_too_long(text: str, columns: int) -> None:
    told = hanging(Text(text), columns).plain
    assert told.split() == text.split()
    if all(cell_len(word) <= columns // 4 for word in text.split()) and not text.startswith("  "):
        assert all(cell_len(line) <= columns for line in told.split("\n"))
