"""All detectors of logins: every module of this folder that defines a Detector named like its file.

    ALL  ->  (<class Travel>, …), cheap before dear

A new detector is three files (the module, its test, its page) and no line here.
"""

import importlib
import pkgutil
from typing import Any

from wardline.engine.detector import Detector


def discover() -> tuple[type[Detector[Any]], ...]:
    """The detector classes of this folder's modules, cheap before dear. Raises ImportError when a module holds no detector of its own name."""
    found: list[type[Detector[Any]]] = []
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Detector)
            and value.__module__ == module.__name__
            and getattr(value, "name", "") == f"login.{module_info.name}"
        ]
        if len(own) != 1:
            raise ImportError(
                f"{module.__name__} must define exactly one Detector with name = 'login.{module_info.name}', found {len(own)}"
            )
        found.append(own[0])
    return tuple(sorted(found, key=lambda detector: (detector.cost_us, detector.name)))


ALL: tuple[type[Detector[Any]], ...] = discover()
