"""What all tests share: naming what a journey needs, listing at the end what was not run for want of it, database servers, and a decision point
that does as told.

    def test_real_postfix(require): require("postfix", "postfix")

A journey through somebody else's program cannot pass without that program; it is then reported at the end of the run, with the package to
install, and never passes in silence.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from databases import DatabaseServer, MariaDb, PostgreSql
from hypothesis import settings

from wardline.domains.mail.door import LearnAnswer, MailAnswer, Reason
from wardline.domains.mail.events import Envelope

# The same examples in every run, and no clock: a slow machine is no failure.
settings.register_profile("wardline", deadline=None, derandomize=True)
settings.load_profile("wardline")

NOT_RUN = "not run: "
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


@pytest.fixture(scope="session")
def require() -> Callable[..., Path]:
    """`require(program, package)` gives the program's path, or reports the test as not run; `root=True` asks for root as well."""

    def asked(program: str, package: str, *, root: bool = False) -> Path:
        found = shutil.which(program, path=os.environ.get("PATH", "") + ":" + SYSTEM_FOLDERS)
        if found is None:
            pytest.skip(f"{NOT_RUN}{program} is missing; install it with: apt-get install {package}")
        if root and os.geteuid() != 0:
            pytest.skip(f"{NOT_RUN}{program} needs root to be started by a test; run the tests as root")
        return Path(found)

    return asked


@pytest.fixture(scope="session")
def postgresql(require: Callable[..., Path]) -> Iterator[DatabaseServer]:
    """Debian keeps the server's programs beside each other, by version, outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    server = PostgreSql(found[-1].parent if found else require("postgres", "postgresql").resolve().parent)
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="session")
def mariadb(require: Callable[..., Path]) -> Iterator[DatabaseServer]:
    """Debian's MariaDB."""
    server = MariaDb(require("mariadbd", "mariadb-server"), require("mariadb-install-db", "mariadb-server"))
    try:
        server.start()
        yield server
    finally:
        server.end()


@pytest.fixture(params=["postgresql", "mariadb"], scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each kind of database server, running."""
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The list of what was not run, and why; each cause once, with how many tests it cost."""
    causes: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        causes.setdefault(text.removeprefix("Skipped: ").removeprefix(NOT_RUN), []).append(report.nodeid)
    if causes:
        terminalreporter.section("not run", sep="=", yellow=True)
        for cause, tests in causes.items():
            terminalreporter.write_line(f"{cause}  ({len(tests)} tests: {tests[0]}{' …' if len(tests) > 1 else ''})")


class ScriptedDoor:
    """A MailDoor that answers `answer` to everything, remembers what it was asked, and can fail (`error`) or be slow (`seconds`)."""

    def __init__(self) -> None:
        self.answer = MailAnswer(
            id="01TESTID",
            verdict="junk",
            score=0.973,
            log_odds=3.58,
            junk_log_odds=2.2,
            reasons=(Reason("text", 0.98, "The words are those of known spam."), Reason("url", 0.7, "A link names another host.")),
            policy="mail@1",
            model="test",
            ms=1.5,
            mode="tag",
            action="junk",
        )
        self.asked: list[tuple[bytes, Envelope, str]] = []
        self.sizes: list[int | None] = []
        self.learned: list[tuple[bytes, bool, str, str, Envelope | None]] = []
        self.error: Exception | None = None
        self.seconds = 0.0
        self.running = asyncio.Event()

    def set(self, **changes: object) -> None:
        """Answer differently from now on."""
        self.answer = msgspec.structs.replace(self.answer, **changes)

    async def decide(self, raw: bytes, envelope: Envelope, *, source: str, size_bytes: int | None = None) -> MailAnswer:
        self.asked.append((raw, envelope, source))
        self.sizes.append(size_bytes)
        self.running.set()
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.answer

    async def learn(self, raw: bytes, *, abusive: bool, subject: str, source: str, envelope: Envelope | None = None) -> LearnAnswer:
        if self.error is not None:
            raise self.error
        already = any(raw == known and abusive == label for known, label, *_ in self.learned)
        self.learned.append((raw, abusive, subject, source, envelope))
        return LearnAnswer("01LABEL", not already, already, "already learned" if already else "learned")

    async def unlearn(self, raw: bytes, *, subject: str, source: str) -> LearnAnswer:
        return LearnAnswer("01LABEL", False, False, "not known")

    def stat(self) -> Mapping[str, int]:
        spam = sum(abusive for _, abusive, *_ in self.learned)
        return {"scanned": len(self.asked), "learned_spam": spam, "learned_ham": len(self.learned) - spam, "action.junk": len(self.asked)}


@pytest.fixture
async def door() -> ScriptedDoor:
    """A decision point for tests of gateways."""
    return ScriptedDoor()
