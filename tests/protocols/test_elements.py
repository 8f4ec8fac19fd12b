"""The table of elements: what the scan relies on."""

from wardline.protocols.elements import BLOCK, CELL, CLOSES_P, ELEMENTS, FORMATTING, LI, RAW, ROW, SPECIAL, TABLE, VOID


def test_void_elements_hold_nothing() -> None:
    for name, element in ELEMENTS.items():
        if element.flags & VOID:
            assert not element.flags & (RAW | FORMATTING | CLOSES_P) or name == b"hr"
            assert not element.group


def test_formatting_elements_are_inline() -> None:
    for element in ELEMENTS.values():
        if element.flags & FORMATTING:
            assert not element.flags & (BLOCK | SPECIAL | RAW)


def test_optional_ends() -> None:
    assert ELEMENTS[b"li"].closes == LI
    assert ELEMENTS[b"td"].closes == CELL
    assert ELEMENTS[b"td"].stops & TABLE
    assert ELEMENTS[b"tr"].closes == ROW
    assert ELEMENTS[b"div"].flags & CLOSES_P
    assert not ELEMENTS[b"span"].flags if b"span" in ELEMENTS else True


def test_names_are_short_lower_case_ascii() -> None:
    assert all(name == name.lower() and name.isascii() and 0 < len(name) <= 16 for name in ELEMENTS)
