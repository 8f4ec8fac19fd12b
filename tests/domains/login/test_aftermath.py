"""After a doubted login, what the session does counts for a day."""

from tests.domains.login.town import DAY_US, MINUTE_US, Town, client, network
from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision

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


def test_another_unusual_login_does_not_wipe_out_what_was_done_after_the_first() -> None:
    town = Town()
    town.lives(20, 20)
    for minute, before in ((0, None), (10, 2)):
        town.now_us += minute * MINUTE_US
        away = {**network(203, minute, 113), **client(f"other{minute}", f"x{minute}")}
        kept = town.login("p1", away, "challenge_passed")
        assert kept.verdict == "challenge" and kept.read.get("login.surprises_since_risky") == before
        for action in ("forward_rule", "export") if not minute else ():
            asked(town, "p1", action)
    read = asked(town, "p1", "delete_all").read
    assert (read["login.since_risky_login_seconds"], read["login.surprises_since_risky"]) == (0, 2)


def test_after_an_ordinary_login_nothing_is_a_surprise() -> None:
    town = Town()
    town.lives(20, 20)
    town.note("p1", {}, "session", action="forward_rule")
    assert "login.surprises_since_risky" not in town.decide("p1", AWAY).read


def asked(town: Town, account: str, action: str, verdict: str = "challenge", flow: str = "") -> KeptDecision:
    """An act that is asked about before it is done."""
    town.seq += 1
    facts: dict[str, Value] = {"account": f"account:{account}", "action": action, **({"flow": flow} if flow else {})}
    read: dict[str, Value] = {}
    for state in town.states:
        read.update(state.read("session", town.now_us, facts, town.now_us))
    kept = KeptDecision(id=f"s{town.seq}", type="session", occurred_us=town.now_us, facts=facts, read=read, verdict=verdict, score=0.1)
    for state in town.states:
        state.absorb(town.seq, kept, town.now_us)
    return kept


def test_whoever_passes_a_challenge_at_an_act_has_cooled_off_and_whoever_fails_it_has_not() -> None:
    for result, left in (("challenge_passed", None), ("challenge_failed", 1), ("success", 1)):
        town = Town()
        town.lives(20, 20)
        town.login("p1", AWAY, "challenge_passed")
        assert asked(town, "p1", "forward_rule", flow="f").read["login.sensitive"] is True
        town.note("p1", {"flow": "f"}, result=result)
        assert asked(town, "p1", "export").read.get("login.surprises_since_risky") == left


def test_a_challenge_that_another_login_passed_does_not_end_the_cooling_off() -> None:
    for flow, left in (("another", 1), ("", None)):
        town = Town()
        town.lives(20, 20)
        town.login("p1", AWAY, "challenge_passed")
        town.seq += 1
        facts: dict[str, Value] = {"account": "account:p1", "action": "forward_rule", "ip": AWAY["ip"]}
        act = KeptDecision(id="s", type="session", occurred_us=town.now_us, facts=facts, read={}, verdict="challenge", score=0.1)
        for state in town.states:
            state.absorb(town.seq, act, town.now_us)
        town.note("p1", {"ip": AWAY["ip"], **({"flow": flow} if flow else {})}, result="challenge_passed")
        assert asked(town, "p1", "export").read.get("login.surprises_since_risky") == left


def test_an_act_that_is_none_of_a_thief_says_so() -> None:
    town = Town()
    town.lives(20, 20)
    town.login("p1", AWAY, "challenge_passed")
    assert asked(town, "p1", "read", "allow").read["login.sensitive"] is False
    assert asked(town, "p1", "export", "allow").read["login.surprises_since_risky"] == 0
    assert asked(town, "p3", "export", "allow").read == {"login.sensitive": True}


def test_a_clock_an_hour_behind_that_of_the_login_hides_no_act() -> None:
    for minutes, seen in ((59, 0), (61, None)):
        town = Town()
        town.lives(20, 20)
        town.login("p1", AWAY, "challenge_passed")
        town.now_us -= minutes * MINUTE_US
        read = asked(town, "p1", "export").read
        assert (read.get("login.since_risky_login_seconds"), read.get("login.surprises_since_risky")) == (seen, seen)
