"""Real servers for journeys, each in a folder and on ports of its own, started and ended by the test."""

import contextlib
import json
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/lib
maillog_file = {home}/mail.log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
disable_dns_lookups = yes
default_transport = error:this test sends nothing anywhere
virtual_mailbox_domains = example.net
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {home}/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_milters = inet:127.0.0.1:{milter_port}
milter_default_action = {default_action}
milter_connect_timeout = 5s
milter_command_timeout = 10s
milter_content_timeout = 30s
"""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postfix:
    """Debian's Postfix, with a configuration, a queue and a mailbox of its own."""

    def __init__(self, program: Path, milter_port: int, default_action: str) -> None:
        # Its daemons give up root, so every folder above must let them pass: not pytest's, which is private.
        self.home = Path(tempfile.mkdtemp(prefix="wardline-postfix-", dir="/tmp"))
        self.home.chmod(0o755)
        self.port, self.milter_port = free_port(), milter_port
        self._program = program
        owner, nobody = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        for folder in ("etc", "spool", "lib", "mail"):
            (self.home / folder).mkdir()
        os.chown(self.home / "lib", owner.pw_uid, owner.pw_gid)
        os.chown(self.home / "mail", nobody.pw_uid, nobody.pw_gid)
        values = {
            "home": self.home,
            "milter_port": milter_port,
            "default_action": default_action,
            "uid": nobody.pw_uid,
            "gid": nobody.pw_gid,
        }
        (self.home / "etc" / "main.cf").write_text(MAIN.format(**values))
        (self.home / "etc" / "master.cf").write_text(MASTER.format(port=self.port))

    def start(self) -> None:
        done = self._run("start")
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Postfix did not start:\n{done.stdout}{done.stderr}{self.log()}")

    def stop(self) -> None:
        self._run("stop")
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self) -> str:
        """What Postfix wrote so far."""
        path = self.home / "mail.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def send(
        self, raw: bytes, *, sender: str = "a@example.com", recipients: tuple[str, ...] = ("b@example.net",), client_ip: str = ""
    ) -> tuple[int, str]:
        """One message over SMTP; the code and the text of the last answer that mattered. `client_ip` is told with XCLIENT."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example.com", timeout=60) as client:
            client.ehlo()
            if client_ip:
                client.docmd("XCLIENT", f"ADDR={client_ip} NAME=mail.example.com HELO=mail.example.com")
                client.ehlo()
            client.mail(sender)
            for recipient in recipients:
                client.rcpt(recipient)
            code, text = client.data(raw)
            return code, text.decode()

    def take(self, count: int = 1) -> list[bytes]:
        """So many messages from the mailbox, once they are there; they are gone from it afterwards."""
        found: list[Path] = []
        for _ in range(400):
            found = sorted((self.home / "mail" / "inbox" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
            if len(found) >= count:
                messages = [path.read_bytes() for path in found]
                for path in found:
                    path.unlink()
                return messages
            time.sleep(0.05)
        raise AssertionError(f"{len(found)} of {count} messages were delivered:\n{self.log()}")

    def queued(self) -> list[tuple[str, str]]:
        """What waits in the queue: (queue, queue id)."""
        done = subprocess.run(
            [self._program.parent / "postqueue", "-c", self.home / "etc", "-j"], capture_output=True, text=True, check=True
        )
        return [(entry["queue_name"], entry["queue_id"]) for entry in map(json.loads, done.stdout.splitlines())]

    def release_command(self) -> list[str]:
        """How an administrator takes a message from hold; its queue id follows."""
        return [str(self._program.parent / "postsuper"), "-c", str(self.home / "etc"), "-H"]

    def release(self, queue_id: str) -> None:
        """Take a message from hold, and deliver it now."""
        subprocess.run([*self.release_command(), queue_id], capture_output=True, check=True)
        self.flush()

    def flush(self) -> None:
        """Deliver what waits."""
        subprocess.run([self._program.parent / "postqueue", "-c", self.home / "etc", "-f"], capture_output=True, check=True)

    def _run(self, verb: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._program, "-c", self.home / "etc", verb], capture_output=True, text=True, timeout=60)


CONFIG = """
[http]
port = {http}
[milter]
port = {milter}
[rspamd]
scan_port = {scan}
learn_port = {learn}
[mail]
host_name = "mx.example.net"
"""


class Serving:
    """`wardline serve` as its users start it: a process with a data folder, a configuration file and ports of its own."""

    def __init__(self, home: Path, milter_port: int) -> None:
        self.data, self.secret = home / "data", "a long and random secret"
        self.ports = {"http": free_port(), "milter": milter_port, "scan": free_port(), "learn": free_port()}
        self._config, self._log = home / "wardline.toml", home / "serve.log"
        self.configure()
        self._program = Path(sys.executable).parent / "wardline"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "WARDLINE_LEARN_SECRET": self.secret, "WARDLINE_RESOLVER": "off"}
        command = [self._program, "--data", self.data, "--config", self._config, "serve", "--no-starter"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        for port in self.ports.values():
            self._wait(port)

    def _wait(self, port: int) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"wardline serve did not open port {port}:\n{self.log()}")

    def configure(self, text: str = "") -> None:
        """Further lines of the configuration's [mail] table, from the next start on."""
        self._config.write_text(CONFIG.format(**self.ports) + text)

    def api(self, method: str, path: str, document: object = None) -> Any:
        """What the command line does, without the time that a new process takes: one request to the control socket."""
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.data / "control.sock")), base_url="http://control", timeout=60
        ) as client:
            answer = client.request(method, path, json=document) if document is not None else client.request(method, path)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def mode(self, mode: str) -> None:
        """observe, tag or enforce."""
        self.api("PUT", "/v1/mode", {"mode": mode})

    def command(self, *arguments: str) -> str:
        """The output of `wardline --data … ARGUMENTS`, which must succeed."""
        command = [self._program, "--data", self.data, "--config", self._config, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> int:
        """End it as an administrator would; its exit status."""
        return self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if kill:
            process.kill()
        else:
            process.terminate()
        return process.wait(60)

    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Serving]]:
    """`serving(milter_port)` starts the program; all are ended with the module."""
    started: list[Serving] = []

    def start(milter_port: int = 0) -> Serving:
        server = Serving(tmp_path_factory.mktemp("wardline"), milter_port or free_port())
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def postfix(require: Callable[..., Path]) -> Iterator[Postfix]:
    """A Postfix whose milter is expected on `postfix.milter_port`, and which accepts when nobody listens there."""
    server = Postfix(require("postfix", "postfix", root=True), free_port(), "accept")
    try:
        server.start()
        yield server
    finally:
        server.stop()


