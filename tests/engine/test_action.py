"""Orders that cannot be actions, and the steps of those that can."""

from typing import Any

import msgspec
import pytest

from wardline.engine.action import Action, ActionError, Cause, Order, Step, check_order, pack, unpack

GOOD: dict[str, Any] = {"kind": "lock", "entity": "account:alice", "ttl_seconds": 3600, "cause": Cause(kind="case", id="7")}


def test_an_order_that_can_be() -> None:
    check_order(Order(**GOOD))
    check_order(Order(**GOOD | {"cause": Cause(kind="decision", id="01K", by="login@7"), "parameters": {"rate": [1, None]}}))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"kind": ""}, "kind"),
        ({"kind": "Lock it"}, "kind"),
        ({"kind": "a" * 33}, "kind"),
        ({"ttl_seconds": 0}, "every action ends"),
        ({"ttl_seconds": -5}, "every action ends"),
        ({"ttl_seconds": 367 * 86_400}, "every action ends"),
        ({"cause": None}, "cause: why"),
        ({"cause": Cause(kind="mood", id="1")}, "cause: why"),
        ({"cause": Cause(kind="case", id="")}, "cause.id"),
        ({"cause": Cause(kind="case", id="1" * 129)}, "cause.id"),
        ({"cause": Cause(kind="decision", id="01K")}, "cause.by"),
        ({"key": "k" * 129}, "key"),
        ({"reason": "r" * 321}, "reason"),
        ({"parameters": {"a": "b" * 5000}}, "parameters"),
        ({"parameters": {"a": object()}}, "parameters"),
    ],
)
def test_orders_that_cannot(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ActionError, match=part):
        check_order(Order(**GOOD | change))


def test_what_is_counted_together() -> None:
    assert Cause(kind="rule", id="login.bulk").cap == "rule:login.bulk"
    assert Cause(kind="decision", id="01K", by="login@7").cap == Cause(kind="decision", id="01L", by="login@7").cap


def test_steps_are_packed() -> None:
    action = Action(
        id="1", kind="lock", entity="account:a", cause=Cause(kind="case", id="7"), key="k", requested_us=1, expires_us=2, actor="ada"
    )
    step = Step(op="requested", id="1", at_us=1, action=action)
    assert unpack(pack(step)) == step
    with pytest.raises(msgspec.ValidationError):
        unpack(msgspec.msgpack.encode({"op": "exploded", "id": "1", "at_us": 1}))
