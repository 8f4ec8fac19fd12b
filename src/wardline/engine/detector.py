"""A detector: code that looks at one event and its features and gives a signal. One detector, one file.

    class Greeting(Detector[Mail]):
        name = "greeting"
        reads = ("greeting.is_generic",)
        cost_us = 2.0

        def measure(self, subject, known):      # the only place that sees content; what it returns is stored with the decision
            return {"greeting.is_generic": subject.text.startswith("Dear customer")}

        def judge(self, values):                # pure: the stored values in, a signal out
            if values["greeting.is_generic"]:
                return Signal(0.7, "The message greets nobody by name.")
            return SILENT

The split is what makes replay possible: `measure` turns content into named values while the event is admitted, `judge` sees nothing else.
A domain's detectors are the modules of its folder `detectors`, found by `discover`: no list to keep.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

from wardline.engine.feature import Value, Values
from wardline.engine.signal import Signal

Subject = TypeVar("Subject", contravariant=True)


class Detector(Generic[Subject]):
    """Base of all detectors.

    name: unique, the file's name. reads: the features that `judge` uses; those it provides itself begin with "name.".
    cost_us: what `measure` and `judge` cost together on a usual event, in microseconds; detectors run from cheap to dear.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()
    cost_us: ClassVar[float] = 1.0

    def measure(self, subject: Subject, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """Content to values. `known` holds what was measured and read before (features, counters, lists). Must not change anything."""
        return {}

    def judge(self, values: Values) -> Signal:
        """Values to a signal. Pure and deterministic. A value that is missing or None is unknown: be silent and say why."""
        raise NotImplementedError


def discover(folder: ModuleType, prefix: str = "") -> tuple[type[Detector[Any]], ...]:
    """The detectors of a package's modules, cheap before dear: each module defines exactly one, whose name is `prefix` and the file's name.
    Raises ImportError for a module that does not."""
    found: list[type[Detector[Any]]] = []
    for module_info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{module_info.name}")
        name = f"{prefix}{module_info.name}"
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Detector)
            and value.__module__ == module.__name__
            and getattr(value, "name", "") == name
        ]
        if len(own) != 1:
            raise ImportError(f"{module.__name__} must define exactly one Detector with name = {name!r}, found {len(own)}")
        found.append(own[0])
    return tuple(sorted(found, key=lambda detector: (detector.cost_us, detector.name)))
