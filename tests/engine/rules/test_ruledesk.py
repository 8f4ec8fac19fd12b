"""The rule desk: a rule's whole way from a draft to everyone and back, and everything that stands in its way.

Logins are plain here, without detectors: every verdict that is not the mildest is a rule's.
"""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.engine.deciding import Desk
from tests.engine.deciding import desk as any_desk
from wardline.base.clock import FixedClock
from wardline.commands.workload import plain_login
from wardline.engine.kept import kept_decision
from wardline.engine.rules.ruledesk import Caps, DeskError
from wardline.engine.rules.rulefile import RuleFile, RuleFileError
from wardline.engine.states.snapshot import Snapshots, bring_up

RULE = """
rule: many_outcomes
point: login
owner: ada
expires: 2026-12-31
counters:
  outcomes_ip_1h: {count: login.outcome, by: ip, window: 1h}
when: outcomes_ip_1h >= 3
verdict: challenge
obligations: [{challenge: email, ttl_seconds: 600}]
reason: "{outcomes_ip_1h} attempts ended at this address within an hour."
cases:
  - {given: {outcomes_ip_1h: 3}, expect: hit}
  - {given: {outcomes_ip_1h: 2}, expect: miss}
"""
HERE = {"account": "alice", "ip": "192.0.2.7"}
desk = partial(any_desk, domains=(plain_login(),))


def easy(running: Desk) -> None:
    running.points.desk.caps = Caps(shadow_decisions=2, canary_decisions=2, second_person_share=1.1)


async def to_shadow(running: Desk, text: str = RULE) -> str:
    version = await running.points.desk.put(text.encode(), "r.yaml", actor="ada")
    await running.points.desk.show(version.name, "backtested", {"events": 0, "hit_share": 0.0}, actor="ada")
    await running.points.desk.move(version.name, "shadow", actor="ada")
    return version.name


async def decisions(running: Desk, count: int, name: str, entities: dict[str, str] = HERE) -> None:
    for number in range(count):
        running.clock.advance_us(1_000_000)
        await running.ask("login", f"{name}{number}", entities)


