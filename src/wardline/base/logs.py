"""Logs: structured lines on standard error, without identifiers and without content.

    2026-11-21T09:30:00Z warning journal.behind lag_records=1200

An event name and numbers, versions, public names of our own parts: nothing else may be logged. Values that are neither numbers, booleans
nor short plain words are replaced by "[removed]", so that a careless line cannot leak an address; a test greps the output.
"""

import contextlib
import re
import sys
from typing import Any, TextIO, cast

RANKS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Our own vocabulary: detector names, modes, error classes, file names inside the package. No @, no spaces, no dots within numbers of an IP.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_:/.-]{0,79}")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|@|[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:")
_FREE_TEXT = {"event", "level", "timestamp", "detail"}  # `detail` is text from our own catalogue of errors


class _StandardError:
    """Standard error as it is at the moment of writing. A log that cannot be written (closed, full) is lost; the program goes on."""

    def write(self, text: str) -> int:
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.flush()


class _Setup:
    """How the process logs, as it was configured last; None: as structlog does by itself."""

    rank = 0
    form: str | None = None
    done = False


def configure_logs(level: str, form: str) -> None:
    """Set up logging for the process. level: debug, info, warning, error. form: text or json."""
    _Setup.rank, _Setup.form, _Setup.done = RANKS[level], form, False


def _structlog() -> Any:
    """The library, set up: loaded for the first line that is written, since a command that has nothing to say should not wait for it."""
    import structlog

    if _Setup.form is not None and not _Setup.done:
        processors = structlog.processors
        json = _Setup.form == "json"
        renderer: Any = processors.JSONRenderer() if json else processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
        structlog.configure(
            processors=[processors.add_log_level, processors.TimeStamper(fmt="iso", utc=True), remove_identifiers, renderer],
            wrapper_class=structlog.make_filtering_bound_logger(_Setup.rank),
            logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
            cache_logger_on_first_use=False,
        )
        _Setup.done = True
    return structlog


def remove_identifiers(_logger: Any, _method: str, line: Any) -> Any:
    """Replace every value that could be an identifier or content."""
    for key, value in line.items():
        if key in _FREE_TEXT or value is None or isinstance(value, bool | int | float):
            continue
        text = str(value)
        if not _PLAIN.fullmatch(text) or _ADDRESS.search(text):
            line[key] = "[removed]"
    return line


class Logger:
    """The logger of one room."""

    __slots__ = ("_room",)

    def __init__(self, room: str) -> None:
        self._room = room

    def debug(self, event: str, **values: Any) -> None:
        """What helps whoever looks for a mistake."""
        self._write("debug", event, values)

    def info(self, event: str, **values: Any) -> None:
        """What is as it should be."""
        self._write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        """What somebody should look at."""
        self._write("warning", event, values)

    def error(self, event: str, **values: Any) -> None:
        """What went wrong."""
        self._write("error", event, values)

    def _write(self, level: str, event: str, values: dict[str, Any]) -> None:
        if RANKS[level] >= _Setup.rank:
            getattr(_structlog().get_logger().bind(room=self._room), level)(event, **values)


def logger(room: str) -> Logger:
    """The logger of one room: `logger("journal").warning("behind", lag_records=5)`."""
    return Logger(room)
