"""Near duplicates: how many copies of this message were seen in the last day, although each copy was changed a little.

    state = NearDuplicates(window_seconds=86_400, capacity=50_000)
    key = near_hash(mail)                    # 0x5be1…: 64-bit SimHash, or an exact digest (bit 64 set) when the text is short
    state.see(key, 1_700_000_000)            # -> Copies(seen=41, spam=2, ham=0): what was known before this copy

Method: M. Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002), and G. Manku et al., "Detecting
near-duplicates for web crawling" (WWW 2007), reduced to what one stream needs. Copies gather in clusters; a cluster keeps the hash of its
first member, so a look-up compares with at most BANDS x BUCKET clusters, whatever an attacker sends.

The hash, version 1, is specified to the bit so that every machine finds the same: the text (first 4,000 and last 2,000 characters) as UTF-8,
A-Z to a-z, each digit to "0", other ASCII punctuation and controls to spaces, runs of spaces to one; each window of 8 bytes read as
a little-endian integer, mixed (two rounds of xor-shift-multiply, constants below), one in four kept (the two top bits after the first round are 0); extra tokens (link
hosts, attachments) enter as their 8-byte blake2b digests, 16 times each; bit i of the result is set when more than half of the mixed values have it.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from wardline.domains.mail.events import Mail
from wardline.domains.mail.squeeze import squeeze

try:
    from wardline.domains.mail import _text as _native
except ImportError:  # not built: numpy does the same, some times slower
    _native = None  # type: ignore[assignment]

HEAD_CHARS = 4_000
TAIL_CHARS = 2_000
SHORT_BYTES = 160  # below this a SimHash of so few shingles jumps about; such texts are compared exactly
EXACT = 1 << 64  # marks an exact digest
BANDS = 7  # 7 bands of 9 bits (the 64th bit is compared only) find every hash within 6 bits (pigeonhole)
BAND_BITS = 9
DISTANCE_BITS = 6  # a copy with 5 % of its text changed differs in 6 bits on average, unrelated texts in about 29
BUCKET = 32  # clusters kept per band value
TILE_SECONDS = 3_600
TOKEN_WEIGHT = 16
COUNT_LIMIT = 1 << 40

# blake2b(b"wardline near duplicates 1", digest_size=16), each half made odd.
_FIRST = int.from_bytes(blake2b(b"wardline near duplicates 1", digest_size=16).digest()[:8], "little") | 1
_SECOND = int.from_bytes(blake2b(b"wardline near duplicates 1", digest_size=16).digest()[8:], "little") | 1
_HALF = np.uint64(32)
_TOP = np.uint64(62)
_TABLE = bytes(ord("0") if 48 <= b <= 57 else b + 32 if 65 <= b <= 90 else b if b >= 128 or 97 <= b <= 122 else 32 for b in range(256))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> _HALF)) * np.uint64(_SECOND)
    mixed: NDArray[np.uint64] = values ^ (values >> _HALF)
    return mixed


def normalise(text: str) -> bytes:
    """The text as it is hashed: case, digits and punctuation do not matter. At most 6,000 characters are looked at."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = text[:HEAD_CHARS] + " " + text[-TAIL_CHARS:]
    return squeeze(text.encode("utf-8", "replace"), _TABLE)


def similarity_hash(text: str, tokens: tuple[str, ...] = ()) -> int | None:
    """64-bit SimHash of a text and some tokens; an exact digest with bit 64 set when the text is short; None when there is nothing at all."""
    data = normalise(text)
    if len(data) < SHORT_BYTES:
        if len(data) < 8 and not tokens:
            return None
        material = b"\0".join((data, *(token.encode("utf-8", "replace") for token in sorted(tokens))))
        return EXACT | int.from_bytes(blake2b(material, digest_size=8, person=b"wl-near-exact").digest(), "little")
    digests = b"".join(blake2b(token.encode("utf-8", "replace"), digest_size=8, person=b"wl-near-token").digest() for token in tokens)
    found = simhash(data, digests)
    if found is None:
        return EXACT | int.from_bytes(blake2b(data, digest_size=8, person=b"wl-near-exact").digest(), "little")
    return found


def simhash(data: bytes, digests: bytes) -> int | None:
    """The 64 bits for a normalised text and the digests of its tokens, 8 bytes each; None where no shingle was kept."""
    return _native.simhash(data, digests, _FIRST, _SECOND) if _native is not None else simhash_numpy(data, digests)


