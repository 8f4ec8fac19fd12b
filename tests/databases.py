"""Real PostgreSQL and MariaDB servers for tests: each in a folder of its own, on a Unix socket, as a user without rights, ended with the run.

    server = PostgreSql(Path("/usr/lib/postgresql/15/bin"))
    server.start()
    server.fresh()                   # an empty database
    server.address()                 # engine.server_address.Address
    server.stop(); server.start()    # it goes away and comes back, with what it had
    server.end()

They do not sync: what is tested here is what Wardline makes of a server, not whether the server keeps its own promise.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from wardline.engine.server_address import Address, read_address

# PostgreSQL and MariaDB refuse to run as root.
USER = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
PASSWORD = "a-password-of-the-tests"


class DatabaseServer:
    """One server. `home` holds everything it has."""

    def __init__(self, name: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix=f"wardline-{name}-", dir="/tmp"))
        os.chown(self.home, USER.pw_uid, USER.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self._shown: Path | None = None

    def run_as_user(self, *command: str | Path) -> None:
        """Run a command to its end as the server's user."""
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home, **self._user())
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

    @staticmethod
    def _user() -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        return {"env": environment, **({"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {})}

    def url(self, database: str) -> str:
        """The URL of a database."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, or start it again."""
        raise NotImplementedError

    def fresh(self) -> None:
        """Make the database `wardline` anew, empty."""
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

    STOP = 15

    def end(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class PostgreSql(DatabaseServer):
    """Debian's PostgreSQL."""

    STOP = 2  # "fast": sessions are cut off, as in an outage

    def __init__(self, programs: Path) -> None:
        super().__init__("postgresql")
        self._programs = programs
        self.run_as_user(
            programs / "initdb", "-D", self.home / "data", "--no-sync", "-A", "trust", "-U", "wardline", "-E", "UTF8", "--locale=C"
        )

    def start(self) -> None:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.home), "fsync": "off", "full_page_writes": "off",
                    "shared_buffers": "32MB", "max_connections": "40", "autovacuum": "off"}  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.spawn(self._programs / "postgres", "-D", self.home / "data", *options)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://wardline:{PASSWORD}@/{database or 'postgres'}?host={self.home}"

    def fresh(self) -> None:
        if not self.execute("SELECT 1 FROM pg_database WHERE datname = 'wardline'"):
            self.execute("CREATE DATABASE wardline")
        self.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database="wardline")


class MariaDb(DatabaseServer):
    """Debian's MariaDB."""

    def __init__(self, program: Path, install: Path) -> None:
        super().__init__("mariadb")
        self._program = program
        self.run_as_user(install, "--no-defaults", f"--datadir={self.home / 'data'}", "--auth-root-authentication-method=normal",
                         "--skip-test-db", "--innodb-flush-method=nosync", "--innodb-log-file-size=8M")  # fmt: skip

    def start(self) -> None:
        self.spawn(self._program, "--no-defaults", f"--datadir={self.home / 'data'}", f"--socket={self.home / 'socket'}", "--skip-networking",
                   "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
                   "--innodb-log-file-size=8M", "--innodb-fast-shutdown=2", f"--pid-file={self.home / 'pid'}")  # fmt: skip

    def url(self, database: str) -> str:
        return f"mariadb+pymysql://root@/{database or 'mysql'}?unix_socket={self.home / 'socket'}"

    def fresh(self) -> None:
        self.execute("DROP DATABASE IF EXISTS wardline", "CREATE DATABASE wardline")
