"""Campaigns: found within tens of attempts, by each thing they may have in common; honest crowds are none."""

from tests.domains.login.town import MINUTE_US, Town, client, network
from wardline.domains.login.campaigns import LoginCampaigns

AGENT = client("stuffer")


def quiet_town() -> Town:
    town = Town()
    town.lives(40, 10)
    return town


def test_stuffing_from_one_network_is_found_within_tens_of_attempts() -> None:
    town = quiet_town()
    seen = []
    for number in range(30):
        kept = town.login(f"p{number}", {**network(203, 0, 113), **AGENT}, "wrong_password")
        seen.append(int(str(kept.read["login.campaign_network"])) > 0)
        town.now_us += 1_000_000
    assert True in seen[:15] and all(seen[15:])
    owner = town.decide("p3", {**network(10, 3, 3), **client("b0", "d3")})
    assert owner.verdict == "allow"


def test_spraying_with_one_client_through_many_networks_is_found() -> None:
    town = quiet_town()
    found = [
        int(str(town.login(f"p{n}", {**network(100 + n, n, n), **AGENT}, "wrong_password").read["login.campaign_agent"])) > 0
        for n in range(30)
    ]
    assert True in found[:15]


def test_low_and_slow_shows_on_the_site_as_a_whole() -> None:
    town = quiet_town()
    found = False
    for number in range(160):
        facts = {**network(100 + number % 90, number, number), **client(f"ua{number}")}
        found |= int(str(town.login(f"p{number % 40}", facts, "wrong_password").read["login.campaign_site"])) > 0
        town.now_us += 5 * MINUTE_US
    assert found


def test_owners_who_mistype_behind_one_address_are_no_campaign() -> None:
    town = Town()
    for round_ in range(20):
        for person in range(40):
            town.login(
                f"p{person}",
                {**network(10, 0, 0), **client("b", f"d{person}")},
                "wrong_password" if round_ > 5 and person % 3 == 0 else "success",
            )
            town.now_us += MINUTE_US
    kept = town.decide("p1", {**network(10, 0, 0), **client("b", "d1")})
    assert kept.verdict == "allow" and not any(reason.detector == "login.credential_campaign" for reason in kept.reasons)


def test_unique_keys_push_out_only_each_other() -> None:
    state = LoginCampaigns(capacity=50)
    town = Town(state)
    for _ in range(20):
        town.login("p", {**network(10, 0, 0), **client("b")})
    for number in range(500):
        town.login(f"x{number}", {**network(number % 250, number, number), **client(f"u{number}")}, "unknown_account")
    assert len(state.probation) <= 50 and len(state.seen) <= 50
    assert "ip.prefix24|network:10.0.0" in state.seen
