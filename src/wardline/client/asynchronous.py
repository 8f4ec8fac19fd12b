"""The client for programs on an event loop: see `wardline.client`.

async with AsyncClient("http://127.0.0.1:8080", deadline_seconds=0.2) as wardline:
    answer = await wardline.decide(event("signup", entities={"ip": "192.0.2.7"}))
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

import httpx

from wardline.client.asking import AGAIN, LINES_AT_ONCE, AskError, Budget, Plan, Settings, answer_of, encode, line_of, refusal, unanswered
from wardline.client.synchronous import BATCH_SECONDS
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event


class AsyncClient:
    """Asks one Wardline over HTTP from one event loop; `await close()`, or use `async with`. Settings may be given as keywords."""

    def __init__(self, url: str, settings: Settings | None = None, **keywords: float | str) -> None:
        self.settings = settings or Settings(**keywords)  # type: ignore[arg-type]
        self._budget = Budget(self.settings.retry_share)
        self._http = httpx.AsyncClient(base_url=url, headers=self.settings.headers(), trust_env=False, follow_redirects=False)

    async def decide(self, what: Event) -> Answer:
        """As `Client.decide`."""
        plan = Plan(self.settings, self._budget)
        body, why = encode(what), ""
        while True:
            asked = None
            try:
                # The timeouts of httpx are per read; the deadline is for all of it.
                async with asyncio.timeout(plan.left_seconds):
                    response = await self._http.post("/v1/decide", content=body, timeout=plan.left_seconds)
                if response.status_code == 200:
                    return answer_of(response.content)
                if response.status_code not in AGAIN and response.status_code < 500:
                    raise refusal(response.status_code, response.content)
                why, asked = f"status {response.status_code}", response.headers.get("retry-after")
            except (httpx.HTTPError, TimeoutError) as error:
                why = type(error).__name__
            pause = plan.pause_seconds(asked)
            if pause is None:
                return unanswered(what, self.settings, why)
            await asyncio.sleep(pause)

    async def note(self, events: Iterable[Event]) -> int:
        """As `Client.note`."""
        count, rest = 0, iter(events)
        while chunk := list(itertools.islice(rest, LINES_AT_ONCE)):
            response = await self._http.post("/v1/events", content=b"\n".join(map(encode, chunk)), timeout=BATCH_SECONDS)
            if response.status_code != 200:
                raise refusal(response.status_code, response.content)
            count += len(chunk)
        return count

    async def decide_many(self, events: Iterable[Event]) -> AsyncIterator[Answer | Accepted | AskError]:
        """As `Client.decide_many`."""
        rest = iter(events)
        while chunk := list(itertools.islice(rest, LINES_AT_ONCE)):
            response = await self._http.post("/v1/decide/batch", content=b"\n".join(map(encode, chunk)), timeout=BATCH_SECONDS)
            if response.status_code != 200:
                raise refusal(response.status_code, response.content)
            for line in response.content.splitlines():
                yield line_of(line)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
