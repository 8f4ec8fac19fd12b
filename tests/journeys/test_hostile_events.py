"""Events, rules and files that somebody made to hurt: each gets an answer that helps, and the program decides the next one as if nothing had been."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.commands.application import run
from wardline.serving import Doors

HEAD = '"type": "login", "occurred_at": "2026-11-26T09:30:00Z"'
RULE = """rule: twice
point: login
owner: ada
expires: 2099-12-31
when: hour > 25
verdict: challenge
reason: "r"
"""


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    program = Program.open(tmp_path / "data", Config(), starter=False)
    app: Any = Doors(program).http_app(control=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        yield http
    await program.close()


def login(id_: str, **change: Any) -> bytes:
    event = {"id": id_, "type": "login", "occurred_at": "2026-11-26T09:30:00Z", "entities": {"account": "zoe", "ip": "192.0.2.9"}}
    return json.dumps(event | change).encode()


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 400, "JSON"),
    (b"null", 422, "object"),
    (b"\xef\xbb\xbf" + login("bom"), 400, "JSON"),
    (login("x").decode().encode("utf-16"), 400, "JSON"),
    (b'{"id": "deep", %s, "fields": {"a": %s1%s}}' % (HEAD.encode(), b"[" * 50_000, b"]" * 50_000), 400, "JSON"),
    (b'{"id": "big", %s, "fields": {"plan": 1e400}}' % HEAD.encode(), 422, "range"),
    (b'{"id": "digits", %s, "fields": {"plan": %s}}' % (HEAD.encode(), b"9" * 5_000), 422, "range"),
    (b'{"id": "nan", %s, "fields": {"plan": NaN}}' % HEAD.encode(), 400, "JSON"),
    (b'{"id": "half", %s, "fields": {"plan": "\\ud800"}}' % HEAD.encode(), 400, "JSON"),
    (login("x" * 129), 422, "id"),
    (login("t1", occurred_at="2026-11-26T09:30:00"), 422, "time zone"),
    (login("t2", occurred_at="9999-12-31T23:59:59-14:00"), 422, "ahead"),
    (login("t3", occurred_at=1795697915), 422, "occurred_at"),
    (login("t4", occurred_at="0001-01-01T00:00:00+14:00"), 422, "1970"),
    (login("t5", occurred_at="1969-12-31T23:00:00Z"), 422, "1970"),
    (login("a1", entities={"account": "x" * 5_000}), 422, "entities.account"),
    (login("a2", entities={"account": 5}), 422, "entities"),
    (login("n", entities={"network": "300.0.0.0/99"}), 422, "entities.network"),
    *[
        (login(f"ip-{ip[:40]}", entities={"ip": ip}), 422, "entities.ip")
        for ip in (
            "fe80::1%eth0",
            "0x7f000001",
            "2130706433",
            "192.0.2.1:80",
            "[2001:db8::1]",
            "192.0.2.1/24",
            "192.0.2.01",
            "1.2.3",
            ":" * 999,
        )
    ],
    (login("ua", fields={"user_agent": ["x"]}), 422, "fields.user_agent"),
    (login("many", entities={str(number): "x" for number in range(2_000)}), 422, "at most"),
    (login("v", schema_version=2**40), 422, "schema_version"),
    (login("m", type="Login"), 422, "type"),
]
TAKEN: list[bytes] = [
    b'{"id": "n1", %s, "fields": {"plan": %d}}' % (HEAD.encode(), 2**70),
    b'{"id": "n2", %s, "fields": {"form_ms": 1e308, "plan": -0.0}}' % HEAD.encode(),
    b'{"id": "k1", "id": "k2", %s}' % HEAD.encode(),
    login("nul\0id", flow_id="\0"),
    login("rtl", entities={"account": "\u202egro.elpmaxe\0", "ip": "::ffff:192.0.2.1"}),
    login("empty", entities={"account": "", "ip": "", "device": ""}),
    login("names", fields={"a b'\"; drop": 1, "": 2, "ü": 3, "f" * 50_000: 4}),
    login("old", occurred_at="1970-01-01T00:00:00Z"),
    *[
        login(f"ip-{ip}", entities={"account": "zoe", "ip": ip})
        for ip in ("0.0.0.0", "255.255.255.255", "::", "::1", "ff02::1", "2002:c000:201::")
    ],
    login("ua-long", fields={"user_agent": "Mozilla/5.0 (" * 20_000}),
]


async def test_hostile_events_are_refused_by_name_or_decided_and_replay(door: httpx.AsyncClient) -> None:
    for body, status, told in REFUSED:
        answer = await door.post("/v1/decide", content=body)
        assert answer.status_code == status and told in answer.json()["detail"], (body[:80], answer.text)
    for body in TAKEN:
        answer = await door.post("/v1/decide", content=body)
        assert answer.status_code == 200 and answer.json()["verdict"] == "allow", (body[:80], answer.text)
    batch = await door.post(
        "/v1/decide/batch", content=b"\n".join([body for body, _status, _told in REFUSED[4:]] + TAKEN + [login("last")])
    )
    lines = batch.text.splitlines()
    assert len(lines) == len(REFUSED[4:]) + len(TAKEN) + 1
    assert json.loads(lines[-1])["id"] == "last"


async def test_an_id_has_one_answer_whatever_comes_under_it_later(door: httpx.AsyncClient) -> None:
    first = (await door.post("/v1/decide", content=login("one"))).json()
    again = (await door.post("/v1/decide", content=login("one", entities={"account": "mallory"}))).json()
    other = await door.post("/v1/decide", content=login("one", type="signup"))
    assert again["verdict"] == first["verdict"] and other.status_code == 422 and "used before" in other.json()["detail"]


async def test_one_event_over_several_lines_is_one_event(door: httpx.AsyncClient) -> None:
    event = json.loads(login("pretty"))
    for body, count in (
        (json.dumps(event, indent=2), 1),
        (f"{json.dumps(event | {'id': 'p2'})}\n\n{json.dumps(event | {'id': 'p3'})}\n", 2),
    ):
        answer = await door.post("/v1/events", content=body)
        assert answer.json() == {"accepted": count}
    broken = await door.post("/v1/events", content=json.dumps(event, indent=2)[:-3])
    assert broken.status_code == 400


def test_files_that_are_none_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = gzip.compress(login("gz"))
    files = {
        "cut.ndjson.gz": (packed[: len(packed) // 2], "broken off"),
        "none.ndjson.gz": (b"\xffno gzip", "not gzip"),
        "long.ndjson": (b"x" * (2 << 20), "a line has more"),
        "binary.ndjson": (bytes(range(256)) * 20, "not JSON"),
        "bom.ndjson": (b"\xef\xbb\xbf" + login("bom") + b"\r\n", "1 event: 1 recorded"),
        "empty.ndjson": (b"", "0 events"),
        "brackets.csv": (b"n,at\n1,[/b]\n", "'[/b]' is no time"),
    }
    (tmp_path / "map.toml").write_text('[[event]]\ntype = "login"\nid = "n"\noccurred_at = "at"\n')
    for name, (content, told) in files.items():
        (tmp_path / name).write_bytes(content)
        mapped = ["--map", str(tmp_path / "map.toml")] if name.endswith(".csv") else []
        run(["--data", str(tmp_path / "data"), "import", str(tmp_path / name), *mapped])
        said = capsys.readouterr()
        assert told in said.out + said.err, (name, said)
        assert "mistake of ours" not in said.err


def test_a_rule_that_says_a_thing_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twice.yaml").write_text(RULE + "when: hour >= 0\n")
    assert run(["--data", str(tmp_path / "data"), "policy", "check", str(tmp_path / "twice.yaml")]) == 1
    assert "line 8: 'when' is given twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--days", "1e308"], ["--days", "nan"], ["--days", "-1"], ["--confidence", "nan"], ["--confidence", "0"]]
)
def test_a_label_with_a_number_that_is_none_is_refused(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--data", str(tmp_path / "data"), "label", "add", "account:alice", "--abusive", *wrong]) == 2
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.parametrize("hours", ["1e308", "nan", "0", "-1"])
def test_an_action_with_hours_that_are_none_is_refused(hours: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--data", str(tmp_path / "data"), "action", "begin", "lock", "account:alice", "--hours", hours]) == 2
    assert "--hours" in capsys.readouterr().err
