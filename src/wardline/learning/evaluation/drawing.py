"""Curves and bars as SVG, without a library.

    lines("Stopped by history", {"1.0%": [(0, 0.4, 0.3, 0.5), (12, 0.9, 0.8, 0.95)]}, x="past logins", y="share stopped")     "<svg …>"

Points are (x, share, low, high) in steps that stand equally far apart; the axis runs from 0 to the least of TOPS that all intervals fit under. SVG 1.1,
https://www.w3.org/TR/SVG11/.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 60, 46, 150, 50
COLOURS = ("#1f5fa8", "#c2571a", "#2f7d4f", "#8a3ea8", "#666666", "#a8761f", "#1f8fa8", "#a81f4c")
TOPS = (0.02, 0.04, 0.1, 0.2, 0.4, 1.0)
Point = tuple[float, float, float, float]


def lines(title: str, series: Mapping[str, Sequence[Point]], *, x: str, y: str) -> str:
    """A line for each series, with the interval of each point."""
    places = sorted({point[0] for points in series.values() for point in points})
    at = {place: LEFT + (WIDTH - LEFT - RIGHT) * (number + 0.5) / max(len(places), 1) for number, place in enumerate(places)}
    top = _top(high for points in series.values() for _place, _share, _low, high in points)
    parts = [_frame(title, x, y, top), *(_text(at[place], HEIGHT - BOTTOM + 16, f"{place:g}", "middle") for place in places)]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{at[place]:.1f},{_height(share, top):.1f}" for place, share, _low, _high in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for place, share, low, high in points:
            parts.append(
                _bar(at[place], low, high, colour, top)
                + f'<circle cx="{at[place]:.1f}" cy="{_height(share, top):.1f}" r="3" fill="{colour}"/>'
            )
        parts.append(_key(number, name, colour))
    return _svg(parts)


def bars(title: str, values: Mapping[str, tuple[float, float, float]], *, y: str) -> str:
    """A bar for each name: (share, low, high)."""
    top = _top(high for _share, _low, high in values.values())
    parts = [_frame(title, "", y, top)]
    width = (WIDTH - LEFT - 20) / max(len(values), 1)
    for number, (name, (share, low, high)) in enumerate(values.items()):
        left = LEFT + width * number
        parts.append(
            f'<rect x="{left + width * 0.15:.1f}" y="{_height(share, top):.1f}" width="{width * 0.7:.1f}" '
            f'height="{max(_height(0, top) - _height(share, top), 0):.1f}" fill="{COLOURS[0]}" fill-opacity="0.7"/>'
        )
        middle = left + width / 2
        parts.append(_bar(middle, low, high, "#222222", top))
        foot = HEIGHT - BOTTOM + 14
        parts.append(
            f'<text x="{middle:.1f}" y="{foot}" font-size="10" text-anchor="end" '
            f'transform="rotate(-30 {middle:.1f} {foot})">{escape(name)}</text>'
        )
    return _svg(parts)


def _top(highs: Iterable[float]) -> float:
    most = max(highs, default=1.0)
    return next((top for top in TOPS if top >= most), 1.0)


def _height(share: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(share / top, 0.0), 1.0)


def _frame(title: str, x: str, y: str, top: float) -> str:
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{_height(share, top):.1f}" y2="{_height(share, top):.1f}" stroke="#dddddd"/>'
        + _text(LEFT - 8, _height(share, top) + 4, f"{100 * share:g}%", "end")
        for share in (top * quarter for quarter in (0.0, 0.25, 0.5, 0.75, 1.0))
    )
    names = _text(LEFT, 36, y, "start") + _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x, "middle")
    return f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{escape(title)}</text>{grid}{names}'


def _bar(at: float, low: float, high: float, colour: str, top: float) -> str:
    ends = f'y1="{_height(low, top):.1f}" y2="{_height(high, top):.1f}"'
    return f'<line x1="{at:.1f}" x2="{at:.1f}" {ends} stroke="{colour}" stroke-opacity="0.6"/>'


def _key(number: int, name: str, colour: str) -> str:
    y = TOP + 18 * number
    return f'<rect x="{WIDTH - RIGHT + 10}" y="{y}" width="12" height="12" fill="{colour}"/>' + _text(
        WIDTH - RIGHT + 28, y + 10, name, "start"
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return head + f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
