"""Lists and tables of address ranges, good and bad, as somebody else's server delivers them."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols import ip
from wardline.sources.rangefiles import FlagTable, facts_of, read_asns, read_facts, read_flags
from wardline.sources.reading import SourceError

NOW_S = 1_795_000_000
PLAIN = "".join(f"198.51.100.{host}\n" for host in range(40))


def write(folder: Path, content: str | bytes, name: str = "list.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def holds(path: Path, address: str, form: str = "cidr", at_s: int = NOW_S, columns: tuple[str, ...] = ()) -> bool | None:
    table, _ = read_flags(path, form, columns)
    found = ip.parse(address)
    assert found is not None
    return table.holds(*found, at_s)


@pytest.mark.parametrize(
    ("content", "listed", "free"),
    [
        ("192.0.2.0/24\n", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
        ("192.0.2.7\n", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.8"]),
        ("::ffff:192.0.2.0/120\n", ["192.0.2.9"], ["192.0.3.0"]),
        ("2001:db8::/32\n192.0.2.1\n", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::", "192.0.2.2"]),
        ("2001:db8::1-2001:db8::5\n", ["2001:db8::5"], ["2001:db8::6"]),
        ("192.0.2.9/24\n", ["192.0.2.200"], ["192.0.3.1"]),  # host bits
        ("192.0.2.0-192.0.2.9\n192.0.2.20 - 192.0.2.29\n", ["192.0.2.9", "192.0.2.25"], ["192.0.2.10"]),
        (
            "# a remark\n\n192.0.2.1 # why\n192.0.2.2\t17\n192.0.2.3;x\n192.0.2.4, x\n",
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"],
            ["192.0.2.5"],
        ),
        ("\ufeff192.0.2.1\r\n192.0.2.2\r192.0.2.3\n", ["192.0.2.1", "192.0.2.2", "192.0.2.3"], ["192.0.2.4"]),  # BOM, mixed ends
        ("192.0.2.1\n192.0.2.1\n192.0.2.0/24\n192.0.0.0/16\n", ["192.0.2.1", "192.0.77.1"], ["192.1.0.0"]),  # duplicates, nested
        ("192.0.2.1", ["192.0.2.1"], ["192.0.2.2"]),  # no line end, but a whole address
        ("0.0.0.0/0\n", ["0.0.0.0", "255.255.255.255"], []),
        (
            "255.255.255.255\n::/128\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n",
            ["255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            ["::1"],
        ),
    ],
)
def test_lists(tmp_path: Path, content: str, listed: list[str], free: list[str]) -> None:
    path = write(tmp_path, content)
    assert [holds(path, address) for address in listed] == [True] * len(listed)
    assert [holds(path, address) for address in free] == [False] * len(free)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n# nothing\n", "no entries"),
        (b"<!DOCTYPE html><html>\n<body>404</body>\n", "line 1: '<!DOCTYPE html><html>' is no address"),
        (b'{"a": 1}\n', "cannot be read"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "binary"),
        ("192.0.2.1\n".encode("utf-16"), "UTF-16"),
        (PLAIN.encode() + b"198.51.1", "broken-off"),
        (PLAIN.encode() + b"198.51.100.0/", "broken-off"),
        (PLAIN.encode() + b"192.0.2.9-192.0.2.1\n" * 9, "9 of 49 lines"),  # reversed
        (b"example.com\n" * 10, "10 of 10 lines"),
        (b"a" * 2_000_000, "broken-off"),
        (b"1" * 2_000_000 + b"\n", "1 of 1 lines"),
        (b"\xff\xfe\xfa\xfb\n", "UTF-16"),
        (b"\xe9\xe8\n", "1 of 1 lines"),
    ],
)
def test_what_is_no_list(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        read_flags(write(tmp_path, content), "cidr")
    assert "list.txt" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_few_bad_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, PLAIN + "192.0.2.9-192.0.2.1\n192.0.2.77/24\n")
    _, notes = read_flags(path, "cidr")
    assert (notes.entries, notes.bad_lines, notes.host_bits) == (41, 1, 1)


def test_a_list_says_nothing_of_a_family_that_it_does_not_have(tmp_path: Path) -> None:
    path = write(tmp_path, "192.0.2.0/24\n")
    assert holds(path, "2001:db8::1") is None


def test_packed_lists(tmp_path: Path) -> None:
    assert holds(write(tmp_path, gzip.compress(PLAIN.encode()), "list.txt.gz"), "198.51.100.7")


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_packed_list_that_was_cut(tmp_path: Path, cut: int) -> None:
    with pytest.raises(SourceError, match="gzip"):
        read_flags(write(tmp_path, gzip.compress(PLAIN.encode())[:-cut], "list.txt.gz"), "cidr")


def test_dates(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "cidr,first_seen,last_removed\n192.0.2.0/24,1000,2000\n192.0.2.0/24,3000,\n198.51.100.0/24,1970-01-01T00:50:00Z,1970-01-01T01:00:00+00:00\n",
        "list.csv",
    )
    assert [holds(path, "192.0.2.1", "csv", at_s) for at_s in (999, 1000, 1999, 2000, 3000, NOW_S)] == [None, True, True, False, True, True]
    assert [holds(path, "198.51.100.1", "csv", at_s) for at_s in (2999, 3000, 3599, 3600)] == [False, True, True, False]


def test_any_range_over_an_address_counts_at_its_own_time(tmp_path: Path) -> None:
    path = write(
        tmp_path, "cidr,first_seen,last_removed\n192.0.2.0/24,1000,\n192.0.2.128/25,1000,2000\n192.0.2.129/32,5000,6000\n", "list.csv"
    )
    assert holds(path, "192.0.2.129", "csv", 3000)
    assert holds(path, "192.0.2.1", "csv", 5500)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 12), st.integers(0, 6)), min_size=1, max_size=30))
def test_dated_ranges_against_an_obvious_oracle(found: list[tuple[int, int, int, int]]) -> None:
    rows = [(4, 100 + low, 100 + low + length, place) for place, (low, length, _, _) in enumerate(found, 1)]
    periods = [((since, since + seconds),) for _, _, since, seconds in found]
    table = FlagTable.build(rows, periods)
    for address in range(98, 113):
        for at_s in range(20):
            over = any(
                row[1] <= address <= row[2] and period[0][0] <= at_s < period[0][1] for row, period in zip(rows, periods, strict=True)
            )
            assert table.holds(4, address, at_s) is (over or (False if at_s >= table.since_s else None))


def test_an_address_with_a_history_of_thousands_of_rows_is_put_together_once(tmp_path: Path) -> None:
    rows = "".join(f"192.0.2.1,{2 * place},{2 * place + 1}\n" for place in range(1, 3001))
    path = write(tmp_path, f"cidr,first_seen,last_removed\n{rows}", "list.csv")
    table, _ = read_flags(path, "csv")
    assert table.memory_bytes < 150_000  # each row's own period, and all of them once more
    assert [holds(path, "192.0.2.1", "csv", at_s) for at_s in (2, 3, 4000, 4001, 6000, 6001)] == [True, False] * 3


def test_a_history_that_would_be_repeated_for_every_range_inside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardline.sources.rangefiles.JOINED_LIMIT", 1000)
    wide = "".join(f"192.0.2.0/24,{2 * place},{2 * place + 1}\n" for place in range(1, 101))
    inside = "".join(f"192.0.2.{host},{host},{host + 9}\n" for host in range(1, 21))
    path = write(tmp_path, f"cidr,first_seen,last_removed\n{wide}{inside}", "list.csv")
    with pytest.raises(SourceError, match=r"list\.csv: its dated ranges overlap in more than 1,000 periods"):
        read_flags(path, "csv")


def test_a_file_that_piles_ranges_up_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(f"10.0.{place >> 8}.{place & 255}-11.0.0.0\n" for place in range(1100)))
    with pytest.raises(SourceError, match=r"list\.txt: more than 1,024 ranges lie over one address"):
        read_flags(path, "cidr")


def test_listed_again_after_it_was_removed(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "ip,first_seen_unix,last_added_unix,last_removed_unix,times_added\n192.0.2.1,1000,5000,4000,3\n192.0.2.2,1000,1000.0,4000.0,1\n",
        "a.csv",
    )
    assert holds(path, "192.0.2.1", "csv", 9000) is True
    assert holds(path, "192.0.2.2", "csv", 9000) is False


def test_last_seen_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "ip,first_seen,last_seen\n192.0.2.1,2024-01-01,2024-01-05\n", "a.csv")
    assert holds(path, "192.0.2.1", "csv", 1_704_456_000) is True  # 2024-01-05, noon
    assert holds(path, "192.0.2.1", "csv", 1_704_600_000) is False


@pytest.mark.parametrize(
    "content",
    [
        "start,end,name\n192.0.2.0,192.0.2.9,a\n",
        'first_ip;last_ip;name\n192.0.2.0;192.0.2.9;"a;b"\n',
        "ip_start\tip_end\n192.0.2.0\t192.0.2.9\n",
        '\ufeffName,Range\r\n"a,b",192.0.2.0-192.0.2.9\r\n',
        "# remark\nnetwork\n192.0.2.0/29\n192.0.2.8/31\n",
    ],
)
def test_tables_by_their_header(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, content, "list.csv")
    assert [holds(path, address, "csv") for address in ("192.0.2.0", "192.0.2.9", "192.0.2.10")] == [True, True, False]


def test_a_table_without_header_by_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "192.0.2.0,192.0.2.9,Example,https://example.com/\n", "list.csv")
    assert holds(path, "192.0.2.9", "csv", columns=("start", "end", "name", "url"))
    with pytest.raises(SourceError, match="header"):
        holds(path, "192.0.2.9", "csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,2\n", "names no column"),
        ("cidr\n", "no entries"),
        ("\n", "no entries"),
        ("cidr,asn\nx,1\n", "1 of 1 lines"),
        ('cidr,name\n"unclosed,1\n', "1 of 1 lines"),
        ("start,end\n192.0.2.9,192.0.2.0\n", "1 of 1 lines"),
        ("start,end\n192.0.2.9\n", "1 of 1 lines"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_flags(write(tmp_path, content, "list.csv"), "csv")


@pytest.mark.parametrize("moment", ["yesterday", "1e999", "9" * 30, "-5", "0000-00-00", "nan", "inf", "٣", "2024-13-01"])
def test_a_row_with_a_date_that_is_none_is_unreadable(tmp_path: Path, moment: str) -> None:
    """A slip in `last_removed` must not list somebody for ever."""
    with pytest.raises(SourceError, match="1 of 1 lines"):
        read_flags(write(tmp_path, f"cidr,first_seen,last_removed\n192.0.2.0/24,1000,{moment}\n", "list.csv"), "csv")


def test_facts_of_the_most_specific_network(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'network,asn,as_name,country\n192.0.0.0/16,AS64500,Example Net,AT\n192.0.2.0/24,64501," Other\u200b  Net ",de\n2001:db8::/32,,,\n',
        "a.csv",
    )
    table, notes = read_facts(path, "csv")
    assert table.facts(*ip.parse("192.0.2.1")) == (("ip.asn", 64501), ("ip.as_name", "Other Net"), ("ip.country", "DE"))  # type: ignore[misc]
    assert table.facts(*ip.parse("192.0.3.1")) == (("ip.asn", 64500), ("ip.as_name", "Example Net"), ("ip.country", "AT"))  # type: ignore[misc]
    assert table.facts(*ip.parse("2001:db8::1")) == ()  # type: ignore[misc]
    assert notes.entries == 3


def test_a_folder_with_a_list_for_each_country(tmp_path: Path) -> None:
    write(tmp_path, "192.0.2.0/24\n", "at.cidr")
    write(tmp_path, "192.0.2.128/25\n", "de.cidr")
    write(tmp_path, "not a country\n", "README")
    table, notes = read_facts(tmp_path, "cidr")
    assert table.facts(*ip.parse("192.0.2.1")) == (("ip.country", "AT"),)  # type: ignore[misc]
    assert table.facts(*ip.parse("192.0.2.200")) == (("ip.country", "DE"),)  # type: ignore[misc]
    assert notes.entries == 2


def test_a_folder_without_countries(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="named after a country"):
        read_facts(tmp_path, "cidr")
    with pytest.raises(SourceError, match="is no folder"):
        read_facts(tmp_path / "missing", "cidr")


@pytest.mark.parametrize(
    "content", ["AS64500 # Example\nAS64501\n# x\n", 'ASN,Entity\n64500,"Example, AT"\n64501, "x"\n', "64500\r\n64501\r\n64501"]
)
def test_lists_of_as_numbers(tmp_path: Path, content: str) -> None:
    assert read_asns(write(tmp_path, content))[0] == {64500, 64501}


@pytest.mark.parametrize("content", ["192.0.2.1\n", "AS0\n", "AS99999999999\n", "ASx\n", "<html>\n", "ASN,Entity\n"])
def test_what_is_no_list_of_as_numbers(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError):
        read_asns(write(tmp_path, content))


def test_facts_are_bounded_whatever_the_file_says() -> None:
    assert facts_of("x" * 1000, "n" * 10_000, "Austria") == (("ip.as_name", "n" * 64),)
    assert facts_of("4294967296", "\x00\x1b[31m", "A1") == (("ip.as_name", "[31m"),)
