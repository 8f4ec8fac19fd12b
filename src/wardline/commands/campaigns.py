"""The command of campaigns: accounts found together, acted on together, and taken back together.

wardline campaign find --rule farm_names --hours 24 --as ada
wardline campaign plan 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --do lock --days 7 --as ada
wardline campaign approve 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --as bob
wardline campaign execute 01KAJ5S8ZX4T7Q0M3V9C2R6B1E
wardline campaign undo 01KAJ5S8ZX4T7Q0M3V9C2R6B1E --reason "a school, not a farm" --as bob
"""

import difflib
from typing import Annotated, Any

import typer

from wardline.commands.connection import Client, connect
from wardline.commands.context import Failure, context_of, counted, out, print_json
from wardline.commands.policy import user
from wardline.commands.tables import Sheet

ACTS = ("plan", "approve", "execute", "halt", "undo", "extend")
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("campaign", epilog="Example: wardline campaign find --rule farm_names --hours 24")(campaign)


def campaign(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="find|plan|approve|execute|status|halt|undo|extend")] = "status",
    which: Annotated[str, typer.Argument(help="the campaign's id; with status: nothing for all")] = "",
    rule: Annotated[str, typer.Option("--rule", help="find: accounts whose decisions this rule matched")] = "",
    around: Annotated[str, typer.Option("--around", help="find: accounts that share a device, a phone or an address with this one")] = "",
    having: Annotated[str, typer.Option("--with", help="find: accounts with this key, as device:NAME or ip:192.0.2.7")] = "",
    verdict: Annotated[str, typer.Option("--verdict", help="find: accounts that got this verdict")] = "",
    hindsight: Annotated[str, typer.Option("--hindsight", help="find: accounts whose sign-up has at least this score by now, as 0.5")] = "",
    where: Annotated[str, typer.Option("--where", help="find: accounts with an event for which this condition holds; needs --point")] = "",
    point: Annotated[str, typer.Option("--point", help="find: only events of this type, as signup")] = "",
    hours: Annotated[float, typer.Option("--hours", help="find, extend: how far back")] = 24.0,
    name: Annotated[str, typer.Option("--name", help="find: what to call it")] = "",
    do: Annotated[str, typer.Option("--do", help="plan: what to do, a word that the receiver knows")] = "lock",
    days: Annotated[float, typer.Option("--days", help="plan: when each action ends by itself")] = 7.0,
    join_hours: Annotated[float, typer.Option("--join-hours", help="plan: how long new members join by themselves; 0: not at all")] = 0.0,
    version: Annotated[int, typer.Option("--version", help="approve: the version that you looked at")] = 0,
    members: Annotated[bool, typer.Option("--members", help="status: every member with its evidence")] = False,
    reason: Annotated[str, typer.Option("--reason", help="why, in one sentence")] = "",
    by: Annotated[
        str, typer.Option("--as", help="who acts, for the audit and for the second person; but for approve, nothing: your user name")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document, for machines")] = False,
) -> None:
    """Campaigns: accounts found together with evidence for each, a plan, and one command that takes it all back."""
    seeds = {"rule": rule, "account": around, "key": having, "verdict": verdict, "hindsight": hindsight, "where": where}
    given = [(kind, value) for kind, value in seeds.items() if value]
    with connect(context_of(ctx)) as client:
        if what == "find":
            if len(given) != 1:
                raise Failure("say once what to look for: --rule, --around, --with, --verdict, --hindsight or --where", status=2)
            if rule:
                _known_rule(client, rule)
            seed = {"kind": given[0][0], "value": given[0][1], "point": point, "hours": hours}
            found = client.post("/v1/campaigns", {"seed": seed, "name": name, "by": by or user()})
            _say(found, as_json)
            if not as_json and not found["members"] and not found["apart"]:
                out().print(f"  nobody: no account has a record of the last {hours:g} hours that fits; --hours looks further back")
        elif what == "status":
            _status(client, which, members, as_json)
        elif what in ACTS:
            if not which:
                raise Failure(f"give the id: wardline campaign {what} ID; `wardline campaign status` prints them", status=2)
            # Who approves says so: it may have to be a second person.
            order: dict[str, Any] = {"by": by or ("" if what == "approve" else user()), "reason": reason}
            if what == "plan":
                order |= {"kind": do, "ttl_seconds": int(days * 86_400), "join_hours": join_hours}
            order |= {"version": version} if what == "approve" else {"hours": hours} if what == "extend" else {}
            _say(client.post(f"/v1/campaigns/{which}/{what}", order), as_json, plan=what != "approve")
        else:
            raise Failure("the first word is find, plan, approve, execute, status, halt, undo or extend", status=2)