DOVECOT = """
base_dir = {home}/run
log_path = {home}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    auto = create
  }}
  mailbox Trash {{
    auto = create
  }}
}}
protocol lda {{
  mail_plugins = $mail_plugins sieve
}}
"""


class Dovecot:
    """Debian's Dovecot with the settings and scripts of docs/integrate/dovecot.md, a folder and a port of its own."""

    def __init__(self, program: Path, settings: str, scripts: Path) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="wardline-dovecot-", dir="/tmp"))
        self.home.chmod(0o755)
        self.port, self._program, self._process = free_port(), program, None
        self.sieve = self.home / "sieve"
        shutil.copytree(scripts, self.sieve)
        (self.sieve / "bin").mkdir()
        shutil.move(self.sieve / "wardline-learn", self.sieve / "bin" / "wardline-learn.real")
        (self.home / "mail").mkdir()
        os.chown(self.home / "mail", pwd.getpwnam("nobody").pw_uid, -1)
        self._config = self.home / "dovecot.conf"
        self._config.write_text(DOVECOT.format(home=self.home, port=self.port) + settings.replace("/etc/dovecot/sieve", str(self.sieve)))

    def learns_at(self, port: int, secret: str) -> None:
        """Put the script in place for a learning port, with the secret in a file that only the mail user may read."""
        header = self.home / "learn.header"
        header.write_text(f"Password: {secret}\n")
        os.chown(header, pwd.getpwnam("nobody").pw_uid, -1)
        header.chmod(0o400)
        script = self.sieve / "bin" / "wardline-learn"
        environment = f"WARDLINE_LEARN_URL=http://127.0.0.1:{port} WARDLINE_LEARN_HEADER={header}"
        script.write_text(f'#!/bin/sh\n{environment} exec {script}.real "$@"\n')
        script.chmod(0o755)

    def start(self) -> None:
        for script in self.sieve.glob("*.sieve"):
            done = subprocess.run(["sievec", "-c", self._config, script], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        self._process = subprocess.Popen([self._program, "-F", "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Dovecot did not start:\n{self.log()}")

    def deliver(self, user: str, raw: bytes) -> None:
        """Hand a message to the local delivery agent."""
        done = subprocess.run(["/usr/lib/dovecot/dovecot-lda", "-c", self._config, "-d", user], input=raw, capture_output=True)
        assert done.returncode == 0, done.stderr.decode() + self.log()

    def log(self) -> str:
        path = self.home / "dovecot.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def dovecot(require: Callable[..., Path]) -> Iterator[Callable[[str, Path], Dovecot]]:
    """`dovecot(settings, scripts)` makes one; `start` it; it is ended with the test."""
    program = require("dovecot", "dovecot-imapd dovecot-sieve", root=True)
    require("sievec", "dovecot-imapd dovecot-sieve")
    require("curl", "curl")
    made: list[Dovecot] = []

    def make(settings: str, scripts: Path) -> Dovecot:
        made.append(Dovecot(program, settings, scripts))
        return made[-1]

    yield make
    for server in made:
        server.stop()
