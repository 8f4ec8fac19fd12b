"""Source files about this world's networks, so that a run with IP sources is possible.

    write_sources(world, Path("city-sources"))     asn.csv country.csv hosting.txt vpn.txt tor.txt disposable.txt free-mail.txt and sources.toml

Put the folder where `sources.folder` of the configuration points, or copy it to `sources` of the data folder.
"""

from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from pathlib import Path

from wardline.city.names import DISPOSABLE, FREE_MAIL
from wardline.city.world import COUNTRIES, Network, World

_DECLARED = (
    ("city-asn", "asn", "asn.csv"),
    ("city-country", "country", "country.csv"),
    ("city-hosting", "hosting", "hosting.txt"),
    ("city-vpn", "vpn", "vpn.txt"),
    ("city-tor", "tor", "tor.txt"),
    ("city-disposable", "disposable", "disposable.txt"),
    ("city-free-mail", "free_mail", "free-mail.txt"),
)


def write_sources(world: World, folder: Path) -> list[str]:
    """Write the files into the folder, made where it is missing; gives their names. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = world.networks()
    files = {
        "asn.csv": "network,asn,as_name\n" + "".join(f"{block},{n.asn},City {n.kind} {n.asn}\n" for n in networks for block in blocks(n)),
        "country.csv": "network,country\n" + "".join(f"{block},{COUNTRIES[n.country].code}\n" for n in networks for block in blocks(n)),
        "hosting.txt": "".join(f"{block}\n" for n in networks if n.kind == "hosting" for block in blocks(n)),
        "vpn.txt": "".join(f"{block}\n" for n in networks if n.kind == "vpn" for block in blocks(n)),
        "tor.txt": "".join(f"{ip}\n" for ip in sorted(set(world.tor))),
        "disposable.txt": "".join(f"{domain}\n" for domain in DISPOSABLE),
        "free-mail.txt": "".join(f"{domain}\n" for domain in FREE_MAIL.values),
        "city.toml": "".join(
            f'[[source]]\nname = "{name}"\nkind = "{kind}"\npath = "{file}"\nowner = "the synthetic city"\nmax_age_days = 0\n\n'
            for name, kind, file in _DECLARED
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return sorted(files)


def blocks(network: Network) -> list[str]:
    """A network's ranges as CIDR, IPv6 too."""
    found = []
    for start in filter(None, (network.first, network.second)):
        found += [str(block) for block in summarize_address_range(IPv4Address(start), IPv4Address(start + network.size - 1))]
    if network.six >= 0:
        first = IPv6Address(f"3fff:{network.six:x}:{network.six_part:x}::")
        last = IPv6Address(int(first) + (network.six_size << 80) - 1)
        found += [str(block) for block in summarize_address_range(first, last)]
    return found
