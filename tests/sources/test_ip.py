"""Yes, no and unknown over several sources."""

from wardline.sources.ip import AsnList, IpSource, IpSources, Tally
from wardline.sources.rangefiles import FactTable, FlagTable

AT_US = 1_795_000_000_000_000
NET = (4, 0xC0000200, 0xC00002FF)  # 192.0.2.0/24
NET6 = (6, 0x20010DB8 << 96, (0x20010DB9 << 96) - 1)


def marked(kind: str, *rows: tuple[int, int, int], name: str = "", stale: bool = False, families: tuple[int, ...] = ()) -> IpSource:
    return IpSource(name or kind, kind, FlagTable.build([(*row, 1) for row in rows]), Tally(), stale, frozenset(families))


def facts_of(*sources: IpSource, address: str = "192.0.2.7", missing: tuple[str, ...] = ()) -> dict[str, object]:
    return dict(IpSources(sources, missing).facts(address, AT_US))


def test_nothing_configured_is_nothing_known() -> None:
    assert facts_of() == {"ip.public": False, "ip.sources_hit": [], "ip.sources_missing": []}
    assert facts_of(address="8.8.8.8")["ip.public"] is True


def test_no_address_no_facts() -> None:
    assert facts_of(marked("tor", NET), address="example.com") == {}


def test_yes_and_no() -> None:
    assert facts_of(marked("tor", NET))["ip.tor"] is True
    assert facts_of(marked("tor", NET), address="192.0.3.1")["ip.tor"] is False
    assert facts_of(marked("tor", NET), address="::ffff:192.0.2.1")["ip.tor"] is True


def test_a_list_without_ranges_of_the_family_says_nothing_unless_it_is_declared_to() -> None:
    assert "ip.tor" not in facts_of(marked("tor", NET), address="2001:db8::1")
    assert facts_of(marked("tor", NET, families=(4, 6)), address="2001:db8::1")["ip.tor"] is False
    assert "ip.tor" not in facts_of(marked("tor", NET, NET6, families=(4,)), address="2001:db9::1")


def test_an_old_list_says_yes_but_not_no() -> None:
    assert facts_of(marked("tor", NET, stale=True))["ip.tor"] is True
    assert "ip.tor" not in facts_of(marked("tor", NET, stale=True), address="192.0.3.1")


def test_any_yes_wins_and_any_no_beats_unknown() -> None:
    first, second = marked("vpn", NET6, name="a"), marked("vpn", NET, name="b")
    found = facts_of(first, second)
    assert (found["ip.vpn"], found["ip.sources_hit"]) == (True, ["b"])
    assert facts_of(first, second, address="192.0.3.1")["ip.vpn"] is False


def test_lists_by_their_names() -> None:
    sources = [marked("ip_list", NET, name="ours"), marked("ip_list", NET6, name="theirs")]
    assert facts_of(*sources)["ip.lists"] == ["ours"]
    assert facts_of(*sources, address="192.0.3.1")["ip.lists"] == []
    assert "ip.lists" not in facts_of(sources[1])


def test_marks_by_as_number() -> None:
    table = IpSource("asn", "asn", FactTable.build([(*NET, 1)], [(("ip.asn", 64500), ("ip.as_name", "Example"))]), Tally())
    hosting = IpSource("hosts", "hosting", AsnList(frozenset((64500,))), Tally())
    assert facts_of(table, hosting) == {
        "ip.public": False, "ip.asn": 64500, "ip.as_name": "Example", "ip.hosting": True, "ip.sources_hit": ["hosts"], "ip.sources_missing": []
    }  # fmt: skip
    assert "ip.hosting" not in facts_of(table, hosting, address="192.0.3.1")


def test_the_first_source_that_knows_counts() -> None:
    first = IpSource("a", "country", FactTable.build([(*NET6, 1)], [(("ip.country", "DE"),)]), Tally())
    second = IpSource("b", "country", FactTable.build([(*NET, 1)], [(("ip.country", "AT"), ("ip.asn", 64500))]), Tally())
    found = facts_of(first, second)
    assert found["ip.country"] == "AT"
    assert "ip.asn" not in found  # a country source gives countries


def test_what_is_missing_is_said() -> None:
    assert facts_of(missing=("tor",))["ip.sources_missing"] == ["tor"]


def test_lookups_and_hits_are_counted() -> None:
    source = marked("tor", NET)
    sources = IpSources([source])
    for address in ("192.0.2.1", "192.0.3.1", "192.0.2.2"):
        sources.facts(address, AT_US)
    sources.settle()
    assert (source.tally.lookups, source.tally.hits, source.tally.false_hit_rate) == (3, 2, None)
