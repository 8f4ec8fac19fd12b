"""A world of networks that names no real one: countries, cities, access providers, carriers, offices, hosting, VPN services, Tor exits.

    world = World(seed)
    world.fixed(country, provider, city)          an access network; .address(r) -> "10.3.141.77"
    world.carriers[country][0].address(r)         "100.67.4.23": many people behind few addresses

Layout (docs/city.md): 10.0.0.0/8 access, offices and dormitories; 100.64.0.0/10 (RFC 6598) carriers; 198.18.0.0/15 (RFC 2544) hosting, VPN and Tor;
3fff::/20 (RFC 9637) IPv6, a /32 for each provider; AS numbers 64512 to 65534 (RFC 6996).
"""

from random import Random

import msgspec

from wardline.city.streams import Weighted, pick, stream, whole

CITIES = 4
PROVIDERS = 3
CARRIERS = 2
FIRST_ASN = 64512


class Country(msgspec.Struct, frozen=True):
    """offset_minutes: standard time; share: of the provider's users; six: share of homes that use IPv6."""

    code: str
    offset_minutes: int
    zone: str
    languages: tuple[str, ...]
    share: float
    six: float


COUNTRIES = (
    Country("DE", 60, "Europe/Berlin", ("de-DE,de;q=0.9,en;q=0.8", "de,en-US;q=0.7,en;q=0.3", "tr-TR,tr;q=0.9,de;q=0.8"), 26, 0.6),
    Country("AT", 60, "Europe/Vienna", ("de-AT,de;q=0.9,en;q=0.8", "de,en-US;q=0.7,en;q=0.3"), 14, 0.4),
    Country("CH", 60, "Europe/Zurich", ("de-CH,de;q=0.9", "fr-CH,fr;q=0.9,en;q=0.8", "it-CH,it;q=0.9"), 8, 0.4),
    Country("FR", 60, "Europe/Paris", ("fr-FR,fr;q=0.9,en;q=0.8", "fr,en-US;q=0.7,en;q=0.3"), 9, 0.6),
    Country("IT", 60, "Europe/Rome", ("it-IT,it;q=0.9,en;q=0.8",), 6, 0.15),
    Country("ES", 60, "Europe/Madrid", ("es-ES,es;q=0.9,en;q=0.8", "ca-ES,ca;q=0.9,es;q=0.8"), 5, 0.1),
    Country("PL", 60, "Europe/Warsaw", ("pl-PL,pl;q=0.9,en;q=0.8",), 4, 0.2),
    Country("NL", 60, "Europe/Amsterdam", ("nl-NL,nl;q=0.9,en;q=0.8", "en-US,en;q=0.9,nl;q=0.8"), 4, 0.4),
    Country("GB", 0, "Europe/London", ("en-GB,en;q=0.9", "en-GB,en-US;q=0.9,en;q=0.8"), 6, 0.45),
    Country("US", -360, "America/Chicago", ("en-US,en;q=0.9", "es-US,es;q=0.9,en;q=0.8"), 8, 0.5),
    Country("BR", -180, "America/Sao_Paulo", ("pt-BR,pt;q=0.9,en;q=0.8",), 3, 0.45),
    Country("IN", 330, "Asia/Kolkata", ("en-IN,en;q=0.9,hi;q=0.8", "hi-IN,hi;q=0.9,en;q=0.8"), 3, 0.65),
    Country("TR", 180, "Europe/Istanbul", ("tr-TR,tr;q=0.9,en;q=0.8",), 1.5, 0.1),
    Country("NG", 60, "Africa/Lagos", ("en-NG,en;q=0.9", "en-GB,en;q=0.9"), 1, 0.05),
    Country("JP", 540, "Asia/Tokyo", ("ja-JP,ja;q=0.9,en;q=0.8",), 1, 0.5),
    Country("UA", 120, "Europe/Kiev", ("uk-UA,uk;q=0.9,ru;q=0.8,en;q=0.7",), 1.5, 0.1),
)
HOME_COUNTRY = Weighted({number: country.share for number, country in enumerate(COUNTRIES)})
HOSTERS = ("US", "DE", "NL", "FR", "US", "GB", "PL", "IN")
VPNS = 5
TOR_EXITS = 160


