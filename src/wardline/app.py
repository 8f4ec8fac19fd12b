"""The program: the one file that knows every room and builds the whole from a data folder and a configuration.

    program = Program.open(Path("/var/lib/wardline"), load_config(None))
    answer = await program.mail.decide(raw, Envelope(), source="cli")
    await program.close()

Opening recovers: snapshots first, then the journal's tail. `wardline.serving` opens the doors.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wardline.base.clock import Clock, SystemClock
from wardline.base.config import Config, ConfigError, outbox_secret
from wardline.base.ids import Ids
from wardline.base.logs import logger
from wardline.base.metrics import Metrics
from wardline.base.privacy import KINDS, Pseudonyms, load_or_make_key, seal, unseal
from wardline.base.storage import StorageError
from wardline.base.version import __version__
from wardline.domains.mail import envelope, labelled
from wardline.domains.mail.counted import FACTS, counted
from wardline.domains.mail.examine import Settings, make_detectors
from wardline.domains.mail.explain import Explainer
from wardline.domains.mail.learn import Learner
from wardline.domains.mail.naming import Names
from wardline.domains.mail.point import MailPoint
from wardline.domains.mail.policies import MailPolicies
from wardline.domains.mail.replay import Report, matched
from wardline.domains.mail.replay import replay as replay_records
from wardline.domains.mail.sender import authentication
from wardline.domains.mail.service import MailService
from wardline.domains.mail.states import POINT, MailStates
from wardline.domains.mail.text.starter import load_starter
from wardline.domains.mail.text.state import TextState
from wardline.domains.mail.unlabelled import LAYER, Unlabelled
from wardline.domains.mail.values import RECIPIENT, rule_names
from wardline.domains.signup.hindsight import SignupHindsight
from wardline.engine.actions.enforcement import Enforcement, Limits
from wardline.engine.actions.ledger import Entry, Ledger
from wardline.engine.actions.outbox import Outbox
from wardline.engine.actions.outbox import Settings as OutboxSettings
from wardline.engine.decision import NO_RULES, Rules
from wardline.engine.door import EventError, Pending
from wardline.engine.entities import Entities
from wardline.engine.entity import EntityError, about
from wardline.engine.event import Event
from wardline.engine.feedback.labelling import Labelling
from wardline.engine.feedback.labels import Labels
from wardline.engine.feedback.source_hits import SourceHits
from wardline.engine.graph import Graph
from wardline.engine.label import Trust
from wardline.engine.operators.administration import Administration
from wardline.engine.operators.office import Office, OfficeError
from wardline.engine.policy import Policy
from wardline.engine.rules.roster import Post
from wardline.engine.rules.ruledesk import Caps, DeskError
from wardline.engine.rules.rulefile import RuleFile
from wardline.engine.rules.running import Running
from wardline.engine.servers.tools import dump_command
from wardline.engine.states.saving import Saving
from wardline.engine.states.shard import Shard
from wardline.engine.states.snapshot import Snapshots, bring_up
from wardline.engine.store.backup import Manifest, backup
from wardline.engine.store.journal import Journal
from wardline.engine.store.opening import open_journal
from wardline.engine.store.vault import Class
from wardline.engine.walk.intake import Edge
from wardline.engine.walk.noted import note_event
from wardline.engine.walk.points import EventPoints
from wardline.engine.walk.policyfolder import PolicyFolder
from wardline.learning.desk import ModelDesk
from wardline.learning.frozen import Frozen, FrozenError
from wardline.learning.registry.store import ModelStore
from wardline.review.campaignbook import CampaignBook
from wardline.review.campaigns import Campaigns
from wardline.review.planning import Limits as CampaignLimits
from wardline.review.planning import Vetting
from wardline.shipped import event_domains
from wardline.sources.registry import Registry
from wardline.sources.resolver import from_address
from wardline.sources.showing import source_metrics

if TYPE_CHECKING:
    from wardline.learning.backtest import Report as BacktestReport
    from wardline.learning.keeper import Keeper
    from wardline.sources.outbound import Outbound

HOUR_SECONDS = 3600.0
CLOSE_SECONDS = 30.0
DAY_US = 86_400_000_000
# Below so many records a question reads the journal itself, and Arrow need not be loaded for upkeep.
HISTORY_FROM_RECORDS = 20_000


class Program:
    """Everything that runs on one data folder. Made by `open`; its calls belong to one event loop."""

    def __init__(self, data: Path, config: Config, journal: Journal, *, starter: bool, clock: Clock) -> None:
        self.data = data
        self.config = config
        self.journal = journal
        self.clock = clock
        self.started_s = clock.now_us() // 1_000_000
        self.metrics = Metrics()
        self.ids = Ids(clock)
        key = load_or_make_key(journal.folder.files, data / "keys" / "pseudonyms.key")
        self.pseudonyms = Pseudonyms(key)
        self.id_key = hashlib.blake2b(key, digest_size=32, person=b"wl-message-id").digest()
        mail = config.mail
        if config.store.keep_bodies:
            journal.vault.classes["body"] = Class(config.store.body_days)
        self.administration = Administration()
        self.counters = MailStates(mail.near_duplicate_hours, mail.reputation_half_life_days)
        self.text = TextState(journal.vault, self._starter() if starter else None)
        self.labels = _labels(config)
        self.ledger = Ledger()
        self.campaignbook = CampaignBook()
        self.detectors = make_detectors()
        self.policies = PolicyFolder(journal.folder)
        self.mail_policies = MailPolicies(self.policies, self.detectors)
        self.policy, policy_text, _ = self.mail_policies.read(Path(mail.policy) if mail.policy else None, "policy.yaml")
        envelope_policy, _, envelope_digest = self.mail_policies.read(None, "envelope.yaml")
        self.points = EventPoints(
            event_domains(),
            config.decisions.counter_bytes,
            self.policies.keep_document,
            {POINT: Post(self.policy, policy_text.decode(), rule_names(self.detectors), RECIPIENT)},
            {POINT: matched},
            FACTS,
            counted,
        )
        self.shard = Shard(
            journal,
            (self.administration, self.counters, self.text, self.labels, self.ledger, self.campaignbook, *self.points.states),
            clock,
        )
        self.shard.follow("label", self.labels)
        for state in self.points.every_domain_state:
            self.shard.follow("label", state)
        self.shard.follow("action", self.ledger)
        self.shard.follow("action", self.campaignbook)
        self.shard.follow("audit", self.campaignbook)
        self.labelling = Labelling(self.shard, self.labels, self.pseudonyms, self.ids, self.metrics, config.labels.per_hour)
        self.snapshots = Snapshots(journal.folder)
        self.sources = Registry(
            Path(config.sources.folder) if config.sources.folder else data / "sources",
            clock=clock,
            outbound=lambda: self.outbound,
            keep=data / "sources-kept",
        )
        self._outbound: Outbound | None = None
        self._keeper: Keeper | None = None
        self.labelling.listeners.append(SourceHits(journal, self.sources.labelled, lambda: self.sources.in_use).told)
        self.names = Names(self.pseudonyms)
        self.settings = Settings.of(mail)
        self.point = MailPoint(
            shard=self.shard,
            ids=self.ids,
            names=self.names,
            policy=self.policy,
            rules=self.points.rules(POINT, self.shard),
            detectors=self.detectors,
            settings=self.settings,
            counters=self.counters,
            event_counters=self.points.counters,
            text=self.text,
            administration=self.administration,
            resolver=from_address(mail.resolver, timeout_seconds=mail.dns_timeout_ms / 1000),
            authentication_settings=authentication.Settings(
                deadline_seconds=mail.dns_timeout_ms / 1000, trusted_hosts=mail.trusted_authserv_ids, trusted_sealers=mail.trusted_sealers
            ),
            metrics=self.metrics,
            default_mode=mail.mode,
            hold_seconds=mail.hold_days * 86_400,
            host_name=mail.host_name,
            keep_bodies=config.store.keep_bodies,
        )
        self.learner = Learner(self.point, self.ids, self.metrics, self.id_key)
        self.unlabelled = Unlabelled(self.point, self.ids)
        if mail.self_training:
            self.point.afterwards = self.unlabelled.after
        self.explainer = Explainer(self.point)
        self.mail = MailService(self.point, self.learner)
        self.envelope = envelope.EnvelopePoint(
            shard=self.shard,
            pseudonyms=self.pseudonyms,
            policy=envelope_policy,
            policy_digest=envelope_digest,
            detectors=self.detectors,
            counters=self.counters,
            administration=self.administration,
            metrics=self.metrics,
        )
        caps = msgspec.convert(config.decisions, Caps, from_attributes=True)
        edge = Edge(self.pseudonyms, self.sources.ip_facts, self.sources.user_agent_facts, self.sources.domain_facts)
        self.points.open(self.shard, edge, self.administration, self.metrics, self.ids.new, caps)
        self.office = Office(self.shard, self.administration, self.ids, self.names.recipient, mail.release_command, mail.drop_command)
        self.enforcement, self.outbox = self._enforcement(hashlib.blake2b(key, digest_size=32, person=b"wl-action-names").digest())
        self.models = ModelDesk(
            ModelStore(journal.folder),
            lambda: self.keeper,
            self.labels,
            self.administration,
            self.office.do,
            clock,
            {domain.point: domain.recipe for domain in self.points.domains if domain.recipe},
            self.points.serve,
            lambda point: self.metrics.failed(f"{point}.tree"),
            self.points.acts_from(),
        )
        graph = next((state for state in self.points.every_domain_state if isinstance(state, Graph)), None)
        self.entities = Entities(journal, self.labels, self.ledger, self.pseudonyms, clock, graph)
        self.campaigns = self._campaigns()
        self.recovered = self._recover()
        self.saving = Saving(self.shard, self.snapshots, self.journal.last_seq - self.recovered)
        self._measure()

    @classmethod
    def open(cls, data: Path, config: Config, *, starter: bool = True, clock: Clock | None = None) -> "Program":
        """Open a data folder (made where it is missing) and bring its states up to date. Raises StorageError, PolicyError."""
        clock = clock or SystemClock()
        journal = open_journal(data, config.store, clock)
        try:
            return cls(data, config, journal, starter=starter, clock=clock)
        except BaseException:
            journal.close()
            raise

    @property
    def outbound(self) -> "Outbound":
        """The one HTTP client; made when first asked for, since most commands ask nobody. Raises ConfigError."""
        if self._outbound is None:
            from wardline.sources.outbound import Outbound, Settings

            try:
                self._outbound = Outbound(msgspec.convert(self.config.outbound, Settings, from_attributes=True))
            except ValueError as error:
                raise ConfigError(str(error)) from None
        return self._outbound

    @property
    def keeper(self) -> "Keeper":
        """The history; made when first asked for, since DuckDB and Arrow are large and most commands need neither."""
        if self._keeper is None:
            from wardline.learning.keeper import Keeper

            store = self.config.store
            self._keeper = Keeper(
                self.data, self.journal, self.clock, self._declared, database=store.database, password_file=store.database_password_file
            )
        return self._keeper

    async def backtest(self, file: RuleFile, since: str, until: str, in_shadow: bool) -> "BacktestReport":
        """Whom a rule would have hit, over all that is kept. Raises RuleError, StorageError, DeskError for a time that cannot be read."""
        from wardline.learning.history.session import HistoryError

        try:
            return await asyncio.to_thread(self.keeper.backtest_file, file, self.labels, since, until, in_shadow=in_shadow)
        except HistoryError as error:
            raise DeskError(str(error)) from None

    def _has_history(self) -> bool:
        return (self.data / "history").exists()

    def _declared(self) -> dict[str, dict[str, str]]:
        """Event type -> name -> kind, of what is declared; "" for facts of every type."""
        return {"": dict(self.points.names), **{point: dict(post.names) for point, post in self.points.roster.posts.items()}}

    def _starter(self) -> Frozen | None:
        """The starter model. A damaged one is left out and said so: the program must start without it."""
        try:
            return load_starter(self.config.mail.starter)
        except (FrozenError, OSError) as error:
            logger("model").error("starter_left_out", detail=str(error))
            return None

    def _running_of(self, digest: str) -> Running | None:
        """The policy and the rules that a decision names, from the folder."""
        document = self.policies.document(digest)
        return self.points.running_of(document) if document else None

    def _stood(self, digest: str) -> tuple[Policy, Rules] | None:
        """The policy and the rules that a decision about mail names; records of before there were rules name the policy alone."""
        if running := self._running_of(digest):
            return running.policy, running
        alone = self.mail_policies.stood(digest)
        return (alone, NO_RULES) if alone else None

    def _enforcement(self, name_key: bytes) -> tuple[Enforcement, Outbox]:
        """Actions, and the outbox that tells them. Names in clear are sealed in the journal: the receiver alone has to know whom it is about."""
        chosen = self.config.outbox
        enforcement = Enforcement(
            self.shard,
            self.ledger,
            self.pseudonyms,
            self.ids,
            self.office.do,
            seal=lambda entity, name: seal(name_key, name.encode("utf-8", "surrogatepass"), entity.encode()),
            limits=Limits(per_hour=chosen.per_hour, open=chosen.open_actions),
        )

        def name_of(entry: Entry) -> str | None:
            name = unseal(name_key, entry.action.sealed, entry.action.entity.encode()) if entry.action.sealed else None
            return name.decode("utf-8", "replace") if name is not None else None

        settings = OutboxSettings(
            url=chosen.url,
            secret=outbox_secret(chosen),
            key_id=chosen.key_id,
            tries=chosen.tries,
            first_retry_seconds=chosen.first_retry_seconds,
            longest_retry_seconds=chosen.longest_retry_seconds,
            concurrency=chosen.concurrency,
        )
        return enforcement, Outbox(
            enforcement,
            settings,
            lambda: self.outbound,
            paused=lambda: self.administration.paused,
            name_of=name_of,
            count=self.metrics.told,
        )

    def _campaigns(self) -> Campaigns:
        """The desk of campaigns; labels that come in tell it which members were wrong."""

        def allowed(account: str) -> bool:
            entries = self.administration.matches("user", self.names.recipient(account), self.clock.now_us() // 1_000_000)
            return any(entry.list == "allow" for entry in entries)

        campaigns = Campaigns(
            self.campaignbook,
            self.enforcement,
            self.labelling,
            self.ids,
            Vetting(
                self.journal,
                self.labels,
                allowed,
                msgspec.convert(self.config.campaigns, CampaignLimits, from_attributes=True),
            ),
            lambda: {point: post.names for point, post in self.points.roster.posts.items()},
            paused=lambda: self.administration.paused,
            looks=next((state for state in self.points.every_domain_state if isinstance(state, SignupHindsight)), None),
        )
        self.labelling.listeners.append(campaigns.labelled)
        return campaigns

    def _recover(self) -> int:
        """Snapshots, then the journal's tail; returns how many records the oldest state had to read."""
        last_seq = self.journal.last_seq
        # The rules first: which counters their snapshot must find a place for is written there.
        self.points.declare(self.snapshots, last_seq)
        origins = bring_up(list(self.shard.states.values()), self.snapshots, self.journal.read, last_seq)
        self.points.recovered(rebuilt=any(origin.name == self.points.counters.name and not origin.snapshot_seq for origin in origins))
        self.models.open()
        for origin in origins:
            if origin.outdated:
                logger("snapshot").info("snapshot_of_another_version_passed_over", state=origin.name, files=len(origin.outdated))
            if damaged := len(origin.damaged) - len(origin.outdated):
                logger("snapshot").warning("damaged_snapshot_passed_over", state=origin.name, files=damaged)
        return last_seq - min((origin.snapshot_seq for origin in origins), default=0)

    def _measure(self) -> None:
        self.metrics.collect(lambda: source_metrics(self.sources))
        self.metrics.versions(__version__, self.policy.label, self.text.label)
        self.metrics.gauge(
            "wardline_journal_lag_records", "Records that are not indexed yet", lambda: float(self.journal.stats()["waiting_records"])
        )
        self.metrics.gauge("wardline_journal_records", "Records in the journal", lambda: float(self.journal.last_seq))
        self.metrics.gauge("wardline_unsaved_records", "Records that a start would have to apply", lambda: float(self.saving.unsaved))
        self.metrics.gauge("wardline_held_messages", "Messages on hold", lambda: float(len(self.administration.held)))
        self.ledger.measure(self.metrics)
        self.campaignbook.measure(self.metrics)
        self.metrics.gauge("wardline_models_left_out", "Promoted models that cannot be used", lambda: float(len(self.models.faults)))
        self.metrics.gauge("wardline_paused", "1 while enforcement is paused", lambda: float(self.administration.paused))

    # Upkeep

    async def upkeep(self) -> None:
        """Snapshots and retention, until cancelled. A fault is logged and tried again; it stops no decision, and no other duty."""
        await asyncio.gather(self._rounds(), self.saving.keep(self.config.store.snapshot_records))

    async def _rounds(self) -> None:
        last_expiry = time.monotonic()
        while True:
            await asyncio.sleep(self.config.store.snapshot_minutes * 60)
            expires = time.monotonic() - last_expiry > HOUR_SECONDS
            if expires:
                last_expiry = time.monotonic()
            await self.tend(expires=expires)

    async def tend(self, *, expires: bool) -> None:
        """One round of upkeep. A history that cannot be written any more must not end retention."""
        duties: dict[str, Callable[[], Awaitable[object]]] = {"snapshots": self.saving.save, "holds": self.office.expire_holds}
        if self.journal.last_seq > HISTORY_FROM_RECORDS:
            duties["history"] = lambda: asyncio.to_thread(self.keeper.compact_when_due)
        if expires:
            duties["retention"] = lambda: asyncio.to_thread(self.expire)
        for name, duty in duties.items():
            try:
                await duty()
            except Exception as error:  # whatever the database raises: without snapshots and retention from here on nobody would know
                logger("upkeep").error("upkeep_failed", duty=name, error=type(error).__name__)

    def expire(self) -> int:
        """Enforce retention; returns how many records went."""
        store = self.config.store
        days = {"decision": store.decision_days, "event": store.decision_days, "label": store.label_days}
        now_us = self.clock.now_us()
        self.labels.expire(now_us - store.label_days * DAY_US)
        count = self.journal.expire(now_us, days)
        if self._has_history():
            self.keeper.expire(store.history_days)
        return count

    def status(self) -> dict[str, Any]:
        """What runs, in which mode, and how much it has done."""
        return {
            "version": __version__,
            "mode": self.point.mode,
            "modes": {POINT: self.point.mode, **self.points.modes()},
            "paused": self.administration.paused,
            "policy": self.policy.label,
            "model": self.text.label,
            "uptime_seconds": self.clock.now_us() // 1_000_000 - self.started_s,
            "records": self.journal.last_seq,
            "held": len(self.administration.held),
            "resolver": "off" if self.config.mail.resolver == "off" else "on",
            "counts": dict(self.mail.stat()),
        }

    def label(self, event: Event, keyed: bool) -> Pending:
        """Record an event of type "label". Raises EventError."""
        return self.labelling.take(event, keyed=keyed)

    def note(self, event: Event) -> Pending:
        """Record an event that nobody decides; its identifiers become pseudonyms first. A repeated id counts once. Raises EventError."""
        if event.type == POINT:
            # Records of this point have a form of their own, and every state reads them: a stranger's would stop the next start.
            raise EventError(f"type: {POINT} is what Wardline writes about messages; send the message itself to /v1/mail/check")
        return note_event(event, self.shard, self.pseudonyms)

    async def backup(self, target: str) -> dict[str, Any]:
        """A consistent copy of the data folder while it runs."""
        await self.saving.save()
        try:
            manifest = await asyncio.to_thread(self._backup, Path(target))
        except StorageError:
            raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            raise OfficeError(f"path: no backup can be written there ({reason}): give a new folder that the server may make") from None
        dump = dump_command(manifest.kind, manifest.database) if manifest.database else ""
        return {"path": target, "records": manifest.last_seq, "database": manifest.database, "dump": dump}

    def _subject(self, subject: str) -> str:
        """The pseudonym of a person: of an entity by its kind ("account:alice", "device:…"), else of a recipient's address."""
        kind, colon, _ = subject.partition(":")
        if not colon or KINDS.get(kind, "public") == "public":
            return self.names.recipient(subject)
        try:
            return about(self.pseudonyms, subject)
        except EntityError as error:
            raise OfficeError(str(error)) from None

    def _backup(self, target: Path) -> Manifest:
        # The history stands still meanwhile, so that its manifest and its files are of one moment.
        with self.keeper.history.writing() if self._has_history() else contextlib.nullcontext():
            return backup(self.journal, target, self.clock.now_us())

    async def forget(self, subject: str) -> dict[str, Any]:
        """Erase what is kept about a recipient, or about an entity such as "account:alice": labels leave the models, keys are destroyed, records
        go from the journal and from the history."""
        name = self._subject(subject)
        self.unlabelled.pairs.clear()
        subtracted = await self.learner.forget(name)
        self.labels.erase(name)
        self.ledger.erase(name)
        self.campaignbook.erase(name)
        self.points.erase(name)
        erased = await asyncio.to_thread(self.journal.erase, name)
        if self._has_history():
            await asyncio.to_thread(self.keeper.forget, name)
        await self.saving.anew()
        return {"erased_records": erased, "labels_taken_back": subtracted}

    async def replay(self, corrupt: int | None) -> Report:
        """Replay the journal from its beginning; off the loop, since it may take long."""
        return await asyncio.to_thread(self.replay_now, corrupt)

    def replay_now(self, corrupt: int | None = None, progress: Any = None) -> Report:
        """Both replays, now."""
        self.journal.flush()
        gaps = self.journal.gaps()
        whole = not gaps and self.journal.whole_from_us() < 0
        fresh = None if not whole else MailStates(self.config.mail.near_duplicate_hours, self.config.mail.reputation_half_life_days)
        policies: dict[str, tuple[Policy, Rules] | None] = {}

        def policy_of(digest: str) -> tuple[Policy, Rules] | None:
            if digest not in policies:
                policies[digest] = self._stood(digest)
            return policies[digest]

        report = replay_records(self.journal.read(1), self.detectors, policy_of, fresh, corrupt=corrupt, progress=progress)
        report.erased = sum(gap.last_seq - gap.first_seq + 1 for gap in gaps)
        at = None if corrupt is None else corrupt - report.replayed
        report.add(self.points.replay(self._running_of, whole, at, self.models.model_of))
        return report

    async def discard(self, layer: str) -> dict[str, Any]:
        """Discard what a model layer learned by itself."""
        if layer != LAYER:
            raise OfficeError(f"there is no model layer {layer!r}; there is {LAYER!r}")
        return {"layer": layer, "labels_taken_back": self.unlabelled.discard()}

    async def close(self) -> None:
        """Save the states and close the journal."""
        # The program's end waits for no training and no compaction.
        self.models.apart.close()
        if self._keeper is not None:
            self._keeper.apart.close()
        with contextlib.suppress(StorageError, OSError):
            await self.saving.finish()
        with contextlib.suppress(StorageError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.saving.save(ending=True)
        if self._outbound is not None:
            await self._outbound.aclose()
        self.journal.close()


def _labels(config: Config) -> Labels:
    chosen = config.labels
    trust = Trust(
        trusted=frozenset(chosen.trusted_sources),
        listed=frozenset(chosen.listed_sources),
        keyless_confidence=chosen.keyless_confidence,
    )
    return Labels(trust, {POINT: labelled.read}, chosen.remembered)
