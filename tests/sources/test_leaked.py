"""Leaked passwords: from a folder, from a server on loopback; what leaves, what is unknown, what is counted."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from wardline.sources.leaked import FAILURES_LIMIT, PAUSE_SECONDS, LeakedPasswords, find, read_folder
from wardline.sources.outbound import Outbound, Settings
from wardline.sources.reading import SourceError

SHA1 = hashlib.sha1(b"correct horse").hexdigest().upper()
OTHER = SHA1[:5] + "0" * 35
RANGE = f"{'A' * 35}:3\r\n{SHA1[5:]}:52579\r\n{'F' * 35}:0\r\n".encode()


@pytest.mark.parametrize("name", [SHA1[:5] + ".txt", SHA1[:5], SHA1[:5].lower(), SHA1[:5].lower() + ".txt"])
async def test_from_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RANGE)
    passwords = LeakedPasswords.in_folder(tmp_path)
    assert await passwords.count(SHA1) == 52579
    assert await passwords.count(SHA1.lower()) == 52579
    assert await passwords.count(OTHER) == 0
    assert await passwords.count("00000" + SHA1[5:]) is None  # no such range here
    assert (passwords.tally.lookups, passwords.tally.hits) == (4, 2)
    assert read_folder(tmp_path) == 1


@pytest.mark.parametrize("text", ["", "x" * 40, SHA1[:39], SHA1 + "0", "../../etc/passwd" + "0" * 24, "٠" * 40, SHA1[:-1] + "\n"])
async def test_what_is_no_hash(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="40 hexadecimal digits") as caught:
        await LeakedPasswords.in_folder(tmp_path).count(text)
    assert text == "" or text not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (RANGE, 52579),
        (RANGE.lower(), 52579),
        (b"\xef\xbb\xbf" + RANGE, 52579),
        (f"{SHA1[5:]}:0\n".encode(), 0),  # padding
        (f"{'A' * 35}:1\n".encode(), 0),
        (b"", None),
        (b"\n", None),
        (b"<html>", None),
        (RANGE[:-5], None),
        (RANGE[:50], None),
        (SHA1[5:].encode(), None),
        (f"{SHA1[5:]}:-1".encode(), None),
        (f"{SHA1[5:]}:1{'0' * 50}".encode(), None),
        (b"\x00" * 1000, None),
    ],
)
def test_ranges(data: bytes, wanted: int | None) -> None:
    assert find(data, SHA1[5:]) == wanted


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no ranges"):
        read_folder(tmp_path)
    with pytest.raises(SourceError, match="no folder"):
        read_folder(tmp_path / "missing")
    (tmp_path / "00000.txt").write_bytes(b"<html>")
    with pytest.raises(SourceError, match="no range"):
        read_folder(tmp_path)


async def test_only_the_prefix_leaves() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(RANGE) + RANGE)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outbound = Outbound(Settings(allowed_hosts=(f"127.0.0.1:{port}",), allowed_networks=("127.0.0.0/8",), plain_http=True))
    passwords = LeakedPasswords.at_url(f"http://127.0.0.1:{port}/range/", outbound)
    assert await passwords.count(SHA1) == 52579
    assert await passwords.count(OTHER) == 0
    await outbound.aclose()
    server.close()
    assert heard[0].startswith(b"GET /range/" + SHA1[:5].encode() + b" HTTP/1.1\r\n")
    assert b"add-padding: true" in heard[0]
    assert SHA1[5:12].encode() not in b"".join(heard).upper()


async def test_a_server_that_is_not_allowed_or_not_there_is_not_known() -> None:
    for hosts in ((), ("127.0.0.1:1",)):
        outbound = Outbound(Settings(allowed_hosts=hosts, allowed_networks=("127.0.0.0/8",), plain_http=True))
        assert await LeakedPasswords.at_url("http://127.0.0.1:1/range", outbound).count(SHA1) is None
        await outbound.aclose()


async def test_a_dead_source_is_left_alone_for_a_while() -> None:
    asked: list[str] = []
    now_s = 100.0

    async def fetch(prefix: str) -> bytes | None:
        asked.append(prefix)
        return None

    passwords = LeakedPasswords(fetch, clock=lambda: now_s)
    for _ in range(20):
        assert await passwords.count(SHA1) is None
    assert len(asked) == FAILURES_LIMIT
    now_s += PAUSE_SECONDS
    await passwords.count(SHA1)
    assert len(asked) == FAILURES_LIMIT + 1
