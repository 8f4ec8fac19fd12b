"""A campaign from its finding to its undo, on a real program; caps and second persons; and everything that goes wrong on the way."""

from typing import Any

import pytest

from tests.review.conftest import City
from wardline.engine.action import ActionError
from wardline.engine.feedback.labelling import Statement
from wardline.review.campaign import UNDO_SOURCE, Campaign, CampaignError, Seed

HOUR_US = 3_600_000_000
FARM = Seed(kind="key", value="device:the farm's", hours=24)
LOCK: dict[str, Any] = {"kind": "lock", "ttl_seconds": 86_400}
WEAK = "too little evidence of its own"


async def planned(city: City, size: int = 12) -> Campaign:
    await city.people(40)
    await city.farm(size)
    campaign = await city.program.campaigns.find(FARM, actor="ada")
    return await city.program.campaigns.plan(campaign.id, actor="ada", **LOCK)


async def executed(city: City, size: int = 12, join_hours: float = 0) -> Campaign:
    campaign, campaigns = await planned(city, size), city.program.campaigns
    await campaigns.plan(campaign.id, actor="ada", **LOCK, join_hours=join_hours)
    await campaigns.approve(campaign.id, actor="bob")
    return await campaigns.execute(campaign.id, actor="ada")


async def say(city: City, account: str, abusive: bool, source: str, reporter: str = "") -> None:
    said = Statement(about={"account": account}, abusive=abusive, source=source, reporter=reporter)
    await city.program.labelling.add(said, keyed=True)


async def turn(city: City, campaign: Campaign) -> None:
    city.program.campaigns._turn = 0
    await city.program.campaigns._continue(campaign)


def stop_after(city: City, count: int) -> None:
    """As `wardline pause` would in the middle."""
    book = city.program.campaignbook
    city.program.campaigns.paused = lambda: any(one.acted_count >= count for one in book.campaigns.values())


async def test_from_finding_to_undo(city: City) -> None:
    campaign = await planned(city)
    assert campaign.plan is not None
    assert (campaign.status, campaign.plan.members, campaign.plan.needs_second) == ("planned", 12, [])
    assert set(campaign.members) == {city.name(f"farm{number}") for number in range(12)}
    evidence = campaign.members[city.name("farm3")].evidence[0]
    assert evidence.kind == "shared.device" and "11 accounts" in evidence.text
    assert len(campaign.plan.sample) == 12 and campaign.plan.ages == {"under a day": 12}
    campaigns, ledger = city.program.campaigns, city.program.ledger
    await campaigns.approve(campaign.id, actor="ada")
    assert not ledger.entries
    await campaigns.execute(campaign.id, actor="ada")
    assert (campaign.status, campaign.acted_count, len(ledger.entries)) == ("executed", 12, 12)
    entry = ledger.entries[campaign.members[city.name("farm3")].action_id]
    assert (entry.status, entry.action.cause.cap, entry.action.parameters) == ("requested", "campaign:key", {"event_id": "e44"})
    await campaigns.execute(campaign.id, actor="bob")
    assert len(ledger.entries) == 12  # again: nothing twice
    await campaigns.undo(campaign.id, actor="bob", reason="a school")
    await campaigns.undo(campaign.id, actor="ada")
    assert campaign.status == "undone" and all(one.ended and not one.reversed for one in campaign.acted())
    shown = city.program.metrics.render().decode()
    assert "what a campaign's own undo ends is not among them\n" in shown and "wardline_campaign_reversals 0.0" in shown
    assert {entry.status for entry in ledger.entries.values()} == {"ending"}
    labels = city.program.labelling.history({"account": "farm3"})
    assert [(label.source, label.abusive) for label in labels] == [(UNDO_SOURCE, False)]


async def test_the_state_is_what_its_records_make_it(city: City) -> None:
    campaign = await executed(city)
    await city.program.campaigns.undo(campaign.id, actor="bob")
    digest = city.program.campaignbook.digest()
    fresh = type(city.program.campaignbook)()
    for record in city.program.journal.read(1):
        fresh.apply(record)
    assert fresh.digest() == digest
    await city.restart()
    assert city.program.campaignbook.digest() == digest


