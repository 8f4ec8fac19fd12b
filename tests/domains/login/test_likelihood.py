"""Likelihood: what a familiar login says, what a strange one says, and the part in C equal to its twin to the last bit."""

import random

import pytest

from wardline.domains.login import habits, likelihood
from wardline.domains.login.attributes import (
    AGENT,
    BROWSER,
    DEVICE,
    IDENTIFIED,
    IP,
    LEVELS,
    NO_DEVICE,
    NO_TIMEZONE,
    PREFIX24,
    SCREEN,
    SHIFT,
    SYSTEM,
    TIMEZONE,
)
from wardline.domains.login.likelihood import Weighed, weigh, weigh_plain
from wardline.domains.login.population import Population


def _keys(values: list[int]) -> tuple[int, ...]:
    return tuple(level << SHIFT | value if value else 0 for level, value in zip(LEVELS, values, strict=True))


def _device(keys: tuple[int, ...], key: int) -> tuple[int, ...]:
    """The same login with this key of a device, or of the absence of one."""
    return (*keys[: DEVICE - 1], key, *keys[DEVICE:])


def _any(chance: random.Random, rate: float, most: int) -> tuple[int, ...]:
    """A login with values of a few; its device is one of several forms, or none."""
    keys = _keys([min(int(chance.expovariate(rate)), most) for _ in LEVELS])
    form = chance.randrange(4)
    if form == 0:
        return _device(keys, chance.choice(NO_DEVICE))
    return _device(keys, keys[DEVICE - 1] | IDENTIFIED) if form == 1 and keys[DEVICE - 1] else keys


def _life(seed: int) -> tuple[bytes, Population]:
    chance, population, packed = random.Random(seed), Population(400), b""
    for _ in range(chance.randrange(1, 80)):
        packed, keys, first = habits.add(packed, _any(chance, 0.6, 30), chance.randrange(2040, 2060), chance.random() < 0.1)
        population.add(keys, first)
    return packed, population


@pytest.mark.parametrize("seed", range(40))
def test_the_part_in_c_equals_its_twin_to_the_last_bit(seed: int) -> None:
    if not likelihood.NATIVE:
        pytest.skip("built without a C compiler")
    packed, population = _life(seed)
    chance = random.Random(seed + 1000)
    for _ in range(50):
        keys, day = _any(chance, 0.5, 35), chance.randrange(2040, 2070)
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


IDENTIFIER, STRANGE = DEVICE << SHIFT | IDENTIFIED | 1, DEVICE << SHIFT | IDENTIFIED | 9
WEB, UNTOLD = NO_DEVICE


def _who(sent: int, absent: int = 0, key: int = WEB, site_absent: int = 0) -> tuple[bytes, Population]:
    """An account with logins from its device and without any, among others of whom some send none either."""
    packed, population = b"", Population()
    for day in range(sent + absent):
        packed, keys, first = habits.add(packed, _device(_with(), IDENTIFIER if day < sent else key), day)
        population.add(keys, first)
        population.add(list(_device(_keys([2] * len(LEVELS)), key if day < site_absent else STRANGE + day)))
    return packed, population


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
@pytest.mark.parametrize("key", NO_DEVICE)
def test_a_browser_that_sends_no_device_for_once_is_doubted_and_twice_does_not_make_it_a_habit(weighing: object, key: int) -> None:
    assert callable(weighing)
    never, twice, often, always = (
        weighing(*_absence(sent, 40 - sent, key), 90, False).client - weighing(*_absence(40, 0, key, IDENTIFIER), 90, True).client
        for sent in (40, 38, 20, 0)
    )
    assert never > twice > often > always
    assert twice > 2.0, "an owner who leaves it out in one login of twenty is still somebody who sends it"


def _absence(sent: int, absent: int, key: int, now: int | None = None) -> tuple[bytes, tuple[int, ...], Population]:
    packed, population = _who(sent, absent, key)
    return packed, _device(_with(), key if now is None else now), population


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_where_no_browser_sends_a_device_its_absence_says_nothing(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _who(0, 40, WEB, 40)
    with_it = weighing(packed, _device(_with(), WEB), population, 90, False).client
    without = weighing(packed, _device(_with(), 0), population, 90, False).client
    assert abs(with_it - without) < 0.05


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_a_mail_program_keeps_the_credit_of_its_habit(weighing: object) -> None:
    """Who uses a browser and a mail program: the one sends a device, the other never does."""
    assert callable(weighing)
    program = DEVICE << SHIFT | 77
    packed, population = _who(20, 20, program)
    assert weighing(packed, _device(_with(), program), population, 90, False).client < -1.0
    assert (
        weighing(packed, _device(_with(), program), population, 90, False).client
        < weighing(packed, _device(_with(), WEB), population, 90, False).client
    )


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_a_new_identifier_is_measured_by_what_its_system_brings(weighing: object) -> None:
    assert callable(weighing)
    packed, population = b"", Population()
    private = {"system": 3, "browser": 3, "agent": 3, "screen": 3}
    for day in range(30):
        for login in (_device(_with(), IDENTIFIER), _device(_with(**private), IDENTIFIER + 100 + day)):
            packed, keys, first = habits.add(packed, login, day)
            population.add(keys, first)
    phone, browser = (weighing(packed, _device(_with(**of), STRANGE), population, 90).client for of in ({}, private))
    assert phone > browser + 2.0, "the phone keeps its identifier, the private window brings another each time"


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_a_copied_client_buys_little_beside_a_doubted_device_and_nothing_beside_another_screen(weighing: object) -> None:
    assert callable(weighing)
    packed, population = _who(40)
    others, usual = _keys([2] * len(LEVELS)), _with()
    assert weighing(packed, _device(usual, 0), population, 90).client < likelihood.COPIED_LEAST - 1.0, (
        "no device, no doubt: its full credit"
    )
    doubted = weighing(packed, _device(usual, STRANGE), population, 90)
    screen = weighing(packed, _device((*usual[: SCREEN - 1], others[SCREEN - 1]), 0), population, 90)
    assert doubted.client > likelihood.DOUBTED_FULL + likelihood.COPIED_LEAST and screen.client > 0


@pytest.mark.parametrize("weighing", [weigh, weigh_plain])
def test_after_few_logins_an_absence_says_no_more_than_a_new_identifier(weighing: object) -> None:
    assert callable(weighing)
    for sent in (1, 2, 30):
        packed, population = _who(sent)
        said = {
            key: weighing(packed, _device(_with(system=0, screen=0), key), population, 90, key == STRANGE).client for key in (WEB, STRANGE)
        }
        assert said[WEB] <= said[STRANGE] + 1e-9
