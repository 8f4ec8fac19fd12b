"""Tables on a terminal: ids stay whole, and text is only text."""

import io

from rich.console import Console

from wardline.commands.tables import Sheet, printable

ID = "01KAJ5S8ZX4T7Q0M3V9C2R6B1E"


def drawn(sheet: Sheet, columns: int) -> str:
    console = Console(file=io.StringIO(), width=columns)
    console.print(sheet.table)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_an_id_stays_whole_where_other_columns_give_way() -> None:
    sheet = Sheet("id", "said", "reason")
    sheet.add_row(ID, "2026-11-26T09:30", "the owner wrote to us, twice, and then called as well")
    assert ID in drawn(sheet, 50)


def test_text_is_neither_markup_nor_control() -> None:
    sheet = Sheet("id", "reason")
    sheet.add_row("1", "[/b] [red]x \x1b[31m \u202e\x00")
    told = drawn(sheet, 80)
    assert "[/b] [red]x ?[31m ??" in told


def test_printable_keeps_letters_of_every_script() -> None:
    assert printable("né 日本\n") == "né 日本?"
