"""Clusters: linked, merged, and parted again; a random walk against a plain recount."""

import random

from wardline.engine.groups.clusters import RECENT, Clusters


def parts(links: dict[int, set[int]]) -> set[frozenset[int]]:
    left, found = set(links), set()
    while left:
        waiting, part = [left.pop()], set()
        while waiting:
            one = waiting.pop()
            part.add(one)
            for other in links:
                if other in left and (other in links[one] or one in links[other]):
                    left.discard(other)
                    waiting.append(other)
        if len(part) > 1:
            found.add(frozenset(part))
    return found


def test_linked_things_are_one_cluster_and_part_when_the_link_goes() -> None:
    clusters = Clusters()
    for serial in (3, 5, 7):
        clusters.add(serial, serial)
    clusters.join(7, [(21.5, 3), (14.0, 5)], at_us=9)
    found = clusters.of(5)
    assert found is not None and (found.size, found.first_us, found.last_us) == (3, 3, 9)
    clusters.label(5, 1)
    assert found.bad == 1
    clusters.leave(7)
    assert [clusters.root(serial) for serial in (3, 5, 7)] == [0, 0, 0]


def test_a_random_life_equals_a_plain_recount() -> None:
    random.seed(7)
    clusters, links = Clusters(), dict[int, set[int]]()
    for serial in range(1, 60):
        clusters.add(serial, serial)
        links[serial] = set()
        others = [other for other in random.sample(sorted(links), min(len(links), 2)) if other != serial] if random.random() < 0.7 else []
        if others:
            clusters.join(serial, [(13.0, other) for other in others], serial)
            links[serial] = set(others)
        if serial % 4 == 0:
            gone = random.choice(sorted(links))
            clusters.forget(gone)
            links.pop(gone)
            for near in links.values():
                near.discard(gone)
        groups: dict[int, set[int]] = {}
        for one in links:
            if root := clusters.root(one):
                groups.setdefault(root, set()).add(one)
        assert {frozenset(group) for group in groups.values()} == parts(links)
        assert all(clusters.clusters[root].size == len(group) for root, group in groups.items())


def test_a_large_cluster_is_counted_and_bounded() -> None:
    clusters = Clusters()
    for serial in range(1, 1000):
        clusters.add(serial, serial)
        clusters.join(serial, [(14.0, serial - 1)] if serial > 1 else [], serial)
    found = clusters.of(1)
    assert found is not None and found.size == 999 and len(found.recent) == RECENT
    clusters.leave(500)
    assert found.size == 998


def test_merged_clusters_are_found_by_every_member() -> None:
    clusters = Clusters()
    for serial in range(1, 301):
        clusters.add(serial, serial)
    for first in (1, 101, 201):
        for serial in range(first + 1, first + 100):
            clusters.join(serial, [(14.0, serial - 1)], serial)
    assert len(clusters.clusters) == 3
    clusters.add(301, 301)
    clusters.join(301, [(14.0, 100), (14.0, 200), (14.0, 300)], 301)
    assert {clusters.root(serial) for serial in range(1, 302)} == {clusters.root(301)}
    found = clusters.of(150)
    assert found is not None and found.size == 301
    copy = Clusters()
    copy.restore(clusters.kept())
    assert copy.kept() == clusters.kept()


def test_a_restored_one_forgets_the_same_names_of_merged_clusters() -> None:
    clusters = Clusters()
    for serial in range(1, 401):
        clusters.add(serial, serial)
        if serial % 100 != 1:
            clusters.join(serial, [(14.0, serial - 1)], serial)
    for one, other in ((350, 250), (150, 50)):  # the later pair has the lower numbers
        clusters.join(one, [(14.0, other)], 500)
    copy = Clusters()
    copy.restore(clusters.kept())
    for each in (clusters, copy):
        each.trim(1)
    assert copy.kept() == clusters.kept()
    assert len(copy.alias) == 1 and copy.root(201) == 0 and copy.root(1) == copy.root(150) > 0