class Network(msgspec.Struct, frozen=True):
    """A range of addresses that one holder uses in one way. first and size: IPv4 addresses as numbers; second: where
    a second range of the same size begins, 0 for none; six: the second group of its 3fff prefix (-1:
    none), six_part: its first 48-bit prefix, six_size: how many; kind: fixed, mobile, office, dormitory, hosting or vpn."""

    asn: int
    kind: str
    country: int
    first: int
    size: int
    second: int = 0
    six: int = -1
    six_part: int = 0
    six_size: int = 1
    city: int = 0

    def address(self, r: Random) -> str:
        """Any host of it."""
        value = (self.first if not self.second or r.random() < 0.5 else self.second) + int(r.random() * self.size)
        last = value & 255
        if last in (0, 255):
            value ^= 1 if last == 0 else 254
        return dotted(value)

    def site(self, r: Random) -> str:
        """A home's or a telephone's 64-bit prefix, "3fff:3:4001:a200", to which `interface` adds the host."""
        group = self.six_part + int(r.random() * self.six_size)
        return f"3fff:{self.six:x}:{group:x}:{int(r.random() * 65536) & 0xFF00 or 0x100:x}"


def dotted(value: int) -> str:
    """An IPv4 address."""
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def interface(prefix: str, r: Random) -> str:
    """A host of the prefix, as privacy extensions make them (RFC 8981), in the canonical text (RFC 5952: no leading zeros)."""
    bits = r.getrandbits(64) | 0x1000_1000_1000_1000
    return f"{prefix}:{bits >> 48:x}:{bits >> 32 & 65535:x}:{bits >> 16 & 65535:x}:{bits & 65535:x}"


def _quad(a: int, b: int, c: int = 0) -> int:
    return a << 24 | b << 16 | c << 8


def use_of(ip: str) -> str:
    """What an address of this world is used for, as a tag of the truth: hosting (Tor exits too), vpn, carrier or residential."""
    if ip.startswith("198.18."):
        return ',"hosting"'
    if ip.startswith("198.19."):
        return ',"vpn"'
    return ',"carrier"' if ip.startswith("100.") else ',"residential"'


class World:
    """All networks. Which address is a Tor exit depends on the seed; everything else is the same in every city."""

    def __init__(self, seed: int) -> None:
        self.access: list[list[list[Network]]] = []  # by country, provider, city
        self.carriers: list[list[Network]] = []
        self.offices: list[Network] = []
        self.dormitories: list[Network] = []
        for number in range(len(COUNTRIES)):
            self.access.append([self._provider(number, provider) for provider in range(PROVIDERS)])
            self.carriers.append([self._carrier(number, carrier) for carrier in range(CARRIERS)])
            self.offices.append(Network(FIRST_ASN + 96 + number, "office", number, _quad(10, 96 + number), 65536))
            self.dormitories.append(Network(FIRST_ASN + 112 + number, "dormitory", number, _quad(10, 112 + number), 65536))
        codes = {country.code: number for number, country in enumerate(COUNTRIES)}
        self.hosters = [
            Network(FIRST_ASN + 130 + number, "hosting", codes[code], _quad(198, 18, 32 * number), 8192)
            for number, code in enumerate(HOSTERS)
        ]
        self.vpns = [
            [Network(FIRST_ASN + 140 + service, "vpn", country, _quad(198, 19, 48 * service + 3 * country), 24) for country in range(16)]
            for service in range(VPNS)
        ]
        r = stream(seed, "world/tor")
        self.tor = tuple(pick(r, self.hosters).address(r) for _ in range(TOR_EXITS))

    def _provider(self, country: int, provider: int) -> list[Network]:
        index = country * PROVIDERS + provider
        asn, base = FIRST_ASN + index, _quad(10, 0) + index * 131_072
        return [
            Network(asn, "fixed", country, base + city * 16_384, 16_384, base + 65_536 + city * 16_384, index, city << 14 | 1, 64, city)
            for city in range(CITIES)
        ]

    def _carrier(self, country: int, carrier: int) -> Network:
        index = country * CARRIERS + carrier
        # Few addresses for many people: 2,048 for a whole country.
        return Network(FIRST_ASN + 60 + index, "mobile", country, _quad(100, 64 + index), 2048, 0, 0x800 | index, 1, 1024)

    def proxy(self, r: Random, country: int | None = None) -> str:
        """A residential proxy: an address of somebody's home, in the country or anywhere."""
        place = HOME_COUNTRY.draw(r) if country is None else country
        return self.access[place][whole(r, 0, PROVIDERS - 1)][whole(r, 0, CITIES - 1)].address(r)

    def networks(self) -> list[Network]:
        """Every network with an AS number, for source files."""
        found = [network for country in self.access for provider in country for network in provider]
        found += [network for country in self.carriers for network in country]
        return [*found, *self.offices, *self.dormitories, *self.hosters, *(network for service in self.vpns for network in service)]
