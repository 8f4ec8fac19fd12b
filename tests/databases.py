"""Real PostgreSQL and MariaDB servers for tests: each in a folder of its own, on a Unix socket and a port of 127.0.0.1, as a user without
rights, ended with the run.

    server = PostgreSql(Path("/usr/lib/postgresql/15/bin"))
    server.start()
    server.fresh()                   # an empty database
    server.address()                 # engine.servers.address.Address
    server.documented()              # set up by the commands of docs/operate/databases.md; gives the URL without the password
    server.stop(); server.start()    # it goes away and comes back, with what it had
    server.hang(); server.go_on()    # it stops answering, while its kernel still takes what is sent
    server.end()

They do not sync unless they are made `durable`: what is tested here is what Wardline makes of a server, not whether the server keeps its own
promise.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from wardline.engine.servers.address import Address, read_address
from wardline.engine.sql import schema

# PostgreSQL and MariaDB refuse to run as root.
USER = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
PASSWORD = "a-password-of-the-tests"
PAGE = Path(__file__).resolve().parents[1] / "docs/operate/databases.md"


def documented(first_words: str) -> list[str]:
    """The lines of the page's set-up blocks that begin with one of these words."""
    words = tuple(first_words.split())
    return [line.strip() for line in PAGE.read_text("utf-8").splitlines() if line.startswith("    ") and line.strip().startswith(words)]


