"""The last country of an account, where countries are known."""

from tests.domains.login.town import MINUTE_US, Town, client, network

HOME = {**network(10, 1, 1), **client("b", "d"), "ip.country": "AT"}


def test_seconds_since_another_country() -> None:
    town = Town()
    town.decide("p1", HOME)
    town.note("p1", HOME, result="success")
    town.now_us += 30 * MINUTE_US
    assert town.decide("p1", {**HOME, "ip.country": "AU"}).read["login.other_country_seconds"] == 1800
    assert "login.other_country_seconds" not in town.decide("p1", HOME).read
    assert "login.other_country_seconds" not in town.decide("p1", network(10, 1, 1)).read
