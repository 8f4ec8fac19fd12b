"""The client for programs on an event loop: see `wardline.client`.

async with AsyncClient("http://127.0.0.1:8080", deadline_seconds=0.2) as wardline:
    answer = await wardline.decide(event("signup", entities={"ip": "192.0.2.7"}))
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self, Unpack

import httpx
import msgspec

from wardline.client.asking import (
    BATCH_SECONDS,
    DECIDE,
    DECIDE_MANY,
    NOTE,
    AskError,
    Asking,
    Budget,
    Keywords,
    Settings,
    batches,
    line_of,
    lines_of,
)
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event


class AsyncClient:
    """Asks one Wardline over HTTP from one event loop; `await close()`, or use `async with`. Settings may be given as keywords, which go before those of `settings`."""

    def __init__(self, url: str, settings: Settings | None = None, **keywords: Unpack[Keywords]) -> None:
        self.settings = msgspec.structs.replace(settings or Settings(), **keywords)
        self._budget = Budget(self.settings.retry_share)
        self._http = httpx.AsyncClient(base_url=url, headers=self.settings.headers(), trust_env=False, follow_redirects=False)

    async def decide(self, what: Event) -> Answer:
        """As `Client.decide`."""
        asking = Asking(what, self.settings, self._budget)
        while True:
            try:
                # The timeouts of httpx are per read; the deadline is for all of it.
                async with asyncio.timeout(asking.left_seconds):
                    response = await self._http.post(DECIDE, content=asking.body, timeout=asking.left_seconds)
            except (httpx.HTTPError, TimeoutError) as error:
                asking.failed(type(error).__name__)
            else:
                asking.answered(response.status_code, response.content, response.headers.get("retry-after"))
            if asking.answer is not None:
                return asking.answer
            await asyncio.sleep(asking.pause_seconds)

    async def note(self, events: Iterable[Event]) -> int:
        """As `Client.note`."""
        count = 0
        for size, lines in batches(events):
            response = await self._http.post(NOTE, content=lines, timeout=BATCH_SECONDS)
            lines_of(response.status_code, response.content)
            count += size
        return count

    async def decide_many(self, events: Iterable[Event]) -> AsyncIterator[Answer | Accepted | AskError]:
        """As `Client.decide_many`."""
        for _size, lines in batches(events):
            response = await self._http.post(DECIDE_MANY, content=lines, timeout=BATCH_SECONDS)
            for line in lines_of(response.status_code, response.content):
                yield line_of(line)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
