"""Tables on a terminal: ids stay whole, and text is only text."""

import io

from rich.console import Console

from wardline.commands.tables import Sheet, fitted, printable

ID = "01KAJ5S8ZX4T7Q0M3V9C2R6B1E"


def drawn(sheet: Sheet, columns: int) -> str:
    console = Console(file=io.StringIO(), width=columns)
    console.print(sheet)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_an_id_stays_whole_where_other_columns_give_way() -> None:
    sheet = Sheet("id", "said", "reason")
    sheet.add_row(ID, "2026-11-26T09:30", "the owner wrote to us, twice, and then called as well")
    assert ID in drawn(sheet, 50)


def test_short_columns_stay_whole_and_the_widest_is_broken_between_words() -> None:
    sheet = Sheet("rule", "stage", "verdict", "ends", "why", whole=("rule",))
    sheet.add_row("spray_from_one_network@1", "canary 30%", "challenge", "2099-12-31", "passwords of many accounts from one network")
    told = drawn(sheet, 80)
    assert "challenge" in told and "2099-12-31" in told and "passwords of many" in told
    assert max(map(len, told.splitlines())) <= 80


def test_where_words_do_not_fit_each_row_is_a_block() -> None:
    sheet = Sheet("id", "status", "members", "reversed", "name", whole=("id", "status"))
    sheet.add_row(ID, "executed", "94", "0", "the numbered names")
    sheet.add_row(ID, "undone", "3", "", "a school")
    told = [line.rstrip() for line in drawn(sheet, 50).splitlines()]
    assert told == [
        f"id        {ID}",
        "status    executed",
        "members   94",
        "reversed  0",
        "name      the numbered names",
        "",
        f"id       {ID}",
        "status   undone",
        "members  3",
        "name     a school",
    ]


def test_fitted_gives_what_is_left_to_those_that_need_little() -> None:
    assert fitted([4, 20, 60], [4, 8, 10], 200) == [4, 20, 60]
    assert fitted([4, 20, 60], [4, 8, 10], 60) == [4, 20, 36]
    assert fitted([4, 20, 60], [4, 20, 40], 40) == [4, 20, 16]
    assert fitted([4, 20, 60], [4, 20, 40], 30) is None
    assert fitted([], [], 10) == []


def test_a_sheet_without_rows_shows_its_names() -> None:
    assert drawn(Sheet("id", "reason"), 80).split() == ["id", "reason"]


def test_text_is_neither_markup_nor_control() -> None:
    sheet = Sheet("id", "reason")
    sheet.add_row("1", "[/b] [red]x \x1b[31m \u202e\x00")
    told = drawn(sheet, 80)
    assert "[/b] [red]x ?[31m ??" in told


def test_printable_keeps_letters_of_every_script() -> None:
    assert printable("né 日本\n") == "né 日本?"
