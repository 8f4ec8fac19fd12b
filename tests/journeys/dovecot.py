"""Debian's Dovecot in a folder of its own, with the settings and scripts of docs/integrate/dovecot.md. Needs root."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from journeys.server import free_ports

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
        (self.port,), self._program = free_ports(1), program
        self._process: subprocess.Popen[bytes] | None = None
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
