"""The starter model: frozen weights that a fresh installation begins with, so that it can tell spam before anybody labelled any.

    starter = chosen_starter("")           the shipped one; None when it is missing or damaged
    starter.log_odds(features.text)

It never changes while the program runs, so that worker processes may ask their own copy.
"""

import functools
from importlib import resources
from pathlib import Path

from wardline.domains.mail.text.model import TEXT_FIELDS
from wardline.learning.frozen import Frozen, FrozenError
from wardline.learning.online import OnlineModel

STARTER_NAME = "starter.bin"
TEXT_ROWS = OnlineModel.layout(TEXT_FIELDS).bases[-1]


@functools.lru_cache(maxsize=1)
def shipped_starter() -> Frozen | None:
    """The starter model that comes with the program, read once in a process, as it never changes; None when it is not there. FrozenError when it is damaged."""
    found = resources.files("wardline.domains.mail").joinpath(STARTER_NAME)
    return read_starter(found.read_bytes()) if found.is_file() else None


def read_starter(data: bytes) -> Frozen:
    """A starter model from its stored form. Raises FrozenError."""
    return Frozen.from_bytes(data, TEXT_ROWS)


def load_starter(path: str) -> Frozen | None:
    """The model in a file, "" for the shipped one. Raises FrozenError, OSError."""
    return read_starter(Path(path).read_bytes()) if path else shipped_starter()


def chosen_starter(path: str) -> Frozen | None:
    """The same, and None for one that cannot be used: whoever opens the program says why."""
    try:
        return load_starter(path)
    except (FrozenError, OSError):
        return None
