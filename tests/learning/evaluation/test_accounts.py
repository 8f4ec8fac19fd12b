"""Accounts in two readings, on streams whose figures can be counted by hand."""

from datetime import UTC, datetime

from wardline.learning.evaluation.accounts import accounts
from wardline.learning.evaluation.judged import Answered, Asked, Fields, Truth

AT = datetime(2026, 11, 26, tzinfo=UTC)


def played(*rows: tuple[str, str, str, str, str]) -> tuple[list[Asked], dict[str, Truth], dict[str, Answered]]:
    """Rows of account, type (a session with what it does), truth, verdict, line."""
    asked, known, answers = [], {}, {}
    for number, (account, what, truth, verdict, line) in enumerate(rows):
        type, _, action = what.partition(":")
        name = f"e{number}"
        asked.append(Asked(name, type, AT, {"account": account}, Fields(action or None)))
        known[name] = Truth(id=name, type=type, account=account, truth=truth, kind="farm" if truth == "attack" else None)
        answers[name] = Answered(name, verdict, 0.5, line)
    return asked, known, answers


def test_an_account_is_stopped_at_its_signup_or_before_it_does_harm_and_not_after() -> None:
    found = accounts(
        *played(
            ("f1", "signup", "attack", "challenge", "signup.puzzle"),
            ("f1", "session:mass_send", "attack", "", ""),
            ("f2", "signup", "attack", "allow", ""),
            ("f2", "login", "attack", "challenge", "login.one_of_a_series"),
            ("f2", "login", "attack", "hold", "login.one_of_a_large_series"),
            ("f2", "session:export", "attack", "", ""),
            ("f3", "signup", "attack", "allow", ""),
            ("f3", "session:mass_send", "attack", "", ""),
            ("f3", "login", "attack", "hold", "login.one_of_a_large_series"),
            ("f4", "signup", "attack", "allow", ""),
            ("f4", "session:send", "attack", "", ""),
            ("f4", "session:forward_rule", "attack", "challenge", "session.cooling_off"),
            ("f5", "signup", "attack", "allow", ""),
        )
    )
    assert (found.attackers, found.at_signup.hits, found.before_harm.hits) == (5, 1, 3)
    assert found.harmed_unasked.hits == 1  # f3; f5 never did anything
    assert {name: (line.attackers, line.honest) for name, line in found.lines.items()} == {
        "login.one_of_a_large_series": (1, 0),
        "login.one_of_a_series": (1, 0),
        "session.cooling_off": (1, 0),
    }
    assert (found.kinds["farm"].at_signup.of, found.kinds["farm"].before_harm.share) == (5, 0.6)


def test_of_an_honest_account_its_owners_logins_count_and_a_thiefs_do_not() -> None:
    found = accounts(
        *played(
            ("h1", "signup", "legit", "allow", ""),
            ("h1", "login", "attack", "hold", "login.unlike_its_owner_in_a_campaign"),
            ("h2", "signup", "legit", "allow", ""),
            ("h2", "session:export", "legit", "", ""),
            ("h2", "login", "legit", "hold", "login.one_of_a_large_series"),
            ("h3", "signup", "legit", "challenge", "signup.puzzle"),
            ("old", "login", "legit", "challenge", "login.unlike_its_owner"),
        )
    )
    assert (found.honest, found.honest_at_signup.hits, found.honest_in_all.hits, found.honest_held.hits) == (3, 1, 2, 1)
    assert found.attackers == 0 and found.before_harm.share is None
    assert found.lines["login.one_of_a_large_series"].honest == 1


def test_events_without_truth_or_answer_are_passed_over() -> None:
    asked, known, answers = played(("f1", "signup", "attack", "challenge", "x"), ("f2", "signup", "attack", "reject", "x"))
    del known["e0"], answers["e1"]
    found = accounts(asked, known, answers)
    assert (found.attackers, found.at_signup.hits) == (1, 0)
