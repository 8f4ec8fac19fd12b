"""The world of networks: no real address, nothing in two places, files that the program's sources take."""

import ipaddress
from itertools import pairwise
from pathlib import Path

from wardline.city.home import Household, Site, hotel
from wardline.city.listing import blocks, write_sources
from wardline.city.streams import stream
from wardline.city.world import COUNTRIES, World, interface, use_of
from wardline.sources.registry import Registry

OURS = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15", "3fff::/20")]
WORLD = World(3)


def ours(text: str) -> bool:
    address = ipaddress.ip_address(text)
    assert str(address) == text, "written as RFC 5952 says"
    return any(address in network for network in OURS if network.version == address.version)


def test_every_address_lies_in_space_that_is_nobodys() -> None:
    r = stream(1, "test")
    for network in WORLD.networks():
        for _ in range(5):
            assert ours(network.address(r))
            if network.six >= 0:
                assert ours(interface(network.site(r), r))
    assert all(map(ours, WORLD.tor))


def test_networks_do_not_overlap_and_hold_their_addresses() -> None:
    r, spans = stream(2, "test"), []
    for network in WORLD.networks():
        found = [ipaddress.ip_network(block) for block in blocks(network)]
        spans += [(int(block.network_address), int(block.broadcast_address)) for block in found if block.version == 4]
        for _ in range(5):
            texts = [network.address(r)] + ([interface(network.site(r), r)] if network.six >= 0 else [])
            for address in map(ipaddress.ip_address, texts):
                assert any(address in block for block in found if block.version == address.version)
    spans.sort()
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_a_home_keeps_its_address_until_it_is_renewed_and_a_pool_shares_few() -> None:
    r = stream(4, "test")
    network = WORLD.access[0][0][0]
    stays = Household(network, "", False, 0.0)
    assert len({stays.address(day * 86_400_000, r) for day in range(100)}) == 1
    moves = Household(network, "", False, 5.0)
    assert len({moves.address(day * 86_400_000, r) for day in range(100)}) > 5
    pool = Household(network, "", True, 0.0)
    assert len({pool.address(0, r) for _ in range(2000)}) <= 200
    assert len({hotel(network, r) for _ in range(500)}) <= 60
    assert Site(WORLD.offices[0], r, "").ip.startswith("10.")


def test_what_an_address_is_used_for() -> None:
    r = stream(5, "test")
    assert use_of(WORLD.hosters[0].address(r)) == ',"hosting"'
    assert use_of(WORLD.vpns[0][0].address(r)) == ',"vpn"'
    assert use_of(WORLD.carriers[0][0].address(r)) == ',"carrier"'
    assert use_of(WORLD.proxy(r)) == ',"residential"'


def test_the_source_files_load_and_answer(tmp_path: Path) -> None:
    names = write_sources(WORLD, tmp_path)
    assert "city.toml" in names
    sources = Registry(tmp_path)
    r = stream(6, "test")
    home, carrier = WORLD.access[1][2][3], WORLD.carriers[1][0]
    for network in (home, carrier):
        for text in (network.address(r), interface(network.site(r), r)):
            facts = sources.ip_facts(text, 0)
            assert facts["ip.asn"] == network.asn
            assert facts["ip.country"] == COUNTRIES[1].code
    assert sources.ip_facts(WORLD.tor[0], 0)["ip.tor"] is True
    assert sources.ip_facts(WORLD.vpns[2][3].address(r), 0)["ip.vpn"] is True
    assert sources.ip_facts(home.address(r), 0)["ip.hosting"] is False
