"""An event: an immutable fact, in the envelope that every domain shares.

    {"id": "01J…", "type": "mail.in", "schema_version": 1, "occurred_at": "2026-11-21T09:30:00.125Z",
     "site": "default", "direction": "in", "flow_id": "…", "entities": {"ip": "192.0.2.7"}, "fields": {…}}

Unknown fields are kept (`fields` belongs to the domain) and ignored by the engine. `received_at` and `seq` are ours: the first is
stamped when the event reaches a gateway, the second when it is admitted to its shard.
"""

from datetime import datetime
from typing import Any

import msgspec

type_pattern = r"^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31})?$"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One fact. `type` is "domain" or "domain.kind"; `entities` maps an entity kind to its identifier, a pseudonym from the edge on."""

    id: str
    type: str
    occurred_at: datetime
    schema_version: int = 1
    received_at: datetime | None = None
    site: str = "default"
    direction: str = "in"
    flow_id: str | None = None
    entities: dict[str, str] = {}
    fields: dict[str, Any] = {}
    seq: int = 0

    @property
    def domain(self) -> str:
        """The part of `type` before the dot: which domain the event belongs to."""
        return self.type.partition(".")[0]
