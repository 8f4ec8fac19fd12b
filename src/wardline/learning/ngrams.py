"""Hashed byte n-grams: what the text models see of a message.

    grams(b"Dear customer", size=4, salt=1, bits=19)   ->   array([…], dtype=uint32), the distinct rows of "Dear", "ear ", "ar c" …

The hash, in full, so that weights are equal on every machine. For the `size` (1 to 7) bytes of one n-gram, all arithmetic modulo 2^64:

    v   = the bytes as a big-endian number
    h   = v XOR (salt * 0x9E3779B97F4A7C15)
    h   = (h XOR (h >> 30)) * 0xBF58476D1CE4E5B9
    h   = (h XOR (h >> 27)) * 0x94D049BB133111EB
    h   = h XOR (h >> 31)
    row = base + (h >> (64 - bits))

(the finaliser of SplitMix64; Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Test vectors, base 0, bits 19:

    size 4, salt 1, b"Dear" -> 284610        size 4, salt 2, b"Dear" -> 212746        size 4, salt 1, 00 00 00 00 -> 463109
    size 5, salt 7, b"hello" -> 341463       size 7, salt 0, ff x 7  -> 397097

The rows of a text are a set: an n-gram counts once, however often it stands there. Linear in the text. `_ngrams.c` where it was built, numpy
elsewhere, with equal results (the order of the rows differs and carries no meaning).
"""

import numpy as np
from numpy.typing import NDArray

try:
    from wardline.learning import _ngrams as _native
except ImportError:  # not built: numpy does the same, some times slower
    _native = None  # type: ignore[assignment]

Rows = NDArray[np.uint32]

_GOLDEN = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1
SIZE_LIMIT = 7
BITS_LIMIT = 26

NO_ROWS: Rows = np.zeros(0, np.uint32)
NO_ROWS.flags.writeable = False


def native() -> bool:
    """Whether the compiled loops serve."""
    return _native is not None


def positions(data: bytes, *, size: int, salt: int, bits: int, base: int = 0) -> Rows:
    """The row of the n-gram that starts at each byte, `len(data) - size + 1` of them. ValueError for a size or bits out of range."""
    if not 1 <= size <= SIZE_LIMIT or not 6 <= bits <= BITS_LIMIT:
        raise ValueError(f"size must be 1..{SIZE_LIMIT} and bits 6..{BITS_LIMIT}, not {size} and {bits}")
    count = len(data) - size + 1
    if count <= 0:
        return NO_ROWS
    text = np.frombuffer(data, np.uint8)
    window = np.zeros(count, np.uint64)
    for at in range(size):
        window = (window << np.uint64(8)) | text[at : at + count].astype(np.uint64)
    mixed = window ^ np.uint64(salt * _GOLDEN & _ALL)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(64 - bits)).astype(np.uint32) + np.uint32(base)


def grams(data: bytes, *, size: int, salt: int, bits: int, base: int = 0) -> Rows:
    """The distinct rows of all n-grams of `data`; read-only. ValueError for a size or bits out of range."""
    if _native is not None:
        return np.frombuffer(_native.grams(data, size, salt & _ALL, bits, base), np.uint32)
    return grams_numpy(data, size=size, salt=salt, bits=bits, base=base)


def grams_numpy(data: bytes, *, size: int, salt: int, bits: int, base: int = 0) -> Rows:
    """The twin of the compiled `grams`."""
    rows: Rows = np.unique(positions(data, size=size, salt=salt, bits=bits, base=base))
    rows.flags.writeable = False
    return rows
