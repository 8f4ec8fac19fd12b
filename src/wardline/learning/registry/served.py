"""A model that serves: one row at a time through ONNX Runtime, on the thread that decides.

    model = Served(card, onnx, failed=count)
    model.read(values)      {"model.name": "signup-2026-11-26", "model.log_odds": 2.1, "model.evidence": 1.4}

One thread, no spinning: it shares the machine with everything else. Whatever goes wrong, it says nothing and counts: our failure condemns nobody.
Needs the extra `models`; loaded only where a model was promoted.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from wardline.engine.feature import Value, Values
from wardline.engine.model import EVIDENCE, LOG_ODDS, NAME, held
from wardline.engine.signal import LOG_ODDS_LIMIT
from wardline.learning.datasets.encoding import Encoder
from wardline.learning.registry.card import Card, ModelError

DECIMALS = 6
FATAL = 4  # what ONNX Runtime writes to standard error


def session(data: bytes) -> Any:
    """An ONNX Runtime session with one thread. Raises ModelError: it is not installed, or these bytes are no model."""
    try:
        import onnxruntime
    except ImportError:
        raise ModelError("models need ONNX Runtime: install wardline[models]") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = FATAL
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes, one for each cause
        raise ModelError(f"ONNX Runtime cannot read the model: {str(error)[:200]}") from None


class Served:
    """See the module. A `Model`. failed: told the decision point when the model broke on an event."""

    def __init__(self, card: Card, onnx: bytes, failed: Callable[[str], None]) -> None:
        self.card = card
        self.name = card.name
        self._failed = failed
        self._encoder = Encoder(card.encoding)
        self._session = session(onnx)
        self._output = [self._session.get_outputs()[0].name]
        self._input = self._session.get_inputs()[0].name
        self._width = len(card.encoding.names)

    def raw(self, rows: np.ndarray) -> np.ndarray:
        """The raw scores of encoded rows."""
        return np.asarray(self._session.run(self._output, {self._input: rows})[0], np.float64).reshape(-1)

    def read(self, values: Values) -> dict[str, Value]:
        """What the model says of one event's values."""
        try:
            row = np.array(self._encoder.row(values), np.float32).reshape(1, self._width)
            raw = float(self._session.run(self._output, {self._input: row})[0][0, 0])
            alone = self.card.alone.at(raw)
            evidence = held(self.card.beside.at(raw), self.card.least, self.card.most)
            if not (-1e9 < alone < 1e9 and self.card.least <= evidence <= self.card.most):
                raise ValueError("the model gave no number")
        except Exception:  # whatever it is: the event is decided without the model
            self._failed(self.card.point)
            return {}
        # Rounded, so that another machine's mathematics library says the same when events are replayed.
        return {
            NAME: self.name,
            LOG_ODDS: round(min(max(alone, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT), DECIMALS),
            EVIDENCE: round(evidence, DECIMALS),
        }
