"""IP addresses as integers, against `ipaddress` as the twin."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols import ip

BAD = ["", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "fe80::1%eth0", "::g", "1:2:3", "[::1]", "1.2.3.4:80", "1.2.3.4\0",
       "٠.٠.٠.٠", "\ud800", "0x7f.1", "2130706433", "1" * 10_000]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_address(text: str) -> None:
    assert ip.parse(text) is None
    assert ip.span(text) is None or text != text.strip()


@given(st.ip_addresses())
def test_every_address_reads_as_the_standard_library_reads_it(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    wanted = (getattr(address, "ipv4_mapped", None) or address) if address.version == 6 else address
    assert ip.parse(str(address)) == (wanted.version, int(wanted))
    assert ip.parse(ip.show(wanted.version, int(wanted))) == (wanted.version, int(wanted))


@given(st.ip_addresses(), st.integers(0, 128))
def test_every_network_spans_what_the_standard_library_says(address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> None:
    bits = min(bits, address.max_prefixlen)
    network = ipaddress.ip_network((address, bits), strict=False)
    low, high = network[0], network[-1]
    found = ip.span(f"{address}/{bits}")
    if getattr(address, "ipv4_mapped", None) is None:
        assert found == (address.version, int(low), int(high), int(low) != int(address))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("::ffff:192.0.2.0/120", (4, 0xC0000200, 0xC00002FF, False)),
        ("::ffff:192.0.2.0/95", (6, 0xFFFE << 32, (0x10000 << 32) - 1, True)),
        ("::ffff:c000:207", (4, 0xC0000207, 0xC0000207, False)),
        ("192.0.2.9/24", (4, 0xC0000200, 0xC00002FF, True)),
        ("0.0.0.0/0", (4, 0, 0xFFFFFFFF, False)),
        ("192.0.2.0 - 192.0.2.9", (4, 0xC0000200, 0xC0000209, False)),
    ],
)
def test_spans(text: str, wanted: tuple[int, int, int, bool]) -> None:
    assert ip.span(text) == wanted


@pytest.mark.parametrize(
    "text", ["192.0.2.9-192.0.2.0", "192.0.2.0-2001:db8::", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "/8", "::/129", "192.0.2.0/²"]
)
def test_what_is_no_span(text: str) -> None:
    assert ip.span(text) is None


PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
           "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1", "fe80::1",
           "fc00::1", "fd12::1", "fec0::1", "ff02::1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:a00:1::", "2002:808:808::",
           "2001::1", "2001:db8::1", "100::1", "3fff::1", "4000::1"]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_where_no_stranger_lives(text: str) -> None:
    found = ip.parse(text)
    assert found is not None
    assert not ip.is_public(*found)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
)
def test_where_strangers_live(text: str) -> None:
    found = ip.parse(text)
    assert found is not None
    assert ip.is_public(*found)


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = ip.parse(str(address))
    assert found is not None
    if ip.is_public(*found) and not (found[0] == 6 and found[1] >> 32 == 0x64FF9B << 64):
        assert address.is_global
