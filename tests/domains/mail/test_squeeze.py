"""squeeze: the table, the spaces, and the twins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.domains.mail.squeeze import squeeze, squeeze_bytes

LETTERS = bytes(byte if chr(byte).isalnum() else 32 for byte in range(256))


@pytest.mark.parametrize(
    ("data", "squeezed"),
    [(b"", b""), (b" ", b""), (b"a", b"a"), (b"  a \t,, b\0\n", b"a b"), (b"a.b", b"a b"), (b"...", b"")],
)
def test_runs_become_one_space(data: bytes, squeezed: bytes) -> None:
    assert squeeze(data, LETTERS) == squeeze_bytes(data, LETTERS) == squeezed


@given(st.binary(max_size=200))
def test_the_twins_agree(data: bytes) -> None:
    assert squeeze(data, LETTERS) == squeeze_bytes(data, LETTERS)


@pytest.mark.parametrize("twin", [squeeze, squeeze_bytes])
def test_a_table_of_another_size(twin: object) -> None:
    with pytest.raises(ValueError, match="256"):
        twin(b"a", b"short")  # type: ignore[operator]
