"""Likelihood: what a familiar login says, what a strange one says, and the part in C equal to its twin to the last bit."""

import random

import pytest

from wardline.domains.login import habits, likelihood
from wardline.domains.login.attributes import AGENT, BROWSER, DEVICE, IP, LEVELS, NO_TIMEZONE, PREFIX24, SCREEN, SHIFT, SYSTEM, TIMEZONE
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
    if not likelihood.NATIVE:
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
    assert weighing(b"", _keys([1] * len(LEVELS)), Population(), 20_000) == Weighed()


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_the_usual_speaks_for_the_owner_and_the_new_against(weighing: object) -> None:
    assert callable(weighing)
    packed, population = b"", Population()
    for day in range(20):
        packed, keys, first = habits.add(packed, _keys([1] * len(LEVELS)), day)
        population.add(keys, first)
        population.add(list(_keys([2] * len(LEVELS))))
    usual, strange = weighing(packed, _keys([1] * len(LEVELS)), population, 30), weighing(packed, _keys([2] * len(LEVELS)), population, 30)
    assert usual.network < 0 < strange.network and usual.client < 0 < strange.client
    assert (usual.network_level, usual.network_logins, usual.agent_level) == ("ip", 20, "agent")
    assert (strange.network_level, strange.network_logins, strange.agent_level, strange.device_logins) == ("new", 0, "new", 0)
    assert usual.client_seen and not strange.client_seen and usual.logins == strange.logins == 20


def test_the_part_in_c_refuses_what_has_another_form() -> None:
    if not likelihood.NATIVE:
        pytest.skip("built without a C compiler")
    with pytest.raises(ValueError, match="one place for each level"):
        weigh(b"123", _keys([1] * len(LEVELS)), Population(), 1)
    with pytest.raises(ValueError, match="one place for each level"):
        weigh(b"", (1, 2), Population(), 1)
    with pytest.raises(OverflowError):
        weigh(b"", (1 << 70,) * len(LEVELS), Population(), 1)
    packed, population = _known()
    keys = _keys([1] * len(LEVELS))
    population.young[keys[0]] = -1
    with pytest.raises(ValueError, match="below 0"):
        weigh(packed, keys, population, 1000)


def _known(days: int = 20) -> tuple[bytes, Population]:
    """An account that logged in for so many days with value 1 of each level, among others who have value 2."""
    packed, population = b"", Population()
    for day in range(days):
        packed, keys, first = habits.add(packed, _keys([1] * len(LEVELS)), day)
        population.add(keys, first)
        population.add(list(_keys([2] * len(LEVELS))))
    return packed, population


def _with(**changed: int) -> tuple[int, ...]:
    levels = {
        "ip": IP,
        "prefix24": PREFIX24,
        "system": SYSTEM,
        "browser": BROWSER,
        "agent": AGENT,
        "device": DEVICE,
        "screen": SCREEN,
        "timezone": TIMEZONE,
    }
    values = [1] * len(LEVELS)
    for name, value in changed.items():
        values[levels[name] - 1] = value
    return _keys(values)


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_without_a_device_another_screen_of_the_same_system_is_a_sign(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _known()
    same, other = (weighing(packed, _with(device=9, screen=screen), population, 30).client for screen in (1, 9))
    absent = weighing(packed, _with(device=9, screen=0), population, 30).client
    assert same < absent < other
    assert weighing(packed, _with(screen=9), population, 30) == weighing(packed, _with(screen=1), population, 30), (
        "the device itself is known"
    )
    new = weighing(packed, _with(device=9, system=9, screen=9), population, 30).client
    assert new == weighing(packed, _with(device=9, system=9, screen=1), population, 30).client, "a new system was told already"


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_what_is_unconfirmed_is_told_once_and_not_at_each_level_below(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _known()
    new = weighing(packed, _with(device=1, system=9, browser=9, agent=9), population, 30).client
    packed, keys, first = habits.add(packed, _with(device=1, system=9, browser=9, agent=9), 30)
    population.add(keys, first)
    again = weighing(packed, _with(device=1, system=9, browser=9, agent=9), population, 30)
    assert again.client < new and (again.agent_level, again.agent_logins) == ("agent", 1)


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_an_account_does_not_make_its_own_network_common(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _known()
    before = weighing(packed, _with(), population, 30).network
    for _ in range(400):  # neighbours behind the same address
        population.add(list(_with()))
    assert before < -2.5 and weighing(packed, _with(), population, 30).network > before


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_a_level_that_an_account_never_showed_is_unknown_and_not_new(weighing: object) -> None:
    assert callable(weighing)
    packed, population = b"", Population()
    for day in range(20):
        packed, keys, first = habits.add(packed, _with(agent=0, browser=0, system=0, screen=0), day)
        population.add(keys, first)
    first_agent = weighing(packed, _with(agent=5, browser=5, system=5, screen=5), population, 30)
    assert first_agent.client == weighing(packed, _with(agent=0, browser=0, system=0, screen=0), population, 30).client
    assert first_agent.agent_level == "device_class"


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_a_journey_explains_a_time_zone_and_one_that_is_absent_says_less_than_another(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _known()
    at_home, away = _with(timezone=9), _with(prefix24=9, ip=9, timezone=9)
    assert 0 < weighing(packed, away, population, 30).locale < weighing(packed, at_home, population, 30).locale
    none = (*at_home[: TIMEZONE - 1], NO_TIMEZONE, *at_home[TIMEZONE:])
    assert 0 < weighing(packed, none, population, 30).locale <= likelihood.ABSENT_MOST < weighing(packed, at_home, population, 30).locale