def _known_rule(client: Client, rule: str) -> None:
    """Failure for a rule that the book does not have: a mistyped name would find nobody, and say so as if it had looked."""
    names = sorted({one["name"] for one in client.get("/v1/rules")["rules"]})
    name = rule.partition("@")[0]
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise Failure(f"--rule: there is no rule {name!r}; {meant}`wardline policy list --all` prints them", status=2)


def _status(client: Client, which: str, members: bool, as_json: bool) -> None:
    if which:
        found = client.get(f"/v1/campaigns/{which}", members=1 if members else "")
        _say(found, as_json)
        for member in [] if as_json else found["listed"]:
            _member(member)
        return
    every = client.get("/v1/campaigns")
    if as_json:
        print_json(every)
        return
    numbers = ("members", "acted", "ended", "reversed")
    sheet = Sheet("id", "status", *numbers, "name", whole=("id", "status"))
    for one in every["campaigns"]:
        sheet.add_row(one["id"], one["status"], *(str(one[number]) for number in numbers), one["name"][:40])
    out().print(sheet if every["campaigns"] else "no campaigns; `wardline campaign find` makes one")


def _say(found: Any, as_json: bool, *, plan: bool = True) -> None:
    if as_json:
        print_json(found)
        return
    say = out().print
    say(f"{found['id']}  {found['name']}: {found['status']}, version {found['version']}")
    if found["halted_because"]:
        say(f"  halted: {found['halted_because']}")
    numbers = (("acted", "acted on"), ("to_do", "to do"), ("ended", "ended"), ("reversed", "reversed"), ("joined", "joined"))
    say(f"  {counted(found['members'], 'member')}, " + ", ".join(f"{found[name]} {said}" for name, said in numbers))
    for why, count in found["apart"].items():
        say(f"  {count} {'stands' if count == 1 else 'stand'} apart: {why}")
    if found["actions"]:
        say("  actions: " + ", ".join(f"{count} {status}" for status, count in found["actions"].items()))
    if found["paused"]:
        say("  enforcement is paused: nothing is begun or sent until `wardline pause --off`")
    if plan and found["plan"] and found["status"] in ("planned", "approved"):
        _plan(found["plan"])


def _plan(plan: Any) -> None:
    say = out().print
    say(
        f"plan of version {plan['version']}: {plan['kind']} {counted(plan['members'], 'account')} for {plan['ttl_seconds'] / 86_400:g} days"
    )
    say("  ages: " + (", ".join(f"{count} {age}" for age, count in plan["ages"].items()) or "none"))
    say(
        f"  established {plan['established']}, paying {plan['paying']}, allow-listed {plan['allow_listed']} (apart), "
        f"reversals in the past {plan['past_reversals']}"
    )
    for why in plan["needs_second"]:
        say(f"  needs a second person: {why}")
    for member in plan["sample"][:SHOWN]:
        _member(member)


def _member(member: Any) -> None:
    evidence = "; ".join(f"{text} ({bits:g} bits)" for _kind, text, bits in member.get("evidence", [])[:3])
    out().print(f"  {member['account']}  {member.get('apart', '')}{': ' if member.get('apart') else ''}{evidence}")