async def test_more_than_one_person_may_decide_needs_a_second(city: City) -> None:
    campaign, campaigns = await planned(city, 101), city.program.campaigns
    assert campaign.plan is not None
    assert any("101 accounts" in why for why in campaign.plan.needs_second)
    with pytest.raises(CampaignError, match="you planned it"):
        await campaigns.approve(campaign.id, actor="ada")
    with pytest.raises(CampaignError, match="say who you are"):
        await campaigns.approve(campaign.id, actor="socket")
    await campaigns.approve(campaign.id, actor="bob")
    await campaigns.execute(campaign.id, actor="ada")
    statuses = [entry.status for entry in city.program.ledger.entries.values()]
    assert statuses == ["requested"] * 101  # a second person said yes to all of them: none is held


async def test_established_accounts_need_a_second_person(city: City) -> None:
    await city.event("signup", "farm0", device="an old one")
    city.clock.advance_us(40 * 24 * HOUR_US)
    campaign = await planned(city)
    assert campaign.plan is not None
    assert campaign.plan.established == 1 and any("older than 30 days" in why for why in campaign.plan.needs_second)


async def test_accounts_that_pay_need_a_second_person(city: City) -> None:
    await city.event("signup", "farm0", device="the farm's", fields={"payment": "card"})
    campaign = await planned(city)
    assert campaign.plan is not None
    assert campaign.plan.paying == 1 and campaign.plan.needs_second == ["1 of them pay"]


async def test_many_actions_of_one_detector_within_the_hour_need_a_second_person(city: City) -> None:
    """Each campaign is small; together they are many, and what one search does within an hour is capped however it is cut."""
    await city.people(40)
    campaigns = city.program.campaigns
    for number in range(2):
        await city.farm(60, f"farm{number}x", f"device {number}")
        campaign = await campaigns.find(Seed(kind="key", value=f"device:device {number}"), actor="ada")
        await campaigns.plan(campaign.id, actor="ada", **LOCK)
        assert campaign.plan is not None
        assert [why.partition(" of this detector")[0] for why in campaign.plan.needs_second] == ([] if number == 0 else ["60 actions"])
        if number == 0:
            await campaigns.approve(campaign.id, actor="ada")
            await campaigns.execute(campaign.id, actor="ada")
    with pytest.raises(CampaignError, match="a second person"):
        await campaigns.approve(campaign.id, actor="ada")
    city.clock.advance_us(HOUR_US)
    await campaigns.plan(campaign.id, actor="ada", **LOCK)
    assert campaign.plan is not None and not campaign.plan.needs_second


async def test_what_nobody_else_approved_meets_the_ledgers_own_cap(city: City) -> None:
    """Two plans that one person approved before either ran: the second waits, action by action, for somebody else."""
    await city.people(40)
    campaigns, found = city.program.campaigns, []
    for number in range(2):
        await city.farm(60, f"farm{number}x", f"device {number}")
        campaign = await campaigns.find(Seed(kind="key", value=f"device:device {number}"), actor="ada")
        await campaigns.plan(campaign.id, actor="ada", **LOCK)
        await campaigns.approve(campaign.id, actor="ada")
        found.append(campaign.id)
    for campaign_id in found:
        await campaigns.execute(campaign_id, actor="ada")
    statuses = [entry.status for entry in city.program.ledger.entries.values()]
    assert (statuses.count("requested"), statuses.count("held")) == (100, 20)
    held = next(entry for entry in city.program.ledger.entries.values() if entry.status == "held")
    with pytest.raises(ActionError, match="a second person"):
        await city.program.enforcement.approve(held.action.id, actor="ada")
    await campaigns.undo(found[1], actor="ada")
    assert all(member.ended for member in campaigns.get(found[1]).acted())


async def test_many_behind_one_address_stand_apart(city: City) -> None:
    for number in range(30):
        await city.event("signup", f"neighbour{number}", ip="192.0.2.7", device=f"own {number}")
    campaigns = city.program.campaigns
    campaign = await campaigns.find(Seed(kind="key", value="ip:192.0.2.7"), actor="ada")
    assert {one.apart for one in campaign.members.values()} == {WEAK}
    with pytest.raises(CampaignError, match="nobody is left"):
        await campaigns.plan(campaign.id, actor="ada", **LOCK)


async def test_a_family_on_one_device_stands_apart(city: City) -> None:
    await city.people(200)
    await city.farm(4, "family", "the tablet")
    campaign = await city.program.campaigns.find(Seed(kind="key", value="device:the tablet"), actor="ada")
    assert len(campaign.members) == 4 and {one.apart for one in campaign.members.values()} == {WEAK}


