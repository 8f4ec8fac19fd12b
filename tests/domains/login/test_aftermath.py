"""After a doubted login, what the session does counts for a day."""

from tests.domains.login.town import DAY_US, MINUTE_US, Town, client, network

AWAY = {**network(203, 0, 113), **client("other", "x")}


def test_surprises_after_an_unusual_login_count_until_it_has_cooled_off() -> None:
    town = Town()
    town.lives(20, 20)
    assert town.login("p1", AWAY, "challenge_passed").verdict == "challenge"
    town.now_us += 15 * MINUTE_US
    town.note("p1", {}, "session", action="forward_rule")
    town.note("p1", {}, "session", action="read")
    town.note("p1", {}, "recovery")
    read = town.decide("p1", AWAY).read
    assert (read["login.since_risky_login_seconds"], read["login.surprises_since_risky"]) == (900, 2)
    assert "login.surprises_since_risky" not in town.decide("p2", AWAY).read
    town.now_us += DAY_US
    assert "login.surprises_since_risky" not in town.decide("p1", AWAY).read


def test_after_an_ordinary_login_nothing_is_a_surprise() -> None:
    town = Town()
    town.lives(20, 20)
    town.note("p1", {}, "session", action="forward_rule")
    assert "login.surprises_since_risky" not in town.decide("p1", AWAY).read
