"""The office: how operators act. Every act is checked, journalled as an audit record, applied, and only then answered.

    await office.set_mode("mail.in", "tag", actor="cli")
    await office.add_entry(list_name="block", kind="domain", value="bad.example", owner="ada", reason="…", ttl_days=30, actor="cli")

`actor` is who did it as far as the door knows: a key's name, or "socket" for whoever may open the control socket.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import Callable, Sequence

import msgspec

from wardline.base.ids import Ids
from wardline.engine.operators.administration import MODES, SCOPES, Act, Administration, ApiKey, Held, ListEntry, new_key
from wardline.engine.states.shard import Shard

KINDS = ("domain", "address", "ip", "network", "user")
DAY_SECONDS = 86_400
TEXT_LIMIT = 320
COMMAND_SECONDS = 30
# What mail servers name a message by. A gateway's client chose it, and it goes into a command: `postsuper -d ALL` empties the queue, and what
# begins with "-" is an option.
_QUEUE_ID = re.compile(r"(?!all$)[0-9a-z][0-9a-z.-]{0,63}", re.IGNORECASE)


class OfficeError(ValueError):
    """An act that cannot be done: what is wrong, what to do."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a held message. `command`: what the holder has to run; `ran`: whether it was run, and its exit status."""

    id: str
    command: list[str]
    ran: bool
    status: int | None = None


class Office:
    """Acts on one program. `pseudonym` hides personal values of list entries; `commands` are what releases and drops a held message."""

    def __init__(
        self,
        shard: Shard,
        administration: Administration,
        ids: Ids,
        pseudonym: Callable[[str], str],
        release: Sequence[str],
        drop: Sequence[str],
    ) -> None:
        self.shard = shard
        self.administration = administration
        self.ids = ids
        self.pseudonym = pseudonym
        self.commands = {"release": list(release), "drop": list(drop)}

    def now_s(self) -> int:
        """The time in whole seconds."""
        return self.shard.clock.now_us() // 1_000_000

    async def do(self, act: Act) -> None:
        """Journal and apply one act; durable when it returns."""
        await self.shard.write(
            "audit",
            self.ids.new(),
            point="administration",
            body=msgspec.msgpack.encode(act),
            keys=(f"audit:{act.op}",),
            apply=lambda seq: self.administration.absorb(seq, act),
        )

    async def set_mode(self, point: str, mode: str, *, actor: str) -> None:
        """observe, tag or enforce for one decision point."""
        if mode not in MODES:
            raise OfficeError(f"mode: {mode!r} is none; choose {', '.join(MODES)}")
        await self.do(Act(op="mode", actor=actor, point=point, value=mode))

    async def pause(self, paused: bool, *, actor: str) -> None:
        """The one switch that stops all enforcement, or lets it go on."""
        await self.do(Act(op="pause" if paused else "resume", actor=actor))

    async def add_entry(
        self, *, list_name: str, kind: str, value: str, owner: str, reason: str, ttl_days: int | None, actor: str
    ) -> ListEntry:
        """Add one line to the allow or the block list."""
        if list_name not in ("allow", "block"):
            raise OfficeError("list: allow or block is needed")
        if kind not in KINDS:
            raise OfficeError(f"kind: {kind!r} is none; choose {', '.join(KINDS)}")
        if not owner or not reason:
            raise OfficeError("owner and reason are needed: whoever meets the entry later must know whom to ask and why it is there")
        if ttl_days is not None and not 0 < ttl_days <= 3650:
            raise OfficeError("ttl_days: 1 to 3650 are possible")
        plain = normal_value(kind, value)
        personal = kind in ("address", "user")
        entry = ListEntry(
            id=self.ids.new(),
            list=list_name,
            kind=kind,
            value=self.pseudonym(plain) if personal else plain,
            owner=owner[:TEXT_LIMIT],
            reason=reason[:TEXT_LIMIT],
            added_s=self.now_s(),
            expires_s=self.now_s() + ttl_days * DAY_SECONDS if ttl_days else None,
            shown=_masked(plain) if personal else plain,
        )
        await self.do(Act(op="list.add", actor=actor, entry=entry))
        return entry

    async def remove_entry(self, *, list_name: str, value: str, actor: str) -> list[ListEntry]:
        """Remove entries by id or by value; returns what was removed."""
        wanted = {value, value.strip().lower()}
        wanted.add(self.pseudonym(value.strip().lower()))
        found = [
            entry
            for entry in self.administration.entries.values()
            if entry.list == list_name and (entry.id in wanted or entry.value in wanted)
        ]
        if not found:
            raise OfficeError(f"the {list_name} list has no such entry; `wardline list {list_name} show` prints them all")
        for entry in found:
            await self.do(Act(op="list.remove", actor=actor, value=entry.id))
        return found

    async def add_key(self, name: str, scopes: Sequence[str], *, actor: str) -> tuple[str, ApiKey]:
        """A new API key: the token, shown this once, and the key as it is kept."""
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise OfficeError(f"scopes: choose among {', '.join(SCOPES)}")
        if not name or len(name) > 64:
            raise OfficeError("name: 1 to 64 characters that tell what the key is for")
        token, key = new_key(name, tuple(scopes), self.now_s())
        await self.do(Act(op="key.add", actor=actor, key=key))
        return token, key

    async def remove_key(self, key_id: str, *, actor: str) -> None:
        """Withdraw an API key; it stops working at once."""
        if key_id not in self.administration.keys:
            raise OfficeError("no API key has this id; `wardline key list` prints them")
        await self.do(Act(op="key.remove", actor=actor, value=key_id))

    def held(self) -> list[Held]:
        """What is on hold and has not expired, oldest first."""
        now_s = self.now_s()
        return sorted((held for held in self.administration.held.values() if held.expires_s > now_s), key=lambda held: held.since_s)

    async def settle(self, held_id: str, what: str, *, actor: str) -> Released:
        """Release or drop a held message: runs the configured command where there is one, and names it where there is none."""
        held = self.administration.held.get(held_id)
        if held is None:
            raise OfficeError("nothing is on hold under this id; `wardline held list` prints what is")
        if held.queue_id and not _QUEUE_ID.fullmatch(held.queue_id):
            raise OfficeError("the queue id that came with this message cannot be one: look for the message in the mail server's own queue")
        template = self.commands[what] or (["postsuper", "-H" if what == "release" else "-d", "{queue_id}"] if held.queue_id else [])
        command = [part.replace("{queue_id}", held.queue_id) for part in template]
        status = None
        if self.commands[what]:
            status = await _run(command)
            if status:
                raise OfficeError(f"{command[0]} ended with status {status}: the message is still on hold")
        await self.do(Act(op=what, actor=actor, value=held_id))
        return Released(id=held_id, command=command, ran=status is not None, status=status)

    async def expire_holds(self) -> int:
        """Give up what has been on hold too long; returns how many."""
        now_s = self.now_s()
        late = [held.id for held in self.administration.held.values() if held.expires_s <= now_s]
        for held_id in late:
            await self.do(Act(op="hold.expire", actor="policy", value=held_id))
        return len(late)


