"""A campaign of 10,000 accounts: seconds to find, to plan, to execute and to undo it, on a program with a journal on the disk.

    python benchmarks/campaigns.py --accounts 10000 --people 20000

The accounts sign up through the decision point as the HTTP door uses it; then every act of the campaigns' desk is timed, durable when it returns: seconds
that passed, and processor time of the whole process.
There is no receiver: the outbox keeps what is to be told. One process, one event loop.
"""

import argparse
import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wardline.app import Program
from wardline.base.config import Config
from wardline.engine.event import Event
from wardline.review.campaign import Seed


async def play(program: Program, farm: int, people: int) -> None:
    """Sign-ups: a farm on ten devices, and people with a device each."""
    door = next(door for door in program.points.doors if "signup" in door.types)
    last = None
    for number in range(farm + people):
        bad = number < farm
        entities = {
            "account": f"{'farm' if bad else 'person'}{number}",
            "ip": f"{198 if bad else 203}.{number // 65_536}.{number // 256 % 256}.{number % 256}",
            "device": f"farm {number % 10}" if bad else f"device {number}",
        }
        now = datetime.now(UTC)
        if number % 512 == 0:
            if last is not None:
                await last
            await program.journal.room()
        fields = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "form_ms": 400 if bad else 9_000}
        last = door.admit(Event(id=f"e{number}", type="signup", occurred_at=now, received_at=now, entities=entities, fields=fields))
    if last is not None:
        await last


async def measure(folder: Path, accounts: int, people: int) -> dict[str, Any]:
    """Seconds of each act."""
    program = Program.open(folder, Config(), starter=False)
    figures: dict[str, Any] = {"accounts": accounts, "people": people}

    async def timed(name: str, act: Any) -> Any:
        started, busy = time.perf_counter(), time.process_time()
        result = await act
        figures[f"{name}_seconds"] = round(time.perf_counter() - started, 2)
        figures[f"{name}_cpu_seconds"] = round(time.process_time() - busy, 2)
        return result

    await timed("sign_ups", play(program, accounts, people))
    desk = program.campaigns
    campaign = await timed("find", desk.find(Seed(kind="where", value="form_ms < 1000", point="signup"), actor="ada"))
    await timed("plan", desk.plan(campaign.id, actor="ada", kind="lock", ttl_seconds=86_400))
    assert campaign.plan is not None
    figures["members"] = campaign.plan.members
    await desk.approve(campaign.id, actor="bob")
    await timed("execute", desk.execute(campaign.id, actor="ada"))
    await timed("undo", desk.undo(campaign.id, actor="bob"))
    figures["restored"] = sum(one.ended for one in campaign.acted())
    await program.close()
    started = time.perf_counter()
    program = Program.open(folder, Config(), starter=False)
    figures["restart_seconds"] = round(time.perf_counter() - started, 2)
    assert program.campaigns.get(campaign.id).status == "undone"
    await program.close()
    return figures


def main() -> None:
    """Run and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(Path(folder) / "data", given.accounts, given.people))))


if __name__ == "__main__":
    main()