class DatabaseServer:
    """One server. `home` holds everything it has."""

    def __init__(self, name: str, durable: bool) -> None:
        self.durable = durable
        self.home = Path(tempfile.mkdtemp(prefix=f"wardline-{name}-", dir="/tmp"))
        os.chown(self.home, USER.pw_uid, USER.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._shown: Path | None = None

    def run_as_user(self, *command: str | Path, stdin: str = "") -> None:
        """Run a command to its end as the server's user."""
        # A session of its own: without a terminal, programs read passwords from standard input.
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.home, input=stdin, start_new_session=True, **self._user(self.environment())
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def spawn(self, *command: str | Path) -> None:
        """Start the server itself, and wait until it answers."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, **self._user())
        for _ in range(1000):
            try:
                self.execute("SELECT 1")
            except DBAPIError:
                assert self._process.poll() is None, (self.home / "server.log").read_text("utf-8", "replace")
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("the server did not start")

    def environment(self) -> dict[str, str]:
        """Where its administrator's programs find it."""
        return {}

    def shell(self, command: str) -> None:
        """Run a command line that an operator is told to run, as written; the password comes from the tool's own variable."""
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "MYSQL_PWD": PASSWORD}
        # With the bare option MariaDB's tools would ask a terminal.
        command = command.replace("--password ", "")
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=self.home, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _user(more: dict[str, str] | None = None) -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", **(more or {})}
        return {"env": environment, **({"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {})}

    def url(self, database: str) -> str:
        """The URL of a database."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, or start it again."""
        raise NotImplementedError

    def fresh(self) -> None:
        """Make the database `wardline` anew, empty. Where its tables are as this program makes them, they are only emptied, which is quicker."""
        engine = create_engine(self.url("wardline"), poolclass=NullPool)
        try:
            with engine.begin() as connection:
                assert schema.version(connection) == schema.SCHEMA_VERSION
                for table in schema.metadata.sorted_tables:
                    if table is not schema.facts:
                        connection.execute(table.delete())
                name = schema.facts.c.name
                connection.execute(schema.facts.delete().where(name.not_in(["schema_version", "indexed_seq"])))
                connection.execute(schema.facts.update().where(name == "indexed_seq").values(value=0))
        except (DBAPIError, AssertionError):
            self.anew()

    def anew(self) -> None:
        """The same from nothing."""
        raise NotImplementedError

    def documented(self) -> str:
        """Set up role and database by the page's own commands; gives the page's URL for this server, which has no password in it."""
        raise NotImplementedError

    def address(self) -> Address:
        """Where Wardline finds its database."""
        return read_address(self.url("wardline"), environment={})

    def address_for(self, folder: Path) -> Address:
        """The same; empty when another data folder had it before."""
        if self._shown != folder:
            self.fresh()
            self._shown = folder
        return self.address()

    def execute(self, *statements: str, database: str = "") -> list[Any]:
        """Run statements past Wardline; gives the rows of the last."""
        engine = create_engine(self.url(database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        rows: list[Any] = []
        with contextlib.closing(engine.connect()) as connection:
            for statement in statements:
                result = connection.execute(text(statement))
                rows = list(result) if result.returns_rows else []
        return rows

    def stop(self) -> None:
        """It goes away; its files stay."""
        if self._process is not None:
            self._process.send_signal(self.STOP)
            self._process.wait(30)
            self._process = None

    def hang(self) -> None:
        """Stop all its processes where they are: connections stay, nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of `hang`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        own = self._process.pid
        os.kill(own, number)
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(path.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == own:
                    os.kill(int(path.parent.name), number)

    STOP = 15

    def end(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class PostgreSql(DatabaseServer):
    """Debian's PostgreSQL."""

    STOP = 2  # "fast": sessions are cut off, as in an outage

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        super().__init__("postgresql", durable)
        self._programs = programs
        self.run_as_user(
            programs / "initdb", "-D", self.home / "data", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256",
            "-U", "postgres", "-E", "UTF8", "--locale=C"
        )  # fmt: skip

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.home)}
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "40", "autovacuum": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.spawn(self._programs / "postgres", "-D", self.home / "data", *options)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:{PASSWORD}@/{database or 'postgres'}?host={self.home}&port={self.port}"

    def environment(self) -> dict[str, str]:
        return {"PGHOST": str(self.home), "PGPORT": str(self.port), "PGUSER": "postgres"}

    def documented(self) -> str:
        self._shown = None
        self.execute("DROP DATABASE IF EXISTS wardline")
        self.execute("DROP ROLE IF EXISTS wardline")
        for line in documented("createuser createdb"):
            program, *arguments = line.split()
            self.run_as_user(self._programs / program, *arguments, stdin=f"{PASSWORD}\n{PASSWORD}\n")
        return f"postgresql+psycopg://wardline@127.0.0.1:{self.port}/wardline"

    def anew(self) -> None:
        if not self.execute("SELECT 1 FROM pg_database WHERE datname = 'wardline'"):
            self.execute("CREATE DATABASE wardline")
        self.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database="wardline")


class MariaDb(DatabaseServer):
    """Debian's MariaDB."""

    def __init__(self, program: Path, install: Path, *, durable: bool = False) -> None:
        super().__init__("mariadb", durable)
        self._program = program
        self.run_as_user(install, "--no-defaults", f"--datadir={self.home / 'data'}", "--auth-root-authentication-method=normal",
                         "--skip-test-db", "--innodb-flush-method=nosync", "--innodb-log-file-size=8M")  # fmt: skip

    def start(self) -> None:
        settings = [
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.home / 'socket'}",
            f"--pid-file={self.home / 'pid'}",
        ]
        if not self.durable:
            settings += ["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
                         "--innodb-log-file-size=8M", "--innodb-fast-shutdown=2"]  # fmt: skip
        self.spawn(self._program, "--no-defaults", f"--datadir={self.home / 'data'}", *settings)

    def url(self, database: str) -> str:
        return f"mariadb+pymysql://root@/{database or 'mysql'}?unix_socket={self.home / 'socket'}"

    def anew(self) -> None:
        self.execute("DROP DATABASE IF EXISTS wardline", "CREATE DATABASE wardline")

    def documented(self) -> str:
        self._shown = None
        self.execute("DROP DATABASE IF EXISTS wardline", "DROP USER IF EXISTS 'wardline'@'127.0.0.%'")
        for line in documented("CREATE GRANT"):
            # text() takes a colon for the name of a value; there is none in these lines.
            self.execute(line.rstrip(";").replace("192.0.2.%", "127.0.0.%").replace("'…'", f"'{PASSWORD}'"))
        return f"mariadb+pymysql://wardline@127.0.0.1:{self.port}/wardline"
