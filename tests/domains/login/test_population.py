"""Counts of the site: two generations, and the risk of its rarest hundredth."""

from wardline.domains.login.population import ENOUGH, Population


def test_old_times_fade_and_memory_is_bounded() -> None:
    population = Population(generation_keys=100)
    for key in range(1000):
        population.add([key, 7])
    assert len(population.young) + len(population.old) <= 200
    assert population.count(3) == 0 and population.count(7) > 50 and population.count(999) == 1


def test_the_upper_hundredth() -> None:
    population = Population()
    for _ in range(ENOUGH - 1):
        population.settle(-5.0, 20)
    assert population.upper(0.01, 20) is None
    for number in range(1000):
        population.settle(number / 100, 20)
    assert 9.7 <= (population.upper(0.01, 20) or 0) <= 10.0
    again = Population()
    again.restore(population.snapshot())
    assert again.snapshot() == population.snapshot()


def test_short_histories_have_a_yardstick_of_their_own() -> None:
    population = Population()
    for number in range(2 * ENOUGH):
        population.settle(number % 100 / 100, 30)
        population.settle(3.0 + number % 100 / 100, 1)
    assert (population.upper(0.01, 30) or 9) < 1.1 < 3.9 < (population.upper(0.01, 1) or 0)
    assert (population.upper(0.01, 4) or 0) > 3.9, "a class with too few is judged by all of them"
