"""The roster and what runs: compiled when the book changes, when a rule ends, and never in half; a rule that does not compile is left out."""

import pytest

from wardline.engine.decision import Decision
from wardline.engine.policy import parse_policy
from wardline.engine.rules.roster import ALARM_DECISIONS, Post, Roster, running_of
from wardline.engine.rules.rulebook import Evidence, RuleAct, Rulebook
from wardline.engine.rules.running import Acting, Running

POLICY = """
point: login
version: 3
verdicts: [allow, limit, challenge, hold, reject]
on_detector_error: hold
lines: []
"""
NAMES = {"account": "text", "failures": "number", "score": "number", "log_odds": "number", "failed": "list"}


def rule(name: str, when: str = "failures > 3", verdict: str = "challenge", expires: str = "2027-01-01") -> str:
    return (
        f"rule: {name}\npoint: login\nowner: ada\nexpires: {expires}\nwhen: {when}\nverdict: {verdict}\n"
        f'obligations: [{{challenge: {name}}}]\nreason: "{{failures}} failures."\n'
    )


@pytest.fixture
def kept() -> dict[str, bytes]:
    return {}


def roster(book: Rulebook, kept: dict[str, bytes]) -> Roster:
    return Roster(book, {"login": Post(parse_policy(POLICY.encode(), NAMES, "test"), POLICY, NAMES)}, kept.__setitem__)


def run(book: Rulebook, name: str, text: str, stage: str, share: float = 0.0, **evidence: float) -> None:
    number = len(book.rules.get(name, [])) + 1
    seq = book.applied_seq
    book.absorb(seq + 1, RuleAct(op="rule.put", actor="a", point="login", value=name, version=number, text=text))
    found = Evidence(at_us=0, actor="a", figures=dict(evidence))
    book.absorb(seq + 2, RuleAct(op="rule.stage", actor="a", value=name, version=number, stage=stage, share=share, evidence=found))


def test_live_rules_act_and_the_severest_verdict_counts(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "mild", rule("mild"), "live")
    run(book, "hard", rule("hard", verdict="hold"), "live")
    run(book, "watch", rule("watch", verdict="reject"), "shadow")
    said = roster(book, kept).at("login", 0).apply({"account": "a", "failures": 4})
    assert (said.verdict, said.hits, said.shadow) == ("hold", ("hard@1", "mild@1"), ("watch@1",))
    assert [reason.text for reason in said.reasons] == ["4 failures.", "4 failures."]
    assert said.obligations == [{"challenge": "hard"}, {"challenge": "mild"}]


def test_a_trial_takes_the_place_of_the_live_version_for_its_share(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "one", rule("one", verdict="limit"), "live")
    run(book, "one", rule("one", verdict="hold"), "canary", share=0.5)
    running = roster(book, kept).at("login", 0)
    said = {account: running.apply({"account": account, "failures": 9}) for account in map(str, range(200))}
    tried = [each for each in said.values() if each.hits == ("one@2",)]
    others = [each for each in said.values() if each.hits == ("one@1",)]
    assert len(tried) + len(others) == 200 and 60 < len(tried) < 140
    assert {each.verdict for each in tried} == {"hold"} and {each.shadow for each in tried} == {("one@1",)}
    assert {each.verdict for each in others} == {"limit"} and {each.shadow for each in others} == {("one@2",)}
    assert running.apply({"failures": 9}).hits == ("one@1",)  # who has no account is in no share


def test_a_larger_share_keeps_whom_the_smaller_one_had(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "one", rule("one"), "canary", share=0.1)
    file = roster(book, kept).check(rule("one").encode(), "r")
    small, large = Acting("one@1", "canary", 0.1, file), Acting("one@1", "canary", 0.3, file)
    chosen = [account for account in map(str, range(500)) if small.chosen({"account": account})]
    assert chosen and all(large.chosen({"account": account}) for account in chosen)