@pytest.mark.parametrize(
    ("source", "abusive", "spared"),
    [("desk", False, True), ("stranger", False, False)],
    ids=["the desk cleared it", "one outside source cleared it"],
)
async def test_labels_that_clear(city: City, source: str, abusive: bool, spared: bool) -> None:
    campaign, campaigns = await planned(city), city.program.campaigns
    await campaigns.approve(campaign.id, actor="ada")
    await say(city, "farm3", abusive, source)  # after the plan: looked at again before each action
    await campaigns.execute(campaign.id, actor="ada")
    assert (campaign.members[city.name("farm3")].apart == "labelled not abusive") == spared
    assert campaign.acted_count == (11 if spared else 12) and campaign.status == "executed"


async def test_reports_alone_are_never_enough(city: City) -> None:
    """A flood from one outside source says nothing; the desk's own word is evidence, and still not enough by itself."""
    await city.people(40)
    for number in range(30):
        await say(city, "person1", True, "stranger", str(number))
    await say(city, "person3", True, "desk")
    campaign = await city.program.campaigns.find(Seed(kind="verdict", value="allow", point="signup"), actor="ada")
    assert {one.apart for one in campaign.members.values()} == {WEAK}
    assert [one.kind for one in campaign.members[city.name("person1")].evidence] == []
    assert [one.kind for one in campaign.members[city.name("person3")].evidence] == ["label"]


async def test_the_allow_list_and_past_reversals(city: City) -> None:
    await city.program.office.add_entry(
        list_name="allow", kind="user", value=city.name("farm1"), owner="ada", reason="a tester", ttl_days=None, actor="ada"
    )
    campaign = await executed(city)
    await city.program.enforcement.undo(campaign.members[city.name("farm2")].action_id, actor="eve")
    again = await city.program.campaigns.find(FARM, actor="ada")
    assert again.members[city.name("farm1")].apart == "on the allow list"
    assert again.members[city.name("farm2")].apart == "taken back before"


async def test_members_change_while_it_runs(city: City) -> None:
    """What runs keeps its version; who is new waits for a plan of its own."""
    campaign, campaigns = await planned(city), city.program.campaigns
    await campaigns.approve(campaign.id, actor="ada")
    await city.farm(5, "late")
    await campaigns.extend(campaign.id, actor="ada")
    assert (campaign.version, campaign.status) == (2, "found")  # a plan of another version: it is to be looked at anew
    with pytest.raises(CampaignError, match="found"):
        await campaigns.execute(campaign.id, actor="ada")
    await campaigns.plan(campaign.id, actor="ada", **LOCK)
    with pytest.raises(CampaignError, match="version 1 is not"):
        await campaigns.approve(campaign.id, actor="ada", version=1)
    await campaigns.approve(campaign.id, actor="ada", version=2)
    await campaigns.execute(campaign.id, actor="ada")
    assert campaign.acted_count == 17
    await city.farm(3, "later")
    await campaigns.extend(campaign.id, actor="ada")
    assert (campaign.version, campaign.status, len(campaign.to_do())) == (3, "executed", 0)


async def test_undo_after_a_partial_execution_and_a_restart(city: City) -> None:
    campaign = await planned(city)
    await city.program.campaigns.approve(campaign.id, actor="bob")
    stop_after(city, 5)
    await city.program.campaigns.execute(campaign.id, actor="ada")
    assert (campaign.status, campaign.acted_count) == ("executing", 5)
    await city.restart()
    campaigns = city.program.campaigns
    campaign = campaigns.get(campaign.id)
    assert (campaign.status, campaign.acted_count) == ("executing", 5)
    await campaigns.undo(campaign.id, actor="bob")
    assert campaign.status == "undone" and sum(one.ended for one in campaign.members.values()) == 5
    with pytest.raises(CampaignError, match="undone"):
        await campaigns.execute(campaign.id, actor="ada")


async def test_after_a_crash_between_ledger_and_webhook_nothing_is_done_twice(city: City) -> None:
    campaign = await planned(city)
    await city.program.campaigns.approve(campaign.id, actor="bob")
    stop_after(city, 7)
    await city.program.campaigns.execute(campaign.id, actor="ada")
    assert city.program.ledger.waiting() == 7
    await city.restart()
    assert city.program.ledger.waiting() == 7  # the outbox has them still
    campaign = await city.program.campaigns.execute(campaign.id, actor="ada")
    assert (campaign.status, campaign.acted_count, len(city.program.ledger.entries)) == ("executed", 12, 12)


