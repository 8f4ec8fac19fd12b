"""Which ids the index may hold, in memory: "no" is certain, "maybe" asks SQL. Nearly every id that is looked up was never seen before.

    seen = Seen()
    seen.add([lookup_hash("id", "decision/01K…")])       # before the record leaves the journal's tail
    seen.maybe(lookup_hash("id", "decision/01K…"))       # True
    seen.build(index.filed)                              # what the index held before; until then everything is "maybe"

A blocked Bloom filter (Putze, Sanders, Singler 2007): a 64-bit hash picks one word of 64 bits and four bits in it. With four ids in a word
about one unseen id in two hundred reads as "maybe". It grows by layers, each four times the one before, up to WORDS_LIMIT words (64 MiB,
for some 30 million ids); beyond that it only says "maybe" more often. Nothing is ever taken out: an erased id costs one look-up.

It is made from the index at every start and never stored, so that no crash, restore or migration can leave it behind the journal, and no
file of it outlives an erasure.
"""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

IDS_PER_WORD = 4
FIRST_WORDS = 1 << 14
WORDS_LIMIT = 1 << 23
PAGE = 2048
# The two bits that twelve bits of a hash stand for.
PAIRS = tuple(1 << (twelve & 63) | 1 << (twelve >> 6) for twelve in range(1 << 12))
# After each page: decisions go on while the filter is being made.
BREATH_S = 0.0005
SMALLEST_HASH, LARGEST_HASH = -(1 << 63), (1 << 63) - 1

# A page of the hashes under which anything is filed, ascending, from the given one on, at most so many; none at the end. A superset of the
# ids' is good enough.
Filed = Callable[[int, int], list[int]]


class _Layer:
    """One array of words. `view` shares its memory: reading one word as an int is three times quicker through it."""

    __slots__ = ("count", "mask", "view", "words")

    def __init__(self, words: int) -> None:
        self.words = np.zeros(words, dtype=np.uint64)
        self.view = memoryview(self.words.data)
        self.mask = words - 1
        self.count = 0


class Seen:
    """See the module. `maybe` may be called from any thread at any time."""

    def __init__(self, first_words: int = FIRST_WORDS, words_limit: int = WORDS_LIMIT) -> None:
        self.ready = False
        self._words_limit = words_limit
        self._layers: tuple[_Layer, ...] = (_Layer(first_words),)
        self._lock = threading.Lock()

    def maybe(self, hash: int) -> bool:
        """False: certainly not filed (once `ready`). hash: 64 bits, signed, as of `engine.record.lookup_hash`."""
        bits = PAIRS[hash >> 40 & 4095] | PAIRS[hash >> 52 & 4095]
        for layer in self._layers:  # no any(): a generator would cost more than the look
            if layer.view[hash & layer.mask] & bits == bits:
                return True
        return False

    def add(self, hashes: Sequence[int]) -> None:
        """File hashes; they read as "maybe" from when this returns."""
        if not hashes:
            return
        with self._lock:
            layer = self._layers[-1]
            if layer.count >= len(layer.words) * IDS_PER_WORD and len(layer.words) < self._words_limit:
                layer = _Layer(min(len(layer.words) * 4, self._words_limit))
                self._layers = (*self._layers, layer)
            values = np.array(hashes, dtype=np.int64).view(np.uint64)
            bits = np.zeros(len(values), dtype=np.uint64)
            for shift in (40, 46, 52, 58):
                bits |= np.uint64(1) << (values >> np.uint64(shift) & np.uint64(63))
            np.bitwise_or.at(layer.words, (values & np.uint64(layer.mask)).astype(np.intp), bits)
            layer.count += len(values)

    def build(self, filed: Filed, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Take over everything that is filed, a page at a time, and become `ready`. False when it was stopped before the end.

        Whoever files more meanwhile must `add` it.
        """
        first = SMALLEST_HASH
        while not stopped():
            page = filed(first, PAGE)
            self.add(page)
            if not page or page[-1] == LARGEST_HASH:
                self.ready = True
                return True
            first = page[-1] + 1
            time.sleep(BREATH_S)
        return False

    @property
    def size_bytes(self) -> int:
        """Memory that the filter takes."""
        return sum(layer.words.nbytes for layer in self._layers)