async def test_a_rule_goes_all_the_way_and_back(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        easy(running)
        desk_ = running.points.desk
        for number in range(3):
            await running.ask("login.outcome", f"o{number}", HERE, result="success")
        name = await to_shadow(running)
        await decisions(running, 2, "shadow")
        stored = kept_decision(running.journal.find_id("decision", "shadow1"))  # type: ignore[arg-type]
        # Its counter was computed over history: the outcomes came before the rule.
        assert stored is not None and stored.read["outcomes_ip_1h"] == 3
        assert (stored.verdict, stored.shadow, stored.hits, stored.reasons) == ("allow", (f"{name}@1",), (), ())
        await desk_.move(name, "canary", actor="ada", share=0.999999)
        await decisions(running, 2, "canary")
        await desk_.move(name, "live", actor="ada")
        await decisions(running, 1, "live")
        stored = kept_decision(running.journal.find_id("decision", "live0"))  # type: ignore[arg-type]
        assert stored is not None and (stored.verdict, stored.hits) == ("challenge", (f"{name}@1",))
        assert [reason.text for reason in stored.reasons] == ["3 attempts ended at this address within an hour."]
        await desk_.roll_back(name, actor="ada")
        await decisions(running, 1, "back")
        stored = kept_decision(running.journal.find_id("decision", "back0"))  # type: ignore[arg-type]
        assert stored is not None and (stored.verdict, stored.hits) == ("allow", ()) and "outcomes_ip_1h" not in stored.read
        found = running.points.replay(
            lambda digest: running.points.running_of(running.documents[digest]) if digest in running.documents else None, True, None
        )
        assert (found.replayed, found.different, found.unknown_policy) == (6, 0, 0)
        corrupted = running.points.replay(lambda digest: running.points.running_of(running.documents[digest]), True, 1)
        assert corrupted.different >= 1


async def test_a_restart_finds_the_rule_and_its_counter_as_they_were(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(3):
            await running.ask("login.outcome", f"o{number}", HERE, result="success")
        await to_shadow(running)
        await decisions(running, 2, "a")
        running.journal.flush()
        digests = {name: digest for name, _, digest in running.shard.digests()}
        now_us = running.clock.now_us()
    with desk(tmp_path, FixedClock(now_us)) as again:
        snapshots, journal = Snapshots(again.journal.folder), again.journal
        again.points.declare(snapshots, journal.last_seq)
        bring_up(again.points.states, snapshots, journal.read, journal.last_seq)
        again.points.recovered()
        assert again.points.rulebook.digest() == digests["rulebook"]
        await decisions(again, 1, "b")
        stored = kept_decision(again.journal.find_id("decision", "b0"))  # type: ignore[arg-type]
        assert stored is not None and stored.read["outcomes_ip_1h"] == 3 and stored.shadow == ("many_outcomes@1",)


@pytest.mark.parametrize("stage", ["shadow", "canary", "live"])
async def test_no_step_without_the_evidence_of_the_one_before(tmp_path: Path, stage: str) -> None:
    with desk(tmp_path) as running:
        version = await running.points.desk.put(RULE.encode(), "r.yaml", actor="ada")
        assert version.stage == "tested"
        with pytest.raises(DeskError):
            await running.points.desk.move(version.name, stage, actor="ada")
        assert version.stage == "tested"


@pytest.mark.parametrize("stage", ["", "draft", "shadow", "live", "no_stage"])
async def test_evidence_is_shown_for_tests_and_backtests_alone(tmp_path: Path, stage: str) -> None:
    with desk(tmp_path) as running:
        version = await running.points.desk.put(RULE.encode(), "r.yaml", actor="ada")
        with pytest.raises(DeskError, match="evidence is shown for tested or backtested"):
            await running.points.desk.show(version.name, stage, {}, actor="ada")
        assert set(version.evidence) == {"tested"} and running.journal.last_seq == 2


async def test_time_in_a_stage_is_asked_for(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        name = await to_shadow(running)
        with pytest.raises(DeskError, match="has seen 0 decisions"):
            await running.points.desk.move(name, "canary", actor="ada")


async def test_a_severe_rule_needs_two_people(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        easy(running)
        name = await to_shadow(running, RULE.replace("verdict: challenge", "verdict: reject"))
        await decisions(running, 2, "s")
        await running.points.desk.move(name, "canary", actor="ada", share=0.5)
        await decisions(running, 2, "c")
        version = await running.points.desk.move(name, "live", actor="ada")
        assert (version.stage, version.asked_by) == ("canary", "ada")
        assert (await running.points.desk.move(name, "live", actor="ada")).stage == "canary"
        assert (await running.points.desk.move(name, "live", actor="bob")).stage == "live"


async def test_two_who_promote_at_once_do_it_once(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        easy(running)
        name = await to_shadow(running)
        await decisions(running, 2, "s")
        done = await asyncio.gather(
            *(running.points.desk.move(name, "canary", actor=who, share=0.5, expected="shadow") for who in ("ada", "bob")),
            return_exceptions=True,
        )
        assert sum(isinstance(each, DeskError) for each in done) == 1
        assert "somebody else was faster" in str(next(each for each in done if isinstance(each, DeskError)))


async def test_a_canary_is_sticky_and_acts_on_its_share(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        easy(running)
        text = RULE.replace("when: outcomes_ip_1h >= 3", "when: outcomes_ip_1h >= 0")
        text = text.replace("{given: {outcomes_ip_1h: 2}, expect: miss}", "{given: {}, expect: unknown}")
        name = await to_shadow(running, text)
        await decisions(running, 2, "s")
        running.points.roster._watched.clear()
        await running.points.desk.move(name, "canary", actor="ada", share=0.3)
        acted: dict[str, set[bool]] = {}
        for number in range(300):
            running.clock.advance_us(1_000)
            answer = await running.ask("login", f"c{number}", {"account": f"a{number % 100}", "ip": "192.0.2.7"})
            acted.setdefault(f"a{number % 100}", set()).add(answer.verdict == "challenge")
            running.points.roster._watched.clear()  # it matches everything on purpose
        assert all(len(each) == 1 for each in acted.values())
        assert 15 <= sum(True in each for each in acted.values()) <= 45


async def test_a_rule_that_matches_everything_is_taken_out(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        text = RULE.replace("when: outcomes_ip_1h >= 3", "when: outcomes_ip_1h >= 0")
        text = text.replace("{given: {outcomes_ip_1h: 2}, expect: miss}", "{given: {}, expect: unknown}")
        name = await to_shadow(running, text)
        await decisions(running, 201, "s")
        await asyncio.sleep(0.05)
        version = running.points.rulebook.find(name)
        assert version is not None and version.stage == "quarantined" and "100%" in version.reason


async def test_a_rule_ends_with_its_last_day(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await to_shadow(running)
        for number in range(3):
            await running.ask("login.outcome", f"o{number}", HERE, result="success")
        running.clock.advance_us(40 * 86_400_000_000)
        await decisions(running, 1, "later")
        stored = kept_decision(running.journal.find_id("decision", "later0"))  # type: ignore[arg-type]
        assert stored is not None and stored.shadow == ()


async def test_the_version_before_is_live_again_after_a_rollback(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        easy(running)
        desk_ = running.points.desk
        for text in (RULE, RULE.replace(">= 3", ">= 4").replace("outcomes_ip_1h: 3", "outcomes_ip_1h: 4")):
            name = await to_shadow(running, text)
            number = running.points.rulebook.find(name).number  # type: ignore[union-attr]
            await decisions(running, 2, f"s{number}")
            await desk_.move(name, "canary", actor="ada", share=0.5)
            await decisions(running, 2, f"c{number}")
            await desk_.move(name, "live", actor="ada")
        assert [version.id for version in running.points.rulebook.running()] == ["many_outcomes@2"]
        assert (await desk_.roll_back(name, actor="ada")).id == "many_outcomes@1"
        assert [(version.id, version.stage) for version in running.points.rulebook.running()] == [("many_outcomes@1", "live")]


class Gate:
    """Holds up whoever prepares a rule's counters, as a long history does."""

    def __init__(self, running: Desk) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self.prepare = running.points.desk.prepare
        running.points.desk.prepare = self

    async def __call__(self, file: RuleFile) -> None:
        await self.prepare(file)
        self.reached.set()
        await self.opened.wait()


async def to_backtested(running: Desk, text: str) -> str:
    version = await running.points.desk.put(text.encode(), "r.yaml", actor="ada")
    await running.points.desk.show(version.name, "backtested", {"events": 0, "hit_share": 0.0}, actor="ada")
    return version.name


OTHER = RULE.replace("many_outcomes", "other_rule").replace("outcomes_ip_1h", "others_ip_2h").replace("window: 1h", "window: 2h")


async def test_nobody_waits_for_the_history_of_another_rule(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        desk_ = running.points.desk
        first, second = await to_shadow(running), await to_backtested(running, OTHER)
        gate = Gate(running)
        moving = asyncio.create_task(desk_.move(second, "shadow", actor="ada"))
        await gate.reached.wait()
        # A rollback drops the counters that nothing needs any more: not those that are being made ready.
        assert (await asyncio.wait_for(desk_.roll_back(first, actor="bob"), 5)).stage == "expired"
        assert {"others_ip_2h"} == set(running.points.counters.declarations()) - running.points.shipped
        gate.opened.set()
        assert (await moving).stage == "shadow"
        await decisions(running, 1, "s")
        stored = kept_decision(running.journal.find_id("decision", "s0"))  # type: ignore[arg-type]
        assert stored is not None and stored.read["others_ip_2h"] == 0


async def test_what_changed_during_the_history_stops_the_step(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        desk_ = running.points.desk
        name = await to_backtested(running, RULE)
        gate = Gate(running)
        moving = asyncio.create_task(desk_.move(name, "shadow", actor="ada"))
        await gate.reached.wait()
        await desk_.put(RULE.replace(">= 3", ">= 4").replace("outcomes_ip_1h: 3", "outcomes_ip_1h: 4").encode(), "r.yaml", actor="bob")
        gate.opened.set()
        with pytest.raises(DeskError, match="many_outcomes@1 is not the newest version any more"):
            await moving
        assert [version.stage for version in running.points.rulebook.versions(name)] == ["backtested", "tested"]
        assert set(running.points.counters.declarations()) == running.points.shipped and not desk_.preparing


async def test_a_rollback_takes_effect_before_the_version_before_is_ready(tmp_path: Path) -> None:
    """And who ends the rule meanwhile ends what would come back, too."""
    with desk(tmp_path) as running:
        easy(running)
        desk_ = running.points.desk
        later = RULE.replace("outcomes_ip_1h", "outcomes_ip_2h").replace("window: 1h", "window: 2h")
        for number, text in enumerate((RULE, later), 1):
            name = await to_shadow(running, text)
            await decisions(running, 2, f"s{number}")
            await desk_.move(name, "canary", actor="ada", share=0.5)
            await decisions(running, 2, f"c{number}")
            await desk_.move(name, "live", actor="ada")
        gate = Gate(running)
        returning = asyncio.create_task(desk_.roll_back(name, actor="ada"))
        await gate.reached.wait()
        assert list(running.points.rulebook.running()) == []
        assert (await desk_.expire(name, actor="bob")).stage == "expired"
        gate.opened.set()
        assert (await returning).id == f"{name}@2"
        assert list(running.points.rulebook.running()) == []
        assert set(running.points.counters.declarations()) == running.points.shipped


async def test_two_rules_that_bring_one_name_at_once(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        same, different = (
            RULE.replace("many_outcomes", "same"),
            RULE.replace("many_outcomes", "different").replace("window: 1h", "window: 2h"),
        )
        names = [await to_backtested(running, text) for text in (RULE, same, different)]
        done = await asyncio.gather(*(running.points.desk.move(name, "shadow", actor="ada") for name in names), return_exceptions=True)
        assert [isinstance(each, DeskError) for each in done] == [False, False, True]
        assert "counts something else" in str(done[2])


async def test_a_counter_name_that_means_something_else_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await to_shadow(running)
        other = RULE.replace("many_outcomes", "other_rule").replace("window: 1h", "window: 2h")
        with pytest.raises(DeskError, match="counts something else"):
            await to_shadow(running, other)


async def test_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        with pytest.raises(RuleFileError):
            await running.points.desk.put(b"rule: [", "r.yaml", actor="ada")
        with pytest.raises(DeskError, match="say who you are"):
            await running.points.desk.put(RULE.encode(), "r.yaml", actor=" ")
        for act in (running.points.desk.expire, running.points.desk.roll_back):
            with pytest.raises(DeskError, match="no version"):
                await act("nobody", actor="ada")
        assert running.journal.last_seq == 0


async def test_the_same_text_again_is_no_new_version(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        first = await running.points.desk.put(RULE.encode(), "r.yaml", actor="ada")
        assert await running.points.desk.put(RULE.encode(), "r.yaml", actor="bob") is first
