"""One decision on its way, as a playbook: what comes, what is done about it. No network and no real clock."""

from types import SimpleNamespace

import msgspec
import pytest

from wardline.client import AsyncClient, Client, Settings, asking, event
from wardline.client.asking import FAIL_POLICY, LINES_AT_ONCE, PAUSE_SECONDS, AskError, Asking, Budget, batches, line_of, lines_of

EVENT = event("login", id="e1", entities={"account": "alice"})
ANSWER = b'{"id": "e1", "verdict": "limit", "score": 0.4, "reasons": [], "policy": "login@1"}'


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(asking, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def asked(budget: Budget | None = None, **settings: float | str) -> Asking:
    return Asking(EVENT, msgspec.structs.replace(Settings(), **settings), budget or Budget(0.1))


def test_the_first_answer_counts(clock: SimpleNamespace) -> None:
    one = asked()
    assert one.left_seconds == 1.0 and msgspec.json.decode(one.body)["id"] == "e1" and b"received_at" not in one.body
    one.answered(200, ANSWER)
    assert one.answer is not None and one.answer.verdict == "limit"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_server_in_trouble_is_asked_again_after_a_growing_pause(clock: SimpleNamespace, status: int) -> None:
    one = asked()
    pauses = []
    for _ in range(3):
        one.answered(status, b"")
        assert one.answer is None
        pauses.append(one.pause_seconds)
    assert pauses == [PAUSE_SECONDS, 2 * PAUSE_SECONDS, 4 * PAUSE_SECONDS]
    one.answered(200, ANSWER)
    assert one.answer is not None and one.answer.policy == "login@1"


def test_the_door_says_how_long_to_wait(clock: SimpleNamespace) -> None:
    one = asked(deadline_seconds=10.0)
    one.answered(429, b"", " 3 ")
    assert (one.answer, one.pause_seconds) == (None, 3.0)
    for said in ("Thu, 26 Nov 2026 09:00:00 GMT", "²", "-1"):
        one.answered(503, b"", said)
        assert one.answer is None and one.pause_seconds < 1
    one.answered(503, b"", "9" * 400)
    assert one.answer is not None and "status 503" in one.answer.reasons[0].text, "that is beyond every deadline"


def test_the_deadline_is_for_all_tries(clock: SimpleNamespace) -> None:
    one = asked(deadline_seconds=0.5, fail_verdict="challenge")
    clock.now += 0.49
    one.failed("ConnectError")
    assert one.answer is not None and (one.answer.verdict, one.answer.policy) == ("challenge", FAIL_POLICY)
    assert "ConnectError" in one.answer.reasons[0].text and one.left_seconds == pytest.approx(0.01)
    clock.now += 10
    assert one.left_seconds == 0.001


def test_second_tries_are_a_tenth_of_the_requests(clock: SimpleNamespace) -> None:
    budget = Budget(0.1)
    again = 0
    for _ in range(1000):
        one = asked(budget)
        one.failed("ConnectError")
        again += one.answer is None
    assert again == pytest.approx(110, abs=1), "a tenth, and the ten that were saved up"


def test_a_refused_event_is_not_asked_again(clock: SimpleNamespace) -> None:
    with pytest.raises(AskError, match=r"422: entities\.ip") as refused:
        asked().answered(422, b'{"detail": "entities.ip: not an address"}')
    assert refused.value.status == 422
    for body in (b"<html>", b"[]", b"{}"):
        with pytest.raises(AskError, match="401: no details"):
            asked().answered(401, body)
    with pytest.raises(AskError, match="not a decision"):
        asked().answered(200, b"<html>")


def test_batches_hold_what_one_request_may() -> None:
    found = list(batches(event("login", id=f"e{number}") for number in range(2 * LINES_AT_ONCE + 1)))
    assert [size for size, _lines in found] == [LINES_AT_ONCE, LINES_AT_ONCE, 1]
    assert found[0][1].count(b"\n") == LINES_AT_ONCE - 1 and not list(batches([]))


def test_the_lines_of_a_batch() -> None:
    lines = lines_of(200, ANSWER + b'\n{"id": "e2", "accepted": true}\n{"status": 422, "detail": "no"}\n')
    answer, accepted, refused = map(line_of, lines)
    assert (answer.verdict, accepted.id, str(refused)) == ("limit", "e2", "422: no")
    with pytest.raises(AskError, match="413: too large"):
        lines_of(413, b'{"detail": "too large"}')
    for line in (b"<html>", b"7", b'{"verdict": 7}'):
        assert isinstance(line_of(line), AskError)


async def test_keywords_go_before_the_settings() -> None:
    settings = Settings(deadline_seconds=3.0, api_key="k")
    with Client("http://127.0.0.1:9", settings, fail_verdict="challenge") as client:
        assert client.settings == Settings(deadline_seconds=3.0, api_key="k", fail_verdict="challenge")
    async with AsyncClient("http://127.0.0.1:9", settings) as other:
        assert other.settings == settings
    with pytest.raises(TypeError):
        Client("http://127.0.0.1:9", deadline=1.0)
