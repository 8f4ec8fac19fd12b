"""Debian's Postfix in a folder of its own: what the journeys send through, and the demo.

    server = Postfix(Path("/usr/sbin/postfix"), milter_port=8893, default_action="accept"); server.start()
    server.send(raw, client_ip="192.0.2.7")  -> (250, "2.0.0 Ok: queued as …");  server.take() -> [the delivered message]

It listens on 127.0.0.1 alone, delivers example.net into one mailbox in its folder, and sends nothing anywhere. Needs root.
"""

import contextlib
import json
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from journeys.server import free_ports

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


class Postfix:
    """Debian's Postfix, with a configuration, a queue and a mailbox of its own."""

    def __init__(self, program: Path, milter_port: int, default_action: str) -> None:
        # Its daemons give up root, so every folder above must let them pass: not pytest's, which is private.
        self.home = Path(tempfile.mkdtemp(prefix="wardline-postfix-", dir="/tmp"))
        self.home.chmod(0o755)
        (self.port,), self.milter_port = free_ports(1), milter_port
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
