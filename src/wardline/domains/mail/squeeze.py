"""Squeeze: bytes through a table, with one space where there were many.

    squeeze(b" Dear,  customer!", TABLE)   ->   b"dear customer"      with a table that makes marks spaces and capitals small

What hashes and models read of a text. The table must turn every white space into the space (32). Linear in the text. `_text.c` where it
was built, the methods of bytes elsewhere, with equal results.
"""

try:
    from wardline.domains.mail import _text as _native
except ImportError:  # not built: bytes do the same, some times slower
    _native = None  # type: ignore[assignment]


def squeeze(data: bytes, table: bytes) -> bytes:
    """Every byte through the table of 256, then runs of spaces to one and none at either end. ValueError for a table of another size."""
    return _native.squeeze(data, table) if _native is not None else squeeze_bytes(data, table)


def squeeze_bytes(data: bytes, table: bytes) -> bytes:
    """The twin of the compiled `squeeze`."""
    return b" ".join(data.translate(table).split())
