"""Wardline as a library: judge messages in your own program, without a server.

    from wardline import Wardline
    wardline = Wardline()
    wardline.check_mail(raw_bytes).verdict          "allow", "junk", …
    Wardline(data="/var/lib/wardline")              records decisions and learns, like the server; one process at a time

Without a data folder nothing is recorded and nothing is learned; every call judges by the shipped model and the message alone.
"""

import asyncio
import shutil
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wardline.app import Program
from wardline.base.config import Config
from wardline.domains.mail.door import LearnAnswer, MailAnswer
from wardline.domains.mail.events import Envelope


class Wardline:
    """A program on a thread of its own, called like a plain object. Safe to call from several threads; `close` it, or use `with`."""

    def __init__(self, data: str | Path | None = None, config: Config | None = None, *, starter: bool = True) -> None:
        self._temporary = Path(tempfile.mkdtemp(prefix="wardline-")) if data is None else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wardline", daemon=True)
        self._thread.start()
        folder = self._temporary or Path(str(data))
        try:
            self.program: Program = self._call(self._open(folder, config or Config(), starter))
        except BaseException:
            self._stop()
            raise

    @staticmethod
    async def _open(folder: Path, config: Config, starter: bool) -> Program:
        return Program.open(folder, config, starter=starter)

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def check_mail(self, raw: bytes, envelope: Envelope | None = None) -> MailAnswer:
        """Judge one message."""
        answer: MailAnswer = self._call(self.program.mail.decide(raw, envelope or Envelope(), source="library"))
        return answer

    def learn_mail(self, raw: bytes, *, abusive: bool, user: str = "") -> LearnAnswer:
        """Learn that a message is spam or ham."""
        answer: LearnAnswer = self._call(self.program.mail.learn(raw, abusive=abusive, subject=user, source="library"))
        return answer

    def unlearn_mail(self, raw: bytes, *, user: str = "") -> LearnAnswer:
        """Take a label back."""
        answer: LearnAnswer = self._call(self.program.mail.unlearn(raw, subject=user, source="library"))
        return answer

    def close(self) -> None:
        """Save and close; a folder of our own is removed. Calling it twice is harmless."""
        if self._thread.is_alive():
            self._call(self.program.close())
            self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
