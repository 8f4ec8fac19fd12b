"""Wardline: an anti-abuse platform for services with mail, accounts and web traffic.

    from wardline import Wardline
    Wardline().check_mail(raw_bytes).verdict        "allow"
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from wardline.library import Wardline as Wardline


def __getattr__(name: str) -> Any:
    # Imported on first use: whoever wants one protocol module should not load the whole program.
    if name == "Wardline":
        from wardline.library import Wardline

        return Wardline
    raise AttributeError(f"module 'wardline' has no attribute {name!r}")
