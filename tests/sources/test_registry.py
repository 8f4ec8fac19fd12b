"""The registry: loads, reloads, keeps what was good, counts, and says what is wrong."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from wardline.base.clock import FixedClock
from wardline.sources.declaration import read_declarations
from wardline.sources.outbound import Outbound
from wardline.sources.registry import Registry, Status

DAY_US = 86_400_000_000
NOW_US = 1_795_000_000_000_000
LIST = "".join(f"198.51.100.{host}\n" for host in range(100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tor.toml").write_text('kind = "tor"\npath = "tor.txt"\nowner = "Example"\nlicence = "CC0"\nmax_age_days = 2\n')
    put(tmp_path, LIST)
    return tmp_path


def put(folder: Path, text: str | bytes, name: str = "tor.txt", at_us: int = NOW_US) -> None:
    """A new version, by rename, as one should."""
    new = folder / "new"
    new.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(new, ns=(at_us * 1000, at_us * 1000))
    new.replace(folder / name)


def registry(folder: Path, clock: FixedClock | None = None) -> Registry:
    made = Registry(folder, clock=clock or FixedClock(NOW_US))
    made.refresh()
    return made


def status(made: Registry) -> Status:
    return made.status()[0]


def tor(made: Registry, address: str = "198.51.100.7") -> object:
    return made.ip_facts(address, NOW_US).get("ip.tor")


def test_loaded_and_shown(folder: Path) -> None:
    made = registry(folder)
    assert tor(made) is True
    shown = status(made)
    assert (shown.state, shown.entries, shown.owner, shown.licence, shown.age_days, shown.format) == (
        "ok",
        100,
        "Example",
        "CC0",
        0.0,
        "cidr",
    )


def test_an_unchanged_file_is_not_read_again(folder: Path) -> None:
    made = registry(folder)
    assert made.refresh() == []
    assert made.refresh(force=True) == ["tor"]


def test_a_new_version_is_taken(folder: Path) -> None:
    made = registry(folder)
    put(folder, LIST + "192.0.2.1\n")
    assert made.refresh() == ["tor"]
    assert tor(made, "192.0.2.1") is True


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "no entries"),
        (b"<html>", "cannot be read|broken-off"),
        (b"\0\1\2", "binary"),
        (LIST.encode()[:-2] + b".", "broken-off"),
        (b"198.51.100.1\n", "shrank from 100 entries to 1"),
        (b"x" * 1_000_000, "broken-off"),
        ("198.51.100.1\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_the_last_good_version_stays(folder: Path, content: bytes, says: str) -> None:
    made = registry(folder)
    put(folder, content)
    assert made.refresh() == []
    assert made.refresh() == []
    assert tor(made) is True
    shown = status(made)
    assert shown.state == "failing"
    import re

    assert re.search(says, shown.detail)
    assert shown.failures == 1  # one fault, however often one looks
    put(folder, LIST)
    assert made.refresh() == ["tor"]
    assert (status(made).state, status(made).detail, status(made).failures) == ("ok", "", 1)


def test_a_file_that_is_gone_is_a_fault_and_nothing_else(folder: Path) -> None:
    made = registry(folder)
    (folder / "tor.txt").unlink()
    made.refresh()
    assert (status(made).state, tor(made)) == ("failing", True)


def test_a_smaller_file_can_be_accepted(folder: Path) -> None:
    made = registry(folder)
    put(folder, "198.51.100.1\n")
    made.refresh()
    assert made.refresh(accept=["tor"]) == ["tor"]
    assert tor(made) is False
    assert status(made).entries == 1


def test_never_loaded_is_missing(folder: Path) -> None:
    (folder / "tor.txt").unlink()
    made = registry(folder)
    assert status(made).state == "missing"
    facts = made.ip_facts("198.51.100.7", NOW_US)
    assert "ip.tor" not in facts
    assert facts["ip.sources_missing"] == ["tor"]


def test_too_old(folder: Path) -> None:
    clock = FixedClock(NOW_US)
    made = registry(folder, clock)
    clock.advance_us(3 * DAY_US)
    made.refresh()
    assert (status(made).state, status(made).age_days) == ("stale", 3.0)
    assert tor(made) is True
    facts = made.ip_facts("192.0.2.1", NOW_US)
    assert "ip.tor" not in facts
    assert facts["ip.sources_missing"] == ["tor"]


def test_a_source_that_is_switched_off_is_neither_asked_nor_missing(folder: Path) -> None:
    made = registry(folder)
    text = (folder / "tor.toml").read_text()
    (folder / "tor.toml").write_text(text + "enabled = false\n")
    made.refresh()
    assert status(made).state == "off"
    assert made.ip_facts("198.51.100.7", NOW_US) == {"ip.public": False, "ip.sources_hit": [], "ip.sources_missing": []}


def test_declarations_come_and_go_without_a_restart(folder: Path) -> None:
    made = registry(folder)
    put(folder, "192.0.2.0/24\n", "vpn.txt")
    (folder / "vpn.toml").write_text('kind = "vpn"\npath = "vpn.txt"\n')
    assert made.refresh() == ["vpn"]
    assert made.ip_facts("192.0.2.1", NOW_US)["ip.vpn"] is True
    (folder / "tor.toml").unlink()
    made.refresh()
    assert [shown.name for shown in made.status()] == ["vpn"]
    assert "ip.tor" not in made.ip_facts("192.0.2.1", NOW_US)


def test_a_broken_declaration_takes_nothing_away(folder: Path) -> None:
    made = registry(folder)
    (folder / "tor.toml").write_text("kind = ")
    made.refresh()
    assert "not valid TOML" in made.wrong_declarations[0]
    assert tor(made) is True


def test_counts_survive_a_reload(folder: Path) -> None:
    made = registry(folder)
    tor(made)
    made.refresh(force=True)
    tor(made)
    tor(made, "192.0.2.1")
    assert (status(made).lookups, status(made).hits) == (3, 2)


def test_false_hits(folder: Path) -> None:
    made = registry(folder)
    hit = made.ip_facts("198.51.100.7", NOW_US)["ip.sources_hit"]
    assert hit == ["tor"]
    assert isinstance(hit, list)
    for abusive in (True, True, True, False):
        made.labelled(hit, abusive)
    made.labelled(["unknown"], True)
    assert (status(made).labelled_hits, status(made).false_hits, status(made).false_hit_rate) == (4, 1, 0.25)
    made.labelled(hit, abusive=False, withdrawn=True)
    assert status(made).false_hit_rate == 0.0


def test_lookups_go_on_while_files_are_read(folder: Path) -> None:
    made = registry(folder)
    stop = threading.Event()
    seen: set[object] = set()

    def look() -> None:
        while not stop.is_set():
            seen.add(tor(made))

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(20):
        put(folder, LIST + f"192.0.2.{turn}\n")
        made.refresh()
        put(folder, b"broken \0")
        made.refresh()
    stop.set()
    thread.join()
    assert seen == {True}


async def test_watching(folder: Path) -> None:
    made = registry(folder)
    task = asyncio.create_task(made.watch(0.01))
    put(folder, LIST + "192.0.2.1\n")
    for _ in range(500):
        await asyncio.sleep(0.01)
        if tor(made, "192.0.2.1") is True:
            break
    task.cancel()
    assert tor(made, "192.0.2.1") is True


def test_domains_crawlers_and_user_agents(tmp_path: Path) -> None:
    put(tmp_path, "example.net\n", "throwaway.txt")
    put(tmp_path, "ExampleBot\n", "crawlers.txt")
    (tmp_path / "throwaway.toml").write_text('kind = "disposable"\npath = "throwaway.txt"\n')
    (tmp_path / "crawlers.toml").write_text('kind = "crawlers"\npath = "crawlers.txt"\n')
    made = registry(tmp_path)
    assert made.domain_facts("example.net") == {"email.disposable": True, "email.free_mail": False, "email.sources_hit": ["throwaway"]}
    assert made.user_agent_facts("ExampleBot/1.0")["user_agent.sources_hit"] == ["crawlers"]
    assert made.user_agent_facts("curl/8.0")["user_agent.crawler"] is False
    assert [shown.hits for shown in made.status()] == [1, 1]


async def test_leaked_passwords_from_a_folder_and_from_a_service(tmp_path: Path) -> None:
    (tmp_path / "ranges").mkdir()
    (tmp_path / "ranges" / "00000.txt").write_text("A" * 35 + ":7\n")
    (tmp_path / "leaks.toml").write_text('kind = "leaked_passwords"\npath = "ranges"\nmax_age_days = 0\n')
    made = registry(tmp_path)
    assert made.passwords is not None
    assert await made.passwords.count("00000" + "a" * 35) == 7
    assert (status(made).hits, status(made).entries, status(made).format) == (1, 1, "ranges")
    (tmp_path / "leaks.toml").write_text('kind = "leaked_passwords"\nurl = "https://api.example.com/range"\n')
    made = registry(tmp_path)
    assert (status(made).state, status(made).age_days) == ("ok", None)
    assert made.passwords is None  # without a client there is nobody to ask through


def test_without_refresh_the_first_question_loads(folder: Path) -> None:
    assert Registry(folder, clock=FixedClock(NOW_US)).ip_facts("198.51.100.7", NOW_US)["ip.tor"] is True


def test_a_client_whose_settings_make_no_sense_is_a_fault_of_its_source_alone(folder: Path) -> None:
    def broken() -> Outbound:
        raise ValueError("outbound.ca_file: no certificates")

    (folder / "leaks.toml").write_text('kind = "leaked_passwords"\nurl = "https://api.example.com/range"\n')
    made = Registry(folder, clock=FixedClock(NOW_US), outbound=broken)
    made.refresh()
    assert made.passwords is None
    assert [(shown.name, shown.state) for shown in made.status()] == [("leaks", "missing"), ("tor", "ok")]
    assert "ca_file" in made.status()[0].detail


def test_the_shipped_example_is_valid(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "deploy" / "sources"
    sources, wrong = read_declarations(example)
    assert ([source.kind for source in sources], wrong) == (["tor"], [])
