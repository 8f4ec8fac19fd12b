Found = tuple[float, float, float, float, int, int, int, int, int | None, int, bool]

def weigh(
    packed: bytes,
    keys: tuple[int, ...],
    young: dict[int, int],
    old: dict[int, int],
    total: int,
    day: int,
    has_device: bool,
    table: bytes,
    /,
) -> Found | None: ...
