"""How a command reaches the program: through the control socket of the server that runs on the data folder, or one of its own.

    with connect(context) as client:
        client.put("/v1/mode", {"mode": "tag"})

One way for both: without a server, the command opens the folder itself and serves the same control socket from a thread, so that every
command goes through the same door, the same checks and the same audit.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from wardline.app import Program
from wardline.base.config import Config
from wardline.base.logs import configure_logs
from wardline.base.storage import StorageError, StorageLocked
from wardline.commands.context import Context, Failure
from wardline.engine.policy import PolicyError
from wardline.serving import SOCKET_NAME, DoorError, Doors

TIMEOUT_SECONDS = 600.0


class Client:
    """The HTTP API over the control socket; problems become Failures."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON document."""
        return self._answer(self.http.get(path, params={name: value for name, value in query.items() if value not in (None, "")}))

    def post(self, path: str, document: Any = None, *, content: bytes | None = None, query: dict[str, Any] | None = None) -> Any:
        """POST JSON or bytes."""
        body = content if content is not None else msgspec.json.encode(document if document is not None else {})
        return self._answer(self.http.post(path, content=body, params=query or {}))

    def put(self, path: str, document: Any) -> Any:
        """PUT JSON."""
        return self._answer(self.http.put(path, content=msgspec.json.encode(document)))

    def delete(self, path: str, **query: Any) -> Any:
        """DELETE."""
        return self._answer(self.http.delete(path, params=query))

    @staticmethod
    def _answer(response: httpx.Response) -> Any:
        try:
            document = response.json()
        except ValueError:
            raise Failure(f"the server answered {response.status_code} without a document; its log may say why") from None
        if response.status_code >= 400:
            raise Failure(str(document.get("detail", f"status {response.status_code}")))
        return document


@contextlib.contextmanager
def connect(context: Context) -> Iterator[Client]:
    """A client of the running server, or of a program of our own for the time of the command. Raises Failure."""
    path = context.data / SOCKET_NAME
    if path.exists() and (client := _reach(path)):
        with contextlib.closing(client.http):
            yield client
        return
    with opened(context) as running:
        client = _reach(running.path)
        if client is None:
            raise Failure("the control socket does not answer; try again")
        with contextlib.closing(client.http):
            yield client


def server_runs(context: Context) -> bool:
    """Whether a server owns the data folder."""
    path = context.data / SOCKET_NAME
    client = _reach(path) if path.exists() else None
    if client:
        client.http.close()
    return client is not None


def _reach(path: Path) -> Client | None:
    http = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://wardline", timeout=TIMEOUT_SECONDS)
    try:
        http.get("/healthz", timeout=5)
    except httpx.HTTPError:
        http.close()
        return None
    return Client(http)


class Running:
    """A program of our own on a thread with its event loop."""

    def __init__(self, program: Program, loop: asyncio.AbstractEventLoop) -> None:
        self.program = program
        self.loop = loop
        self.path = program.data / SOCKET_NAME

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the program's loop and give its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


def open_program(context: Context, config: Config | None = None) -> Program:
    """Open the data folder in this process; Failure when it cannot be."""
    config = config or context.config()
    configure_logs("error" if config.logs.level == "info" else config.logs.level, config.logs.format)
    try:
        return Program.open(context.data, config, starter=context.starter)
    except StorageLocked as error:
        raise Failure(f"{error} A server that runs answers commands by itself; this one did not: it may be starting or stopping.") from None
    except (StorageError, PolicyError) as error:
        raise Failure(str(error)) from None


@contextlib.contextmanager
def opened(context: Context) -> Iterator[Running]:
    """A program of our own, its control socket open, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="program", daemon=True)
    thread.start()

    async def make() -> tuple[Program, Doors]:
        program = open_program(context)
        doors = Doors(program)
        await doors.open_control()
        return program, doors

    async def unmake(program: Program, doors: Doors) -> None:
        await doors.close()
        await program.close()

    try:
        try:
            program, doors = asyncio.run_coroutine_threadsafe(make(), loop).result()
        except DoorError as error:
            raise Failure(str(error)) from None
        try:
            yield Running(program, loop)
        finally:
            asyncio.run_coroutine_threadsafe(unmake(program, doors), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
