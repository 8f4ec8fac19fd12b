"""Serving: opens every door of a program on one event loop, and closes them in order.

    asyncio.run(serve(program, ready=lambda doors: …))      until SIGINT or SIGTERM

HTTP, the two rspamd ports and the control socket are ASGI applications under uvicorn; the milter is our own server. The control socket lies
in the data folder with mode 0600: whoever may open it may do everything, so `wardline mode tag` needs no key.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import uvicorn

from wardline.app import Program
from wardline.base.config import ConfigError
from wardline.base.logs import logger
from wardline.base.version import __version__
from wardline.gateways.http.access import Access
from wardline.gateways.http.actions import ActionRoutes
from wardline.gateways.http.admin import AdminRoutes
from wardline.gateways.http.app import HttpApp
from wardline.gateways.http.campaigns import CampaignRoutes
from wardline.gateways.http.decide import DecideRoutes
from wardline.gateways.http.entities import EntityRoutes
from wardline.gateways.http.features import FeatureRoutes
from wardline.gateways.http.health import HealthRoutes
from wardline.gateways.http.history import HistoryRoutes
from wardline.gateways.http.labels import LabelRoutes
from wardline.gateways.http.mail import MailRoutes
from wardline.gateways.http.models import ModelRoutes
from wardline.gateways.http.pages import PageRoutes
from wardline.gateways.http.rules import RuleRoutes
from wardline.gateways.http.sources import SourceRoutes
from wardline.gateways.milter import MilterServer, MilterSettings
from wardline.gateways.rspamd import LearnSecret, RspamdController, RspamdScan, RspamdSettings

SOCKET_NAME = "control.sock"
DRAIN_SECONDS = 20
BACKLOG = 2048
# Objects that came and stayed until the young are looked at; then how many such looks until the older ones are.
COLLECTION_THRESHOLDS = (20_000, 50, 50)


class DoorError(Exception):
    """A door that cannot be opened: which, why, what to do."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals belong to the program, which closes all doors."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Doors:
    """The open doors of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.addresses: dict[str, str] = {}
        self.milter: MilterServer | None = None
        self._servers: list[tuple[_Server, asyncio.Task[None]]] = []
        self._listeners: list[socket.socket] = []
        self._opened = False

    def http_app(self, *, control: bool) -> HttpApp:
        """The HTTP application, for the network or for the control socket."""
        program, settings = self.program, self.program.config.http
        access = Access(program.administration, settings.trusted_peers, settings.trusted_scopes, program.config.rspamd.learn_secret)
        mail = MailRoutes(program.point, program.learner, program.explainer, settings.body_limit_bytes)
        decide = DecideRoutes(
            [program.envelope, *program.points.doors], program.note, program.label, program.journal.room, settings.body_limit_bytes
        )
        admin = AdminRoutes(
            program.office,
            status=program.status,
            backup=program.backup,
            forget=program.forget,
            replay=program.replay,
            discard=program.discard,
        )
        health = HealthRoutes(program.metrics, ready=self.is_ready)
        pages = PageRoutes(program.status)
        labels = LabelRoutes(program.labelling)
        entities = EntityRoutes(program.entities, program.models.explain)
        models = ModelRoutes(program.models)
        sources = SourceRoutes(program.sources)
        rules = RuleRoutes(program.points.desk, program.backtest)
        features = FeatureRoutes(program.points)
        history = HistoryRoutes(lambda: program.keeper)
        actions = ActionRoutes(program.enforcement, program.outbox)
        campaigns = CampaignRoutes(program.campaigns)
        parts = (decide, mail, labels, actions, campaigns, entities, rules, features, models, sources, history, admin, health, pages)
        routes = [route for part in parts for route in part.routes()]
        return HttpApp(routes, access, program.metrics, concurrency=settings.concurrency, version=__version__, control=control)

    def is_ready(self) -> str:
        """ "" when decisions can be promised; else what stands in the way."""
        if not self._opened:
            return "the doors are being opened"  # HTTP answers before the milter listens: a mail server must not be sent there yet
        failure = self.program.journal.failure
        return str(failure) if failure else ""

    async def open(self) -> None:
        """Open every configured door. Raises DoorError; what was opened before is then closed again."""
        config = self.program.config
        try:
            if config.http.port:
                await self._serve("http", self.http_app(control=False), self._listen(config.http.host, config.http.port, "http.port"))
            rspamd = config.rspamd
            scan, learn = self._rspamd()
            if rspamd.scan_port:
                await self._serve("rspamd scan", scan, self._listen(rspamd.host, rspamd.scan_port, "rspamd.scan_port"))
            if rspamd.learn_port:
                await self._serve("rspamd learn", learn, self._listen(rspamd.host, rspamd.learn_port, "rspamd.learn_port"))
            if config.milter.port:
                await self._open_milter()
            await self._serve("control", self.http_app(control=True), self._listen_control(self.program.data / SOCKET_NAME))
            self._opened = True
        except BaseException:
            await self.close()
            raise

    async def open_control(self) -> None:
        """Open the control socket alone, for a command that found no server running."""
        await self._serve("control", self.http_app(control=True), self._listen_control(self.program.data / SOCKET_NAME))
        self._opened = True

    def _rspamd(self) -> tuple[RspamdScan, RspamdController]:
        config, program = self.program.config, self.program
        secret = config.rspamd.learn_secret
        settings = RspamdSettings(
            trusted_peers=config.rspamd.trusted_peers,
            secrets=(LearnSecret.of("learn_secret", secret),) if secret else (),
            on_failure=self._on_failure(),
            own_names=(config.mail.host_name,),
            id_header=config.milter.id_header,
            version=f"wardline {__version__}",
        )

        def count(what: str) -> None:
            program.metrics.refused("rspamd", what)

        return (
            RspamdScan(program.mail, settings, key=program.id_key, count=count),
            RspamdController(program.mail, settings, key=program.id_key, count=count),
        )

    def _on_failure(self) -> Literal["accept", "tempfail"]:
        """What a mail gateway answers when something of ours fails: the policy's fail mode, of which only waiting is no acceptance."""
        return "tempfail" if self.program.policy.document.fail_mode == "defer" else "accept"

    async def _open_milter(self) -> None:
        config = self.program.config
        settings = MilterSettings(
            host=config.milter.host,
            port=config.milter.port,
            peers=config.milter.peers,
            connections=config.milter.connections,
            idle_seconds=config.milter.timeout_seconds,
            body_limit_bytes=config.milter.body_limit_bytes,
            on_failure=self._on_failure(),
            own_names=(config.mail.host_name,),
            id_header=config.milter.id_header,
        )
        self.milter = MilterServer(
            self.program.mail, settings, key=self.program.id_key, count=lambda what: self.program.metrics.refused("milter", what)
        )
        try:
            await self.milter.start()
        except OSError as error:
            raise DoorError(_taken("milter.port", settings.host, settings.port, error)) from None
        self.addresses["milter"] = f"{settings.host}:{self.milter.port}"

    def _listen(self, host: str, port: int, key: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            raise DoorError(_taken(key, host, port, error)) from None
        listener.listen(BACKLOG)
        self._listeners.append(listener)
        return listener

    def _listen_control(self, path: Path) -> socket.socket:
        # The folder's lock is ours, so a socket that lies there is left over from a crash.
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            listener.close()
            raise DoorError(
                f"the control socket {path} cannot be made ({error}); a shorter --data path helps when it is too long"
            ) from None
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        self._listeners.append(listener)
        return listener

    async def _serve(self, name: str, app: Any, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            http="httptools",
            ws="none",
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            backlog=BACKLOG,
            proxy_headers=False,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]), name=f"door {name}")
        self._servers.append((server, task))
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells its start by a flag alone
            await asyncio.sleep(0.002)
        if listener.family != socket.AF_UNIX:
            host, port = listener.getsockname()[:2]
            self.addresses[name] = f"{host}:{port}"
        else:
            self.addresses[name] = str(listener.getsockname())

    async def close(self) -> None:
        """Take no more, let what is in hand finish, close."""
        for server, _task in self._servers:
            server.should_exit = True
        waiting = [task for _server, task in self._servers]
        if self.milter is not None:
            waiting.append(asyncio.create_task(self.milter.stop()))
        if waiting:
            await asyncio.wait(waiting, timeout=DRAIN_SECONDS + 5)
        for listener in self._listeners:
            listener.close()
        (self.program.data / SOCKET_NAME).unlink(missing_ok=True)