async def test_an_undo_goes_on_after_a_restart(city: City) -> None:
    campaign = await executed(city)
    campaigns = city.program.campaigns
    campaigns.labelling.per_hour = 5  # the labels meet the limit of a source
    with pytest.raises(CampaignError, match="everybody is restored, the labels wait"):
        await campaigns.undo(campaign.id, actor="bob")
    assert campaign.status == "undoing" and all(one.ended for one in campaign.acted())
    await city.restart()
    campaign = city.program.campaigns.get(campaign.id)
    await turn(city, campaign)
    assert campaign.status == "undone"
    assert all(len(city.program.labelling.history(name)) == 1 for name in campaign.members)


async def test_an_appeal_wave_stops_it(city: City) -> None:
    campaign = await executed(city, 40)
    for number in range(10):
        assert campaign.status == ("executed" if number < 4 else "halted")
        await say(city, f"farm{number}", False, "desk")
    assert campaign.reversed_count == 10 and "4 of 40 members" in campaign.halted_because
    assert campaign.members[city.name("farm1")].ended  # the person is let go at once, the others wait for somebody's decision
    assert not campaign.members[city.name("farm30")].ended
    await city.program.campaigns.plan(campaign.id, actor="ada", **LOCK, join_hours=1)
    assert campaign.plan is not None and "10 of its members were taken back" in campaign.plan.needs_second


async def test_a_flood_of_outside_labels_stops_nothing(city: City) -> None:
    campaign = await executed(city, 40)
    for number in range(40):
        await say(city, f"farm{number}", False, "stranger")
    assert (campaign.status, campaign.reversed_count) == ("executed", 0)


async def test_actions_taken_back_one_by_one_count_as_reversals(city: City) -> None:
    campaign = await executed(city)
    for number in range(3):
        await city.program.enforcement.undo(campaign.members[city.name(f"farm{number}")].action_id, actor="eve")
    await turn(city, campaign)
    assert (campaign.status, campaign.reversed_count) == ("halted", 3)


async def test_new_members_join_by_the_standing_rule(city: City) -> None:
    campaign = await executed(city, join_hours=2)
    await city.farm(2, "new")
    await city.people(5, "other")
    await turn(city, campaign)
    assert (campaign.joined, campaign.acted_count) == (2, 14)
    assert city.name("other1") not in campaign.members
    await city.restart()
    campaign = city.program.campaigns.get(campaign.id)
    await city.farm(9, "flood")
    await turn(city, campaign)
    await turn(city, campaign)
    assert campaign.joined == 6 and campaign.join is None  # half of the plan, no more without a person


async def test_the_standing_rule_expires(city: City) -> None:
    campaign = await executed(city, join_hours=2)
    city.clock.advance_us(3 * HOUR_US)
    await city.farm(2, "new")
    await turn(city, campaign)
    assert (campaign.joined, campaign.join) == (0, None)


async def test_two_operators(city: City) -> None:
    campaign, campaigns = await planned(city), city.program.campaigns
    await campaigns.approve(campaign.id, actor="ada")
    with pytest.raises(CampaignError, match="approved"):
        await campaigns.approve(campaign.id, actor="bob")
    with pytest.raises(CampaignError, match="planned and approved"):
        await campaigns.plan(campaign.id, actor="bob", **LOCK)
    await campaigns.halt(campaign.id, actor="bob", reason="wait")
    with pytest.raises(CampaignError, match="halted"):
        await campaigns.execute(campaign.id, actor="ada")
    assert not city.program.ledger.entries


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (Seed(kind="moon", value="x"), "choose account"),
        (Seed(kind="rule", value=""), "missing"),
        (Seed(kind="rule", value="x", hours=0), "how far back"),
        (Seed(kind="where", value="form_ms < 10"), "needs the decision point"),
        (Seed(kind="where", value="form_msec < 10", point="signup"), "where: "),
        (Seed(kind="verdict", value="reject", point="moon"), "decides nothing"),
        (Seed(kind="hindsight", value="1"), "least score"),
        (Seed(kind="hindsight", value="much"), "least score"),
        (Seed(kind="key", value="moon:x"), "entity is needed"),
        (Seed(kind="account", value="device:x"), "entity is needed"),
    ],
)
async def test_seeds_that_cannot_be(city: City, seed: Seed, error: str) -> None:
    with pytest.raises(CampaignError, match=error):
        await city.program.campaigns.find(seed, actor="ada")


