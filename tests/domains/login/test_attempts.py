"""Attempts by account alone: an outcome that names nothing else belongs to the only attempt there is, whatever came and went before."""

from hypothesis import given
from hypothesis import strategies as st

from wardline.domains.login.attempts import LOOKED_AT, Attempt, Attempts

NOW_US = 1_790_000_000_000_000
ACCOUNTS, ADDRESSES = ("account:a", "account:b"), tuple(f"ip:{number}" for number in range(2 * LOOKED_AT))


@given(
    st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ADDRESSES), st.booleans()), max_size=60),
    st.integers(1, 20),
    st.booleans(),
)
def test_the_only_attempt_of_an_account_is_found_by_the_account(steps: list[tuple[str, str, bool]], capacity: int, again: bool) -> None:
    attempts, model = Attempts(capacity), dict[tuple[str, str], None]()
    for account, address, opens in steps:
        facts, place = {"account": account, "ip": address}, (account, address)
        if opens:
            attempts.opened(facts, Attempt(account, NOW_US))
            model.pop(place, None)
            model[place] = None
            if len(model) > capacity:
                del model[next(iter(model))]
        else:
            assert (attempts.closed(facts, NOW_US) is not None) == (place in model)
            model.pop(place, None)
        if again:
            kept = list(attempts.waiting.items())
            attempts = Attempts(capacity)
            attempts.restore(kept)
        assert list(attempts.waiting) == ["|".join(place) for place in model]
    for account in ACCOUNTS:
        only = sum(of == account for of, _ in model) == 1
        assert (attempts.closed({"account": account}, NOW_US) is not None) == only


def test_of_many_attempts_the_last_ones_are_looked_at() -> None:
    attempts = Attempts()
    attempts.opened({"account": "account:a", "ip": ADDRESSES[0]}, Attempt("account:a", NOW_US))
    for address in ADDRESSES[1 : LOOKED_AT + 1]:
        attempts.opened({"account": "account:a", "ip": address}, Attempt("account:a", NOW_US - 86_400_000_000))
    # The one that is near in time lies behind as many others as are looked at.
    assert attempts.closed({"account": "account:a"}, NOW_US) is None
    attempts.closed({"account": "account:a", "ip": ADDRESSES[1]}, NOW_US - 86_400_000_000)
    assert attempts.closed({"account": "account:a"}, NOW_US) is not None
    attempts.erase("account:a")
    assert not attempts.waiting
