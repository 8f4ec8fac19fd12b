"""For tests: a card of a model that was never trained."""

from wardline.learning.datasets.encoding import Encoding
from wardline.learning.evaluation.comparison import Figures, Score
from wardline.learning.evaluation.intervals import Share
from wardline.learning.registry.card import Card, Data, Line, Slice

SCORE = Score(area=0.9, found={"0.1%": Share.of_all(5, 10), "1.0%": Share.of_all(6, 10)}, loss=0.2)
SLICE = Slice(honest=40, abusive=40, first="2026-03-01T00:00:00Z", last="2026-03-02T00:00:00Z")


def card(name: str, *, refused: tuple[str, ...] = (), present: str = "") -> Card:
    """One number and one text."""
    return Card(
        name=name,
        point="signup",
        made="2026-03-03T00:00:00Z",
        files={},
        encoding=Encoding(("form_ms",), {"user_agent.os": ("", "Linux")}),
        alone=Line(1.0, 0.0),
        beside=Line(0.5, -0.1),
        least=-3.0,
        most=4.0,
        parameters={"trees": 1.0},
        versions={},
        data=Data(origin="logged at decision time", decisions=240, trained=SLICE, calibrated=SLICE, held=SLICE),
        importance={"form_ms": 1.0},
        difference=0.0,
        present=present,
        figures=Figures(honest=40, abusive=40, detectors=SCORE, present=SCORE, alone=SCORE, new=SCORE, won=0, lost=0, tied=80),
        refused=list(refused),
    )
