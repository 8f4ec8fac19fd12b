"""Tables to events: what the map says, and every way in which map or table can be wrong."""

import pytest

from wardline.gateways.table import TableError, events_of, read_map

MAP = b"""
[[event]]
type = "login"
id = {column = "n", prefix = "x-"}
occurred_at = {column = "at", format = "%Y-%m-%d %H:%M", timezone = "Europe/Vienna"}
entities = {account = "user"}
fields = {client = {value = "web"}, form_ms = {column = "ms", type = "number"}, known = {column = "k", type = "bool"}}

[[event]]
type = {column = "ok", values = {yes = "login.outcome"}}
id = {column = "n", prefix = "x-", suffix = "-o"}
occurred_at = {column = "at", format = "%Y-%m-%d %H:%M"}
fields = {result = {column = "ok", values = {yes = "success"}}}
only = {ok = "yes"}
"""
HEAD = "n,at,user,ms,k,ok"


def events(*rows: str) -> list[object]:
    return [document for _line, document in events_of([HEAD, *rows], read_map(MAP, "map.toml"))]


def test_a_row_gives_its_events() -> None:
    first, second = events("1,2026-07-01 12:00,ann,1.5,true,yes")
    assert first == {
        "id": "x-1",
        "type": "login",
        "occurred_at": "2026-07-01T10:00:00+00:00",
        "entities": {"account": "ann"},
        "fields": {"client": "web", "form_ms": 1.5, "known": True},
    }
    assert isinstance(second, dict) and (second["id"], second["type"], second["fields"]) == (
        "x-1-o",
        "login.outcome",
        {"result": "success"},
    )
    assert len(events("1,2026-07-01 12:00,ann,1.5,true,no")) == 1


@pytest.mark.parametrize(
    ("row", "told"), [("1,never,ann,1,1,no", "never"), ("1,2026-07-01 12:00,ann,many,1,no", "no number"), ("1,,ann,1,1,no", "no time")]
)
def test_a_bad_row_is_named_and_passed_over(row: str, told: str) -> None:
    found = events(row, "2,2026-07-01 12:00,ann,1,1,no")
    assert isinstance(found[0], TableError) and "line 2" in str(found[0]) and told in str(found[0])
    assert isinstance(found[1], dict)


@pytest.mark.parametrize(
    ("map_", "told"),
    [
        (b"", "event"),
        (b"event = []", "at least one"),
        (b"\xff", "map.toml"),
        (b"[[event]]\ntype = 1", "map.toml"),
        (MAP.replace(b"Europe/Vienna", b"Mars/Base"), "timezone"),
        (MAP + b"\nwhat = 1", "map.toml"),
        (b"delimiter = ';;'\n" + MAP, "delimiter"),
        (b"x" * 70_000, "at most"),
    ],
)
def test_a_bad_map_is_told(map_: bytes, told: str) -> None:
    with pytest.raises(TableError, match=told):
        read_map(map_, "map.toml")


def test_a_column_that_is_not_there_is_told_before_anything_is_read() -> None:
    with pytest.raises(TableError, match="no column 'user'"):
        list(events_of(["n,at,ms,k,ok", "1,x,1,1,no"], read_map(MAP, "map.toml")))


@pytest.mark.parametrize(
    ("rows", "told", "left"),
    [
        (['1,2026-07-01 12:00,"ann,1,1,no', "2,2026-07-01 12:00,ann,1,1,no"], "lines 2 to 3", 0),
        (['1,2026-07-01 12:00,"an"n,1,1,no', "2,2026-07-01 12:00,ann,1,1,no"], "line 2", 1),
        (["1,2026-07-01 12:00,a\rn,1,1,no", "2,2026-07-01 12:00,ann,1,1,no"], "line 2", 1),
        ([f"1,2026-07-01 12:00,{'x' * 140_000},1,1,no", "2,2026-07-01 12:00,ann,1,1,no"], "line 2", 1),
        (["1,2026-07-01 12:00,a\0n,1,1,no"], "", 1),
    ],
)
def test_broken_quotes_swallow_no_row_without_a_word(rows: list[str], told: str, left: int) -> None:
    found = events(*rows)
    errors = [str(each) for each in found if isinstance(each, TableError)]
    assert len(found) - len(errors) == left
    assert told in " ".join(errors)


@pytest.mark.parametrize(("head", "told"), [([], "empty"), (["n,a\rt"], "names"), (["\x00\x01" + "x" * 140_000], "line 1")])
def test_a_head_that_names_no_columns_is_told(head: list[str], told: str) -> None:
    with pytest.raises(TableError, match=told):
        list(events_of(head, read_map(MAP, "map.toml")))
