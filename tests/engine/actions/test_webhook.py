"""The webhook's message: signed, verified, refused; and the receiver that the documentation shows."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from wardline.engine.action import Action, Cause
from wardline.engine.actions.ledger import Entry
from wardline.engine.actions.webhook import WINDOW_SECONDS, WebhookError, compose, delivery_id, signature, signed, verify

SECRET = b"s" * 32
NOW_S = 1_795_253_400
ACTION = Action(
    id="01K",
    kind="lock",
    entity="account:5f",
    cause=Cause(kind="rule", id="login.bulk"),
    key="k",
    requested_us=NOW_S * 1_000_000,
    expires_us=(NOW_S + 3600) * 1_000_000,
    actor="policy",
    parameters={"until": "reset"},
)
PAGE = Path(__file__).parents[3] / "docs" / "actions.md"


def entry(**more: Any) -> Entry:
    return Entry(**({"action": ACTION, "status": "requested", "phase": "begin", "step_seq": 1, "step_us": 1} | more))


def test_what_the_receiver_is_told() -> None:
    body = compose(entry(), "alice")
    assert body == compose(entry(tries=3, error="down"), "alice")  # the same on every try
    document = msgspec.json.decode(body)
    assert (document["delivery"], document["effect"], document["because"]) == ("01K.begin", "begin", "requested")
    assert document["action"] == {
        "id": "01K",
        "kind": "lock",
        "entity": "account:5f",
        "name": "alice",
        "parameters": {"until": "reset"},
        "reason": "",
        "cause": {"kind": "rule", "id": "login.bulk"},
        "requested_at": "2026-11-21T09:30:00Z",
        "expires_at": "2026-11-21T10:30:00Z",
    }
    end = entry(status="ending", phase="end", because="expired")
    assert (delivery_id(end), msgspec.json.decode(compose(end))["because"]) == ("01K.end", "expired")


def test_a_known_signature() -> None:
    """HMAC-SHA256 as any other implementation computes it: printf '1795253400.{}' | openssl dgst -sha256 -hmac ssssssssssssssssssssssssssssssss"""
    assert signature(b"{}", SECRET, NOW_S) == "94b2fab0dd63c6f0f8d0f75ae463c9015de752394d8c17e8d5dd8f6f80fce62c"


HEADERS = signed(b"{}", SECRET, key_id="2", delivery="01K.begin", now_s=NOW_S)


@pytest.mark.parametrize(
    ("headers", "body", "now_s", "part"),
    [
        ({}, b"{} ", NOW_S, "signature"),
        ({"Wardline-Signature": "v1=" + "0" * 64}, b"{}", NOW_S, "signature"),
        ({"Wardline-Signature": "é"}, b"{}", NOW_S, "signature"),
        ({"Wardline-Signature": ""}, b"{}", NOW_S, "signature"),
        ({"Wardline-Timestamp": str(NOW_S + 1)}, b"{}", NOW_S, "signature"),
        ({"Wardline-Timestamp": "soon"}, b"{}", NOW_S, "within the last"),
        ({"Wardline-Timestamp": "9" * 5000}, b"{}", NOW_S, "within the last"),
        ({}, b"{}", NOW_S + WINDOW_SECONDS + 1, "within the last"),
        ({}, b"{}", NOW_S - WINDOW_SECONDS - 1, "within the last"),
        ({"Wardline-Key-Id": "3"}, b"{}", NOW_S, "not known"),
    ],
)
def test_what_a_receiver_refuses(headers: dict[str, str], body: bytes, now_s: int, part: str) -> None:
    with pytest.raises(WebhookError, match=part):
        verify(HEADERS | headers, body, {"1": b"old" * 10, "2": SECRET}, now_s=now_s)


def test_what_a_receiver_takes_while_the_secret_changes() -> None:
    verify({name.upper(): value for name, value in HEADERS.items()}, b"{}", {"1": b"old" * 10, "2": SECRET}, now_s=NOW_S + WINDOW_SECONDS)


def test_the_receiver_on_the_page_works() -> None:
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "def verified" in block)
    found: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), found)
    found["SECRETS"].clear()
    found["SECRETS"]["2"] = SECRET
    assert found["verified"](HEADERS, b"{}", now=NOW_S) is True
    assert found["verified"](HEADERS, b"{} ", now=NOW_S) is False
    assert found["verified"](HEADERS, b"{}", now=NOW_S + 301) is False
    assert found["verified"](HEADERS | {"Wardline-Key-Id": "9"}, b"{}", now=NOW_S) is False
