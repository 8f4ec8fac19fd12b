"""A program with a farm in it: sign-ups played through the real door, on a clock that the test moves."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wardline.app import Program
from wardline.base.clock import FixedClock
from wardline.base.config import Config
from wardline.engine.event import Event

NOW_US = 1_795_253_400_000_000


class City:
    """Sign-ups of ordinary people and of farms."""

    def __init__(self, open_program: Callable[[FixedClock], Program]) -> None:
        self.open = open_program
        self.clock = FixedClock(NOW_US)
        self.program = open_program(self.clock)
        self.count = 0

    async def restart(self) -> None:
        await self.program.close()
        self.program = self.open(self.clock)

    async def event(self, type: str, account: str, fields: dict[str, Any] | None = None, **entities: str) -> Any:
        self.count += 1
        given = {"account": account, "ip": f"198.51.{self.count % 100}.{self.count % 250}", **entities}
        at = datetime.fromtimestamp(self.clock.now_us() / 1e6, UTC)
        told = {"user_agent": f"agent {self.count}", **(fields or {})}
        event = Event(id=f"e{self.count}", type=type, occurred_at=at, received_at=at, entities=given, fields=told)
        door = next(door for door in self.program.points.doors if type in door.types)
        return await door.admit(event)

    async def people(self, count: int, name: str = "person") -> None:
        for number in range(count):
            await self.event("signup", f"{name}{number}", device=f"{name} device {number}")

    async def farm(self, count: int, name: str = "farm", device: str = "the farm's") -> None:
        for number in range(count):
            await self.event("signup", f"{name}{number}", device=device)

    def name(self, account: str) -> str:
        return self.program.pseudonyms.of("account", account)


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    made = City(lambda clock: Program.open(tmp_path / "data", Config(), starter=False, clock=clock))
    yield made
    await made.program.close()
