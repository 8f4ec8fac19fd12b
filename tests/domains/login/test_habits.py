"""Habits: a few hundred bytes whatever happens."""

import struct

from wardline.domains.login.attributes import DEVICE, IDENTIFIED, IP, KEPT, NO_DEVICE, SHIFT, SYSTEM, TODAY, attribute_keys, renewals_key
from wardline.domains.login.habits import COUNT_SHIFT, add, index
from wardline.engine.feature import Value


def test_bytes_and_back_and_a_bound_for_every_level() -> None:
    packed = b""
    for number in range(2000):
        facts: dict[str, Value] = {
            "ip": f"ip:{number}",
            "ip.prefix24": f"n:{number // 4}",
            "device": f"d:{number}",
            "user_agent": f"t:{number}",
            "hour": number % 24,
        }
        packed, _, _ = add(packed, attribute_keys(facts), number // 3)
    habits = index(packed)
    assert struct.pack(f"<{len(habits)}Q", *(key << 32 | entry for key, entry in sorted(habits.items()))) == packed and len(packed) < 1200
    assert sum(key >> SHIFT == IP for key in habits) <= KEPT[IP]


def test_what_is_used_often_stays() -> None:
    packed = b""
    home = attribute_keys({"ip": "ip:home", "device": "d:home"})
    for day in range(50):
        packed, _, _ = add(packed, home, day)
        packed, _, _ = add(packed, attribute_keys({"ip": f"ip:{day}", "device": f"d:{day}"}), day)
    assert all(key in index(packed) for key in home if key)


def _client(system: str, device: str | None) -> tuple[int, ...]:
    facts: dict[str, Value] = {"user_agent": f"t:{system}", "user_agent.os": system, "client": "web"}
    return attribute_keys(facts if device is None else {**facts, "device": device})


def test_new_identifiers_are_counted_for_each_system_apart_and_absences_are_none() -> None:
    packed = b""
    for day in range(20):
        for keys in (_client("iOS", "phone"), _client("Linux", f"private:{day}"), _client("Linux", None)):
            packed, _, _ = add(packed, keys, day)
    found = index(packed)
    ios, linux = (renewals_key(_client(system, None)[SYSTEM - 1]) for system in ("iOS", "Linux"))
    assert (found[ios] >> COUNT_SHIFT, found[linux] >> COUNT_SHIFT) == (1, 20)
    assert (
        _client("Linux", None)[DEVICE - 1] in NO_DEVICE
        and not NO_DEVICE[0] & IDENTIFIED
        and _client("iOS", "phone")[DEVICE - 1] & IDENTIFIED
    )


def test_systems_that_bring_identifiers_are_bounded() -> None:
    packed = b""
    for number in range(100):
        packed, _, _ = add(packed, _client(f"system:{number}", f"d:{number}"), number // 3)
    assert sum(key >> SHIFT == TODAY for key in index(packed)) <= KEPT[SYSTEM]