def _taken(key: str, host: str, port: int, error: OSError) -> str:
    return f"{host}:{port} cannot be opened ({error.strerror or error}); stop what listens there, or set {key} to another port or to 0"


def _keep_collections_short() -> None:
    """Take what is there at the start out of the garbage collector's sight, and let it look for cycles less often.

    A full collection walks every table of every state: 99 ms in the middle of 1,200 decisions a second, for a program whose objects are
    freed by their reference counts. Cycles (a failed request's traceback) are still found, among what came after the start.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)


async def serve(program: Program, ready: Callable[[Doors], None]) -> None:
    """Open the doors, call `ready`, and serve until SIGINT or SIGTERM; then close in order. Raises DoorError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    doors = Doors(program)
    try:
        _ = program.outbound  # settings that make no sense are told now, not at the first request
    except ConfigError as error:
        raise DoorError(str(error)) from None
    await asyncio.to_thread(program.sources.warm)  # before anybody is judged without them
    await doors.open()
    _keep_collections_short()
    upkeep = asyncio.create_task(program.upkeep(), name="upkeep")
    outbox = asyncio.create_task(program.outbox.run(), name="outbox")
    campaigns = asyncio.create_task(program.campaigns.run(), name="campaigns")
    watching = asyncio.create_task(program.sources.watch(program.config.sources.refresh_seconds), name="sources")
    logger("serving").info("ready", doors=len(doors.addresses), mode=program.point.mode, recovered_records=program.recovered)
    ready(doors)
    try:
        await stop.wait()
    finally:
        upkeep.cancel()
        watching.cancel()
        outbox.cancel()
        campaigns.cancel()
        await doors.close()
        await asyncio.gather(outbox, return_exceptions=True)  # what is on the wire is given up, and sent again after the next start
        await program.close()
