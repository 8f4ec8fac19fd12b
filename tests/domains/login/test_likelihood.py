"""Likelihood: what a familiar login says, what a strange one says, and the part in C equal to its twin to the last bit."""

import random

import pytest

from wardline.domains.login import habits, likelihood
from wardline.domains.login.attributes import LEVELS, SHIFT
from wardline.domains.login.likelihood import Weighed, weigh, weigh_plain
from wardline.domains.login.population import Population


def _keys(values: list[int]) -> tuple[int, ...]:
    return tuple(level << SHIFT | value if value else 0 for level, value in zip(LEVELS, values, strict=True))


def _life(seed: int) -> tuple[bytes, Population]:
    chance, population, packed = random.Random(seed), Population(400), b""
    for _ in range(chance.randrange(1, 80)):
        values = [min(int(chance.expovariate(0.6)), 30) for _ in LEVELS]
        packed, keys, first = habits.add(packed, _keys(values), chance.randrange(2040, 2060), chance.random() < 0.1)
        population.add(keys, first)
    return packed, population


@pytest.mark.parametrize("seed", range(40))
def test_the_part_in_c_equals_its_twin_to_the_last_bit(seed: int) -> None:
    if likelihood.native_weigh is None:
        pytest.skip("built without a C compiler")
    packed, population = _life(seed)
    chance = random.Random(seed + 1000)
    for _ in range(50):
        keys, day = _keys([min(int(chance.expovariate(0.5)), 35) for _ in LEVELS]), chance.randrange(2040, 2070)
        for has_device in (True, False):
            assert weigh(packed, keys, population, day, has_device) == weigh_plain(packed, keys, population, day, has_device)


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_without_a_login_nothing_speaks(weighing: object) -> None:
    assert callable(weighing)
    assert weighing(b"", _keys([1] * 13), Population(), 20_000) == Weighed()


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_the_usual_speaks_for_the_owner_and_the_new_against(weighing: object) -> None:
    assert callable(weighing)
    packed, population = b"", Population()
    for day in range(20):
        packed, keys, first = habits.add(packed, _keys([1] * 13), day)
        population.add(keys, first)
        population.add(list(_keys([2] * 13)))
    usual, strange = weighing(packed, _keys([1] * 13), population, 30), weighing(packed, _keys([2] * 13), population, 30)
    assert usual.network < 0 < strange.network and usual.client < 0 < strange.client
    assert (usual.network_level, usual.network_logins, usual.agent_level) == ("ip", 20, "agent")
    assert (strange.network_level, strange.network_logins, strange.agent_level, strange.device_logins) == ("new", 0, "new", 0)
    assert usual.client_seen and not strange.client_seen and usual.logins == strange.logins == 20


def test_the_part_in_c_refuses_what_has_another_form() -> None:
    if likelihood.native_weigh is None:
        pytest.skip("built without a C compiler")
    with pytest.raises(ValueError, match="one place for each level"):
        weigh(b"123", _keys([1] * 13), Population(), 1)
    with pytest.raises(ValueError, match="one place for each level"):
        weigh(b"", (1, 2), Population(), 1)
    with pytest.raises(OverflowError):
        weigh(b"", (1 << 70,) * 13, Population(), 1)
