"""User agents, honest and hostile."""

import json
from pathlib import Path

import pytest

from wardline.sources.ip import Tally
from wardline.sources.reading import SourceError
from wardline.sources.useragent import CACHE_LIMIT, CrawlerList, CrawlerSource, UserAgents, read_crawlers

AGENTS = UserAgents()
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("text", "family", "major", "system", "device"),
    [
        (CHROME, "Chrome", 126, "Windows", "desktop"),
        (CHROME + " Edg/126.0.0.0", "Edge", 126, "Windows", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", 128, "Linux", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari", 17, "Mac OS X", "desktop"),
        (IPHONE, "Mobile Safari", 17, "iOS", "phone"),
        (IPAD, "Mobile Safari", 17, "iOS", "tablet"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome Mobile", 126, "Android", "phone"),
        ("Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome", 126, "Android", "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", 2, None, "bot"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.0.0 Mobile Safari/537.36", "Chrome Mobile", 100, "Android", "phone"),
        ("curl/8.5.0", "curl", 8, None, "script"),
        ("python-requests/2.32.0", "Python Requests", 2, None, "script"),
        ("Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)", None, None, None, "console"),
    ],
)  # fmt: skip
def test_what_it_says(text: str, family: str | None, major: int | None, system: str | None, device: str) -> None:
    found = AGENTS.facts(text)
    assert found["user_agent.device"] == device
    if family:
        assert (found.get("user_agent.family"), found.get("user_agent.major"), found.get("user_agent.os")) == (family, major, system)
    assert "user_agent.crawler" not in found


def test_nothing_said() -> None:
    assert AGENTS.facts("") == {}
    assert AGENTS.facts("  \n") == {}


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "(" * 600, "\x00\x01\x02", "\ud800Chrome/1", "Chrome/" + "9" * 500, "Mozilla/5.0 " * 1000, "é" * 600, "Android " * 100,
     "HbbTV/" + ";" * 500, "\u202eChrome/1.0", "%s%n${jndi:ldap://example.com}", "' OR 1=1 --"],
)  # fmt: skip
def test_hostile_texts_give_small_facts(text: str) -> None:
    found = AGENTS.facts(text)
    assert all(len(value) <= 48 for value in found.values() if isinstance(value, str))
    assert json.dumps(found)


def test_what_is_remembered_is_bounded() -> None:
    agents = UserAgents()
    for number in range(CACHE_LIMIT + 50):
        agents.facts(f"x/{number}")
    assert len(agents._cache) == CACHE_LIMIT


def test_facts_are_the_callers_own() -> None:
    first = AGENTS.facts(CHROME)
    first["user_agent.family"] = "changed"
    assert AGENTS.facts(CHROME)["user_agent.family"] == "Chrome"


def crawlers(folder: Path, content: str | bytes) -> CrawlerList:
    path = folder / "crawlers"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_crawlers(path)[0]


@pytest.mark.parametrize(
    "content",
    ["# ours\nExampleBot\\/\n^spider-?[0-9]+\n", json.dumps([{"pattern": "ExampleBot\\/", "url": "x"}, {"pattern": "^spider-?[0-9]+"}])],
)
def test_crawlers(tmp_path: Path, content: str) -> None:
    listed = crawlers(tmp_path, content)
    agents = AGENTS.with_crawlers([CrawlerSource("ours", listed, Tally())])
    found = agents.facts("Mozilla/5.0 (compatible; ExampleBot/1.0)")
    assert (found["user_agent.crawler"], found["user_agent.sources_hit"], found["user_agent.device"]) == (True, ["ours"], "bot")
    assert agents.facts("spider7")["user_agent.crawler"] is True
    assert agents.facts(CHROME)["user_agent.crawler"] is False
    assert "user_agent.crawler" not in AGENTS.with_crawlers([CrawlerSource("ours", listed, Tally(), stale=True)]).facts(CHROME)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "no entries"),
        (b"(unclosed\n", "1 of 1 lines"),
        (b"(?=look)\n", "1 of 1 lines"),
        (b"(a)\\1\n", "1 of 1 lines"),
        (b"[a-z]{9999}{9999}\n", "1 of 1 lines"),
        (b"a" * 100_000 + b"\n", "1 of 1 lines"),
        (b".*\n", "1 of 1 lines"),
        (b"a|\n", "1 of 1 lines"),
        (b"[{]", "no whole list"),
        (b"[ {" * 100_000, "no whole list"),
        (b"[" * 100_000, "1 of 1 lines"),
        (b"[{}]", "1 of 1 lines"),
        (b"\x00", "binary"),
    ],
)
def test_what_is_no_list_of_crawlers(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        crawlers(tmp_path, content)


def test_patterns_that_take_long_to_compile_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardline.sources.useragent.COMPILING_LIMIT_SECONDS", -1.0)
    with pytest.raises(SourceError, match="too long to compile"):
        crawlers(tmp_path, "ExampleBot\n")