async def _run(command: Sequence[str]) -> int:
    """A command's exit status. OfficeError where it cannot be run or does not end."""
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    except OSError as error:
        raise OfficeError(f"{command[0]} cannot be run ({error.strerror}): the message is still on hold") from None
    try:
        return await asyncio.wait_for(process.wait(), COMMAND_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise OfficeError(f"{command[0]} did not end within {COMMAND_SECONDS} seconds: the message is still on hold") from None


def normal_value(kind: str, value: str) -> str:
    """The one form in which a list value is compared; OfficeError when it cannot be one."""
    plain = value.strip().lower().rstrip(".")
    if not plain or len(plain) > TEXT_LIMIT:
        raise OfficeError(f"value: 1 to {TEXT_LIMIT} characters")
    try:
        if kind == "ip":
            return str(ipaddress.ip_address(plain))
        if kind == "network":
            return str(ipaddress.ip_network(plain, strict=False))
        if kind == "domain":
            return plain.encode("idna").decode()
    except (ValueError, UnicodeError):
        raise OfficeError(f"value: not a valid {kind}; give example.com, 192.0.2.7 or 192.0.2.0/24") from None
    return plain


def _masked(value: str) -> str:
    """Enough of an address to recognise it by, and no more: a…@example.com."""
    name, at, host = value.rpartition("@")
    return f"{name[:1]}…{at}{host}" if at else f"{value[:1]}…"