async def test_an_id_that_nobody_has_and_a_plan_of_nobody(city: City) -> None:
    campaigns = city.program.campaigns
    with pytest.raises(CampaignError, match="no campaign"):
        await campaigns.undo("moon", actor="ada")
    campaign = await campaigns.find(Seed(kind="rule", value="nobody"), actor="ada")
    assert not campaign.members
    with pytest.raises(CampaignError, match="nobody is left"):
        await campaigns.plan(campaign.id, actor="ada", **LOCK)
    with pytest.raises(CampaignError, match="ttl_seconds"):
        await campaigns.plan(campaign.id, actor="ada", kind="lock", ttl_seconds=0)


async def test_a_clock_an_hour_off(city: City) -> None:
    """It went back after the farm was made: the farm is found, nobody becomes old, and nothing ends at once."""
    await city.people(40)
    await city.farm(12)
    city.clock._now_us -= HOUR_US
    campaigns = city.program.campaigns
    campaign = await campaigns.find(FARM, actor="ada")
    await campaigns.plan(campaign.id, actor="ada", **LOCK)
    assert campaign.plan is not None and campaign.plan.ages == {"under a day": 12} and not campaign.plan.established
    await campaigns.approve(campaign.id, actor="ada")
    await campaigns.execute(campaign.id, actor="ada")
    assert campaign.acted_count == 12 and city.program.enforcement.expire_due() == 0


@pytest.mark.parametrize("kind", ["account", "where"])
async def test_other_seeds(city: City, kind: str) -> None:
    await city.people(40)
    await city.farm(12)
    device = city.program.pseudonyms.of("device", "the farm's")
    seeds = {
        "account": Seed(kind="account", value="farm0"),
        "where": Seed(kind="where", value=f'device == "{device}"', point="signup"),
    }
    campaign = await city.program.campaigns.find(seeds[kind], actor="ada")
    assert {name for name, one in campaign.members.items() if not one.apart} == {city.name(f"farm{number}") for number in range(12)}


async def test_the_first_of_a_series_are_listed_with_what_came_after_them_and_strangers_are_not(city: City) -> None:
    """Nobody of them has come back yet: a sleeper is listed before it wakes, where its sign-up fell within the hours that are looked at."""
    for number in range(220):
        fields = {"username": f"person{'abcdefghij'[number % 10]}{number * 7919}", "email": f"p{number}@mail{number % 9}.example"}
        await city.event("signup", f"person{number}", fields, device=f"device {number}")
    early = [await city.event("signup", f"sleeper{number}", {"username": f"quietly{number}"}, phone="+431") for number in range(2)]
    assert [answer.verdict for answer in early] == ["allow", "allow"]
    city.clock.advance_us(30 * HOUR_US)
    for number in range(2, 14):
        city.clock.advance_us(HOUR_US)
        await city.event("signup", f"sleeper{number}", {"username": f"quietly{number}"}, phone="+431")
    campaigns = city.program.campaigns
    found = await campaigns.find(Seed(kind="hindsight", value="0.5", hours=72), actor="ada")
    members = {name: one for name, one in found.members.items() if not one.apart}
    assert {city.name("sleeper0"), city.name("sleeper1")} <= set(members) <= {city.name(f"sleeper{number}") for number in range(14)}
    kinds = [one.kind for one in members[city.name("sleeper0")].evidence]
    assert "hindsight" in kinds and "shared.phone" in kinds and members[city.name("sleeper0")].event_id
    assert not {city.name(f"person{number}") for number in range(220)} & set(found.members)
    lately = await campaigns.find(Seed(kind="hindsight", value="0.5", hours=24), actor="ada")
    assert city.name("sleeper0") not in lately.members
    campaigns.looks = None
    assert not (await campaigns.find(Seed(kind="hindsight", value="0.5", hours=72), actor="ada")).members
    await city.event("login", "sleeper1")
    again = await campaigns.find(Seed(kind="hindsight", value="0.5", hours=72), actor="ada")
    assert set(again.members) == {city.name("sleeper1")}  # a decision saw it
