"""Habits: a few hundred bytes whatever happens."""

import struct

from wardline.domains.login.attributes import IP, KEPT, SHIFT, attribute_keys
from wardline.domains.login.habits import add, index
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
