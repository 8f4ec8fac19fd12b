"""The city at a real door: what is sent is decided, and everybody acts on the verdict.

    door = LiveDoor("http://127.0.0.1:8080")
    found(plan, door)

One connection, events in their order, through /v1/decide/batch: whatever has happened since the last verdict that somebody waited for travels in one
request. An event that the door refuses is counted and told, and its sender goes on as if let in. Raises DoorLost when nobody answers.
"""

from typing import Any

import httpx
import msgspec

BATCH_SECONDS = 120.0
KEPT_VERDICTS = 4096
ERRORS_SHOWN = 5


class DoorLost(Exception):
    """The door does not answer: where, and what to do."""


class LiveDoor:
    """See the module. url: where Wardline listens; api_key: sent as a bearer token."""

    def __init__(self, url: str, api_key: str = "") -> None:
        headers = {"content-type": "application/x-ndjson"}
        if api_key:
            headers["authorization"] = f"Bearer {api_key}"
        self.url = url
        self.refused = 0
        self.errors: list[str] = []
        self._http = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=BATCH_SECONDS)
        self._verdicts: dict[str, str] = {}

    def send(self, lines: list[str]) -> None:
        """Send events and keep the verdicts that come back. Raises DoorLost."""
        try:
            answer = self._http.post("/v1/decide/batch", content="".join(lines).encode())
        except httpx.HTTPError as error:
            raise DoorLost(f"{self.url}: {type(error).__name__}; is `wardline serve` running there?") from None
        if answer.status_code != 200:
            raise DoorLost(f"{self.url}: status {answer.status_code}: {answer.text[:200]}")
        for line in answer.content.splitlines():
            said: dict[str, Any] = msgspec.json.decode(line)
            if "verdict" in said:
                self._verdicts[said["id"]] = said["verdict"]
            elif not said.get("accepted"):
                self.refused += 1
                if len(self.errors) < ERRORS_SHOWN:
                    self.errors.append(str(said.get("detail", "no details")))
        while len(self._verdicts) > KEPT_VERDICTS:
            del self._verdicts[next(iter(self._verdicts))]

    def verdict(self, id: str) -> str:
        """What was decided about an event that was sent; "allow" when it was refused. Asked once."""
        return self._verdicts.pop(id, "allow")

    def close(self) -> None:
        """Hang up."""
        self._http.close()