def test_what_a_digest_stands_for_is_kept_and_read_back(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    first = roster(book, kept)
    empty = first.at("login", 0)
    run(book, "one", rule("one"), "live")
    full = first.at("login", 0)
    assert {empty.digest, full.digest} == set(kept)
    again = running_of(kept[full.digest], first)
    values = {"account": "a", "failures": 9}
    assert again.digest == full.digest and again.apply(values) == full.apply(values)


def test_nothing_is_compiled_while_nothing_changes(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "one", rule("one", expires="1970-01-02"), "live")
    found = roster(book, kept)
    day_us = 86_400_000_000
    assert found.at("login", 0) is found.at("login", 2 * day_us - 1)
    assert found.at("login", 0).acting and not found.at("login", 2 * day_us).acting


def test_an_act_that_changes_nothing_that_runs_compiles_nothing(kept: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    book = Rulebook()
    run(book, "one", rule("one"), "live")
    found = roster(book, kept)
    running = found.at("login", 0)
    monkeypatch.setattr(found, "check", lambda text, source: pytest.fail(f"{source} was checked again"))
    book.absorb(9, RuleAct(op="rule.put", actor="a", point="login", value="two", version=1, text=rule("two")))
    evidence = Evidence(at_us=0, actor="a", figures={"hit_share": 0.5})
    book.absorb(10, RuleAct(op="rule.evidence", actor="a", value="one", version=1, stage="backtested", evidence=evidence))
    assert found.at("login", 0) is running and len(kept) == 1
    version = book.find("one")
    assert version is not None and found.file(version) is found.file(version)


def test_a_rule_that_does_not_compile_any_more_is_left_out_and_named(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "gone", rule("gone", when="a_value_of_yesterday > 1"), "live")
    run(book, "good", rule("good"), "live")
    found = roster(book, kept)
    assert found.at("login", 0).apply({"failures": 9}).hits == ("good@1",)
    assert "a_value_of_yesterday" in found.faults["gone@1"]


def decision(*hits: str, broken: tuple[str, ...] = ()) -> Decision:
    return Decision(verdict="allow", score=0.0, log_odds=0.0, reasons=(), policy="login@3", line="", hits=hits, broken=broken)


@pytest.mark.parametrize(
    ("expected", "every", "alarmed"), [(0.0, 1, True), (0.0, 2, True), (0.0, 3, False), (0.2, 1, True), (0.3, 1, False)]
)
def test_a_rule_alarms_when_it_matches_far_more_than_its_evidence_said(
    kept: dict[str, bytes], expected: float, every: int, alarmed: bool
) -> None:
    book = Rulebook()
    run(book, "one", rule("one"), "live", hit_share=expected)
    found = roster(book, kept)
    found.at("login", 0)
    said = [found.alarmed("login", decision(*(("one@1",) if number % every == 0 else ()))) for number in range(ALARM_DECISIONS)]
    assert bool(said[-1]) is alarmed and not any(said[:-1])


def test_a_rule_that_raises_is_named_at_once(kept: dict[str, bytes]) -> None:
    found = roster(Rulebook(), kept)
    found.at("login", 0)
    assert [id for id, _ in found.alarmed("login", decision(broken=("one@1",)))] == ["one@1"]


def test_two_rules_may_give_one_field_different_kinds(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    run(book, "one", rule("one", "field.plan > 5") + "fields: {plan: number}\n", "live")
    run(book, "two", rule("two", 'field.plan == "free"') + "fields: {plan: text}\n", "live")
    running = roster(book, kept).at("login", 0)
    assert running.apply({"field.plan": 6}).hits == ("one@1",)
    assert running.apply({"field.plan": "free"}).hits == ("two@1",)


def test_rules_that_cost_too_much_together_are_left_out_the_watching_ones_first(kept: dict[str, bytes]) -> None:
    book = Rulebook()
    dear = " or ".join(["any_of(field.flags, ['a'])"] * 40)
    for number in range(84):
        run(book, f"dear_{number:02}", rule(f"dear_{number:02}", f"failures > 3 or {dear}") + "fields: {flags: list}\n", "shadow")
    run(book, "zeal", rule("zeal"), "live")
    found = roster(book, kept)
    said = found.at("login", 0).apply({"failures": 4})
    assert said.hits == ("zeal@1",) and len(said.shadow) == 82
    assert list(found.faults) == ["dear_82@1", "dear_83@1"]
    assert "cost more than 20000 comparisons" in found.faults["dear_83@1"]


def test_running_without_rules_says_nothing() -> None:
    said = Running(parse_policy(POLICY.encode(), NAMES, "test"), POLICY, []).apply({"failures": 9})
    assert (said.verdict, said.hits, said.shadow) == ("", (), ())
