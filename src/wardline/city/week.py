"""When people are awake: a week as a curve of activity, and its inverse.

    curve = CURVES["office"]
    curve.second(0.31)        the second of the week at which 31 % of the week's activity lies behind

A person's logins are a Poisson process whose clock runs with the curve (time rescaling), so that the next login is one exponential draw and one
look-up. Hours are local. The shapes are ours, after the daily and weekly rhythms that mail and login logs show: a trough from two to five, a
rise at seven, a plateau over the working day, a second hump in the evening, quieter weekends.
"""

from itertools import accumulate

WEEK_SECONDS = 604_800
_STEPS = 2016  # five minutes

_OFFICE = (1, 0.5, 0.3, 0.2, 0.3, 1, 4, 8, 12, 12, 10, 9, 8, 9, 9, 8, 8, 7, 6, 6, 7, 7, 5, 2)
_HOME = (2, 1, 0.6, 0.4, 0.4, 0.8, 2, 4, 6, 8, 8, 7, 7, 6, 6, 6, 7, 8, 9, 10, 11, 11, 8, 4)
_LATE = (8, 6, 4, 2, 1, 0.6, 0.6, 1, 2, 4, 5, 6, 7, 7, 7, 7, 8, 8, 8, 9, 10, 11, 11, 10)
_EARLY = (0.4, 0.2, 0.2, 0.6, 3, 8, 12, 12, 10, 8, 7, 7, 7, 6, 6, 6, 7, 7, 6, 5, 3, 2, 1, 0.6)
_WEEKEND = (3, 2, 1, 0.6, 0.4, 0.5, 1, 2, 4, 6, 7, 7, 7, 6, 6, 6, 6, 7, 7, 8, 8, 8, 6, 4)
_SHIFT = (5, 4, 3, 3, 3, 4, 6, 6, 5, 4, 3, 3, 4, 6, 7, 6, 4, 4, 4, 4, 5, 7, 7, 6)


class Curve:
    """A week's activity and its inverse."""

    def __init__(self, weekday: tuple[float, ...], weekend: tuple[float, ...], weekend_share: float) -> None:
        hours = weekday * 5 + tuple(value * weekend_share for value in weekend) * 2
        sums = (0.0, *accumulate(hours))
        self._seconds: list[float] = []
        hour = 0
        for step in range(_STEPS + 1):
            target = sums[-1] * step / _STEPS
            while hour < 167 and sums[hour + 1] < target:
                hour += 1
            self._seconds.append(round(min(3600 * (hour + (target - sums[hour]) / hours[hour]), float(WEEK_SECONDS)), 3))

    def second(self, share: float) -> float:
        """The second of the week before which that share (0 to 1) of the activity lies."""
        at = share * _STEPS
        step = int(at)
        first = self._seconds[step]
        return first + (self._seconds[step + 1] - first) * (at - step) if step < _STEPS else first


CURVES = {
    "office": Curve(_OFFICE, _WEEKEND, 0.55),
    "home": Curve(_HOME, _WEEKEND, 0.9),
    "late": Curve(_LATE, _LATE, 1.0),
    "early": Curve(_EARLY, _WEEKEND, 0.7),
    "shift": Curve(_SHIFT, _SHIFT, 0.9),
}
SHARES = {"office": 0.46, "home": 0.26, "late": 0.13, "early": 0.1, "shift": 0.05}
