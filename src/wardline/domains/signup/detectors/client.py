"""client: a browser that contradicts itself.

    {"user_agent.device": "script"}                          ->  Signal(0.88, "The form was sent by a program, not by a browser.")
    {"language": "vi", "timezone": "America/New_York"}       ->  nothing: people live where they like
    {"user_agent.os": "iOS", "screen": "1920x1080"}          ->  Signal(0.73, "The screen is not one of a telephone, though the browser says it is one.")

Language and time zone differ for every emigrant, so their difference is no sign; a time zone of no place beside a browser on a telephone is a weak one.
"""

from typing import Any

from wardline.engine.detector import Detector
from wardline.engine.feature import Values
from wardline.engine.signal import SILENT, Signal, probability
from wardline.engine.walk.intake import screen

PROGRAMS = frozenset({"script", "bot"})
PHONE_WIDTH = 1200
BARE_ZONES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})


class Client(Detector[Any]):
    """Whether what the client says of itself fits together."""

    name = "signup.client"
    reads = ("user_agent", "user_agent.device", "user_agent.crawler", "screen", "timezone")
    cost_us = 1.0

    def judge(self, values: Values) -> Signal:
        """Silent where everything fits or too little is known."""
        device = values.get("user_agent.device")
        if (isinstance(device, str) and device in PROGRAMS) or values.get("user_agent.crawler") is True:
            return Signal(probability(2.0), "The form was sent by a program, not by a browser.")
        shown = values.get("screen")
        size = screen(shown) if isinstance(shown, str) else None
        if device == "phone" and size is not None and min(int(side) for side in size.split("x")) > PHONE_WIDTH:
            return Signal(probability(1.0), "The screen is not one of a telephone, though the browser says it is one.")
        zone = values.get("timezone")
        if device == "phone" and isinstance(zone, str) and zone in BARE_ZONES:
            return Signal(probability(0.6), "A telephone that knows no place for its clock is unusual.")
        if values.get("user_agent") is None and (size is not None or zone is not None):
            return Signal(probability(0.6), "The browser does not say what it is.")
        return SILENT
