from array import array

def look(
    seen: array[int],
    now: array[int],
    past: array[float],
    numbers: list[int | None],
    width: int,
    tick: int,
    ticks: int,
    busy: float,
    least: float,
    /,
) -> list[tuple[float, int] | None]: ...
def count(
    seen: array[int],
    now: array[int],
    past: array[float],
    numbers: list[int | None],
    width: int,
    tick: int,
    first: int,
    halves_at: int,
    speaks_from: int,
    /,
) -> None: ...
