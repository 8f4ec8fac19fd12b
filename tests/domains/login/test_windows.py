"""Two tiles of counts and a few bits of accounts."""

from wardline.domains.login.windows import BITS, Entry

HOUR_US = 3_600_000_000


def test_the_hour_forgets_after_two_and_the_day_does_not() -> None:
    entry = Entry()
    for number in range(10):
        entry.add(HOUR_US, 1, 0, 1 << number)
    entry.add(2 * HOUR_US, 1, 0, 1 << 11)
    assert entry.hour.strange + entry.hour.strange_before == 11 and 10 <= entry.hour.accounts() <= 13
    entry.add(5 * HOUR_US, 0, 1)
    assert (entry.hour.strange, entry.hour.strange_before, entry.hour.good, entry.day.strange) == (0, 0, 1, 11)
    entry.add(HOUR_US, -1, 0)
    assert entry.hour.strange == 0 and entry.day.strange == 10


def test_the_number_of_accounts_is_bounded() -> None:
    entry = Entry()
    for number in range(10_000):
        entry.add(HOUR_US, 1, 0, 1 << number % BITS)
    assert 200 < entry.hour.accounts() < 300
