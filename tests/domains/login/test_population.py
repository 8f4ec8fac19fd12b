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
        population.settle(-5.0)
    assert population.upper(0.01) is None
    for number in range(1000):
        population.settle(number / 100)
    assert 9.7 <= (population.upper(0.01) or 0) <= 10.0
    again = Population()
    again.restore(population.snapshot())
    assert again.snapshot() == population.snapshot()
