"""How a command reaches the program: through the control socket of the server that runs on the data folder, or one of its own.

    with connect(context) as client:
        client.put("/v1/mode", {"mode": "tag"})

One way for both: without a server, the command opens the folder itself and serves the same control socket from a thread, so that every
command goes through the same door, the same checks and the same audit. The client is the standard library's: a command to a server that
runs should not load a program to ask it one question.
"""

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from wardline.commands.context import Context, Failure

if TYPE_CHECKING:
    from wardline.app import Program
    from wardline.base.config import Config
    from wardline.serving import Doors

SOCKET_NAME = "control.sock"  # in the data folder
TIMEOUT_SECONDS = 600.0
PROBE_SECONDS = 5.0


class _Connection(http.client.HTTPConnection):
    """HTTP/1.1 over a socket of the file system."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("wardline", timeout=timeout_seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Client:
    """The HTTP API over the control socket; problems become Failures."""

    def __init__(self, path: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._http = _Connection(path, timeout_seconds)

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON document."""
        return self._ask("GET", path, None, query)

    def post(self, path: str, document: Any = None, *, content: bytes | None = None, query: dict[str, Any] | None = None) -> Any:
        """POST JSON or bytes."""
        body = content if content is not None else msgspec.json.encode(document if document is not None else {})
        return self._ask("POST", path, body, query or {})

    def put(self, path: str, document: Any) -> Any:
        """PUT JSON."""
        return self._ask("PUT", path, msgspec.json.encode(document), {})

    def delete(self, path: str, **query: Any) -> Any:
        """DELETE."""
        return self._ask("DELETE", path, None, query)

    def lines(self, path: str, content: bytes) -> bytes:
        """POST NDJSON and give the NDJSON that comes back."""
        answer, status = self._exchange("POST", path, content)
        if status != 200:
            raise _problem(answer, status)
        return answer

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _ask(self, method: str, path: str, body: bytes | None, query: dict[str, Any]) -> Any:
        wanted = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        answer, status = self._exchange(method, path + ("?" + wanted if wanted else ""), body)
        if status >= 400:
            raise _problem(answer, status)
        try:
            return msgspec.json.decode(answer)
        except msgspec.DecodeError:
            raise Failure(f"the server answered {status} without a document; its log may say why") from None

    def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[bytes, int]:
        try:
            # A server that refuses a body answers before it has read it all; its answer is still to be had.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._http.request(method, target, body)
            response = self._http.getresponse()
            return response.read(), response.status
        except TimeoutError:
            raise Failure(f"the server did not answer within {TIMEOUT_SECONDS:.0f} s; its log may say why") from None
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise Failure("the server went away before it answered; start it again, then repeat the command") from None


def _problem(answer: bytes, status: int) -> Failure:
    try:
        document = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return Failure(f"the server answered {status} without a document; its log may say why")
    return Failure(str(document.get("detail") or f"status {status}") if isinstance(document, dict) else f"status {status}")


@contextlib.contextmanager
def connect(context: Context) -> Iterator[Client]:
    """A client of the running server, or of a program of our own for the time of the command. Raises Failure."""
    path = context.data / SOCKET_NAME
    if client := _reach(path):
        with contextlib.closing(client):
            yield client
        return
    with opened(context) as running:
        client = _reach(running.path)
        if client is None:
            raise Failure("the control socket does not answer; try again")
        with contextlib.closing(client):
            yield client


def server_runs(context: Context) -> bool:
    """Whether a server owns the data folder."""
    return _reach(context.data / SOCKET_NAME) is not None


def _reach(path: Path) -> Client | None:
    probe = _Connection(path, PROBE_SECONDS)
    try:
        probe.request("GET", "/healthz")
        probe.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        probe.close()
    return Client(path)


class Running:
    """A program of our own on a thread with its event loop."""

    def __init__(self, program: "Program", loop: asyncio.AbstractEventLoop) -> None:
        self.program = program
        self.loop = loop
        self.path = program.data / SOCKET_NAME

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the program's loop and give its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()


def open_program(context: Context, config: "Config | None" = None) -> "Program":
    """Open the data folder in this process; Failure when it cannot be."""
    from wardline.app import Program
    from wardline.base.logs import configure_logs
    from wardline.base.storage import StorageError, StorageLocked
    from wardline.engine.policy import PolicyError

    config = config or context.config()
    configure_logs("error" if config.logs.level == "info" else config.logs.level, config.logs.format)
    try:
        return Program.open(context.data, config, starter=context.starter)
    except StorageLocked as error:
        raise Failure(f"{error} A server that runs answers commands by itself; this one did not: it may be starting or stopping.") from None
    except (StorageError, PolicyError) as error:
        raise Failure(str(error)) from None
    except PermissionError as error:
        raise Failure(
            f"{error.filename or context.data}: this user may not use it; become its owner, or give another folder with --data DIR"
        ) from None


@contextlib.contextmanager
def opened(context: Context) -> Iterator[Running]:
    """A program of our own, its control socket open, for as long as the block lasts."""
    from wardline.serving import DoorError, Doors

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="program", daemon=True)
    thread.start()

    async def make() -> "tuple[Program, Doors]":
        program = open_program(context)
        doors = Doors(program)
        try:
            await doors.open_control()
        except DoorError as error:
            await program.close()
            raise Failure(str(error)) from None
        return program, doors

    async def unmake(program: "Program", doors: "Doors") -> None:
        await doors.close()
        await program.close()

    try:
        program, doors = asyncio.run_coroutine_threadsafe(make(), loop).result()
        try:
            yield Running(program, loop)
        finally:
            asyncio.run_coroutine_threadsafe(unmake(program, doors), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
