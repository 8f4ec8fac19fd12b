"""How many slips of the finger two names are apart: insertion, deletion, substitution, swap of neighbours. Never more work than a narrow band.

    within("paypal", "payapl", 1) -> 1       within("paypal", "paipall", 1) -> None (further apart than the cap)

Damerau-Levenshtein in its optimal string alignment form (Damerau 1964; Boytsov 2011 §2.2). O(n · cap) time, O(n) memory.
"""


def within(left: str, right: str, cap: int = 2) -> int | None:
    """The edit distance when it is at most `cap` (0 to 3 are sensible), else None. Compares at most the first 256 characters."""
    if left == right:
        return 0
    left, right = left[:256], right[:256]
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > cap:
        return None
    # Equal ends cost nothing, and names that are typed wrong are equal nearly everywhere.
    start = 0
    while start < len(left) and left[start] == right[start]:
        start += 1
    stop = 0
    while stop < len(left) - start and left[len(left) - 1 - stop] == right[len(right) - 1 - stop]:
        stop += 1
    left, right = left[start : len(left) - stop], right[start : len(right) - stop]
    if not left:
        return len(right) if len(right) <= cap else None
    far = cap + 1
    width = len(left)
    before: list[int] = []
    row = [column if column <= cap else far for column in range(width + 1)]
    for line, char in enumerate(right, 1):
        current = [far] * (width + 1)
        if line <= cap:
            current[0] = line
        least = current[0]
        for column in range(max(1, line - cap), min(width, line + cap) + 1):
            cost = row[column - 1] + (left[column - 1] != char)
            cost = min(cost, row[column] + 1, current[column - 1] + 1)
            if line > 1 and column > 1 and left[column - 1] == right[line - 2] and left[column - 2] == char:
                cost = min(cost, before[column - 2] + 1)
            if cost < far:
                current[column] = cost
                least = min(least, cost)
        if least == far and min(row) == far:
            return None
        before, row = row, current
    return row[width] if row[width] <= cap else None
