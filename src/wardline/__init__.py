"""Wardline: an anti-abuse platform for services with mail, accounts and web traffic.

from wardline import Wardline
Wardline().check_mail(raw_bytes).verdict        "allow"
"""

import importlib
from typing import TYPE_CHECKING, Any

from wardline.base.version import __version__ as __version__

if TYPE_CHECKING:
    from wardline.library import Wardline as Wardline


def __getattr__(name: str) -> Any:
    # Loaded on first use: whoever wants one protocol module should not load the whole program.
    if name == "Wardline":
        return importlib.import_module("wardline.library").Wardline
    raise AttributeError(f"module 'wardline' has no attribute {name!r}")