def simhash_numpy(data: bytes, digests: bytes) -> int | None:
    """The twin of the compiled `simhash`."""
    if len(data) < 8:
        mixed = np.zeros(0, np.uint64)
    else:
        octets = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
        pairs = octets[:-1] | (octets[1:] << np.uint64(8))
        fours = pairs[:-2] | (pairs[2:] << np.uint64(16))
        windows = fours[:-4] | (fours[4:] << _HALF)
        # Kept by content, not by position: an inserted word moves nothing but its own shingles. The sample is drawn before the last mixing,
        # so that it leaves no mark on the bits that count.
        drawn = (windows ^ (windows >> _HALF)) * np.uint64(_FIRST)
        mixed = _mix(drawn[(drawn >> _TOP) == 0])
    tokens = np.repeat(np.frombuffer(digests, dtype="<u8").astype(np.uint64), TOKEN_WEIGHT)
    mixed = np.concatenate((mixed, tokens))
    if not mixed.shape[0]:
        return None
    bits = np.unpackbits(mixed.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    ones = np.add.reduce(bits, axis=0, dtype=np.uint32)
    packed = np.packbits(ones * 2 > mixed.shape[0], bitorder="little")
    return int.from_bytes(packed.tobytes(), "little")


def near_hash(mail: Mail) -> int | None:
    """The hash of one message: subject and visible text, up to 8 link hosts, up to 4 attachments (kind and size)."""
    hosts = sorted({link.host for link in mail.links[:32] if link.host})[:8]
    files = [f"{part.detected_type or part.content_type}:{part.size_bytes}" for part in mail.attachments[:4]]
    return similarity_hash(f"{mail.subject}\n{mail.visible_text}", tuple(hosts + files))


class Copies(NamedTuple):
    """What was known before the message at hand: copies inside the window, and how people labelled copies."""

    seen: int
    spam: int
    ham: int


class _Cluster(msgspec.Struct, array_like=True):
    key: int
    newest: int = 0  # latest tile seen
    tiles: dict[int, int] = msgspec.field(default_factory=dict)  # tile -> copies
    spam: int = 0
    ham: int = 0


class _Snapshot(msgspec.Struct, array_like=True):
    version: int
    window_seconds: int
    capacity: int
    evicted: int
    # keys of 65 bits do not fit msgpack integers: (exact flag, low 64 bits, newest, tiles, spam, ham), oldest use first
    clusters: list[tuple[bool, int, int, list[tuple[int, int]], int, int]]


class NearDuplicates:
    """Clusters of near-equal messages in a sliding window. Bounded: at most `capacity` clusters, each with one count per hour of the window.

    Read before write: `see` answers with what was there before. Its state depends on the calls and their order alone. A late copy is counted in
    its own hour. A cluster whose copies all left the window counts 0 but keeps its labels until it is evicted as the least recently used.
    """

    name = "near_duplicates"

    def __init__(self, window_seconds: int = 86_400, capacity: int = 50_000) -> None:
        if window_seconds < TILE_SECONDS or window_seconds % TILE_SECONDS or capacity < 1:
            raise ValueError(f"near_duplicates: window must be whole hours and capacity at least 1, got {window_seconds} s, {capacity}")
        self.window_seconds = window_seconds
        self.capacity = capacity
        self.evicted = 0
        self._clusters: OrderedDict[int, _Cluster] = OrderedDict()
        self._bands: dict[int, list[int]] = {}
        self._found: tuple[int, _Cluster | None] | None = None  # the last key that was looked for, and its cluster

    def __len__(self) -> int:
        return len(self._clusters)

    def see(self, key: int, time_s: int) -> Copies:
        """Counts one copy at `time_s` (whole seconds) and returns what was known before it."""
        cluster = self._find(key)
        if cluster is None:
            cluster = self._add(key)
            before = Copies(0, 0, 0)
        else:
            before = self._read(cluster, time_s)
            self._clusters.move_to_end(cluster.key)
        tile = time_s // TILE_SECONDS
        cluster.newest = max(cluster.newest, tile)
        oldest = cluster.newest - self.window_seconds // TILE_SECONDS
        if tile >= oldest:
            cluster.tiles[tile] = min(cluster.tiles.get(tile, 0) + 1, COUNT_LIMIT)
        for old in [t for t in cluster.tiles if t < oldest]:
            del cluster.tiles[old]
        return before

    def read(self, key: int, time_s: int) -> Copies:
        """What is known about copies of this message; changes nothing."""
        cluster = self._find(key)
        return Copies(0, 0, 0) if cluster is None else self._read(cluster, time_s)

    def cluster(self, key: int) -> int:
        """The key that stands for all near copies of this message: its cluster's, or its own where it has none."""
        found = self._find(key)
        return key if found is None else found.key

    def label(self, key: int, abusive: bool, weight: int = 1) -> None:
        """Adds (+1) or takes back (-1) a label for all copies. Taking back what is no longer remembered does nothing."""
        cluster = self._find(key)
        if cluster is None:
            if weight <= 0:
                return
            cluster = self._add(key)
        if abusive:
            cluster.spam = min(max(cluster.spam + weight, 0), COUNT_LIMIT)
        else:
            cluster.ham = min(max(cluster.ham + weight, 0), COUNT_LIMIT)

    def _read(self, cluster: _Cluster, time_s: int) -> Copies:
        tile = time_s // TILE_SECONDS
        oldest = tile - self.window_seconds // TILE_SECONDS
        return Copies(sum(n for t, n in cluster.tiles.items() if oldest < t <= tile), cluster.spam, cluster.ham)

    @staticmethod
    def _band_keys(key: int) -> tuple[int, ...]:
        return tuple((band << BAND_BITS) | ((key >> (BAND_BITS * band)) & ((1 << BAND_BITS) - 1)) for band in range(BANDS))

    def _find(self, key: int) -> _Cluster | None:
        # A message is read and then counted: the second time nothing has come or gone in between.
        if self._found is None or self._found[0] != key:
            self._found = (key, self._search(key))
        return self._found[1]

    def _search(self, key: int) -> _Cluster | None:
        exact = self._clusters.get(key)
        if exact is not None or key & EXACT:
            return exact
        best: _Cluster | None = None
        best_distance = DISTANCE_BITS + 1
        for band_key in self._band_keys(key):
            for other in self._bands.get(band_key, ()):
                distance = (other ^ key).bit_count()
                if distance < best_distance:
                    best, best_distance = self._clusters[other], distance
        return best

    def _add(self, key: int) -> _Cluster:
        self._found = None
        while len(self._clusters) >= self.capacity:
            self._evict(next(iter(self._clusters)))
        if not key & EXACT:
            for band_key in self._band_keys(key):
                bucket = self._bands.get(band_key)
                if bucket is not None and len(bucket) >= BUCKET:
                    self._evict(min(bucket, key=lambda member: self._clusters[member].newest))
            for band_key in self._band_keys(key):
                self._bands.setdefault(band_key, []).append(key)
        cluster = self._clusters[key] = _Cluster(key)
        return cluster

    def _evict(self, key: int) -> None:
        self._found = None
        del self._clusters[key]
        self.evicted += 1
        if key & EXACT:
            return
        for band_key in self._band_keys(key):
            bucket = self._bands[band_key]
            bucket.remove(key)
            if not bucket:
                del self._bands[band_key]

    def snapshot(self) -> bytes:
        """The whole state as msgpack; equal states give equal bytes."""
        clusters = [
            (bool(c.key & EXACT), c.key & (EXACT - 1), c.newest, sorted(c.tiles.items()), c.spam, c.ham) for c in self._clusters.values()
        ]
        # Buckets are ordered by insertion, clusters by use: the insertion order is kept too.
        return msgspec.msgpack.encode((_Snapshot(1, self.window_seconds, self.capacity, self.evicted, clusters), list(self._bands.items())))

    def restore(self, data: bytes) -> None:
        """Replaces the state. Raises ValueError when the bytes are not a snapshot of this version and these settings; the state is then unchanged."""
        try:
            snapshot, band_items = msgspec.msgpack.decode(data, type=tuple[_Snapshot, list[tuple[int, list[int]]]])
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"near_duplicates: not a snapshot: {error}") from None
        if (snapshot.version, snapshot.window_seconds, snapshot.capacity) != (1, self.window_seconds, self.capacity):
            raise ValueError("near_duplicates: the snapshot is of another version, window or capacity")
        clusters: OrderedDict[int, _Cluster] = OrderedDict()
        for is_exact, low, newest, tiles, spam, ham in snapshot.clusters:
            key = low | (EXACT if is_exact else 0)
            clusters[key] = _Cluster(key, newest, dict(tiles), spam, ham)
        bands = dict(band_items)
        if any(key not in clusters for bucket in bands.values() for key in bucket):
            raise ValueError("near_duplicates: the snapshot's index names clusters that it does not hold")
        self._clusters, self._bands, self.evicted, self._found = clusters, bands, snapshot.evicted, None

    def digest(self) -> str:
        """32 hex digits that are equal exactly when the states are."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()
