"""Key records and the one cryptographic step (RFC 6376 §3.6.1, RFC 8301, RFC 8463)."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from tests.mailkeys import ed25519_key, key_record, rsa_key
from wardline.protocols.dkim_key import RFC_8301, Key, KeyProblem, Rules, parse_key, verify

DIGEST = hashlib.sha256(b"data").digest()


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"v=DKIM2; p=AA", "key_version"),
        (b"p=AA; v=DKIM1", "key_version"),
        (b"k=dsa; p=AA", "key_type"),
        (b"v=DKIM1; k=rsa", "key_syntax"),
        (b"v=DKIM1; t; p=AA", "key_syntax"),
        (b"v=DKIM1; p=", "key_revoked"),
        (b"v=DKIM1; p=  ", "key_revoked"),
        (b"v=DKIM1; p=!!", "key_syntax"),
        (b"v=DKIM1; s=chat; p=AA==", "key_service"),
        (b"v=DKIM1; p=" + b"A" * 5000, "key_large"),
    ],
)
def test_records_that_give_no_key(record: bytes, problem: str) -> None:
    with pytest.raises(KeyProblem, match=problem):
        parse_key(record)


def test_flags() -> None:
    key = parse_key(b"v=DKIM1; k=rsa; h=sha1:sha256; s=web : email; t=y : s; n=note; g=*; x=1; p=AAAA")
    assert (key.hashes, key.testing, key.strict, key.public) == (("sha1", "sha256"), True, True, b"\0\0\0")


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
def test_rsa(bits: int) -> None:
    private = rsa_key(bits)
    signature = private.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    key = parse_key(key_record(private))
    assert verify(key, "rsa-sha256", DIGEST, signature, RFC_8301) == (True, bits)
    assert verify(key, "rsa-sha256", hashlib.sha256(b"other").digest(), signature, RFC_8301)[0] is False
    assert verify(key, "rsa-sha256", DIGEST, b"short", RFC_8301)[0] is False


def test_a_key_in_the_older_form_is_read_too() -> None:
    """PKCS#1 instead of SubjectPublicKeyInfo, as RFC 6376 §3.6.1 words it."""
    private = rsa_key(1024)
    public = base64.b64encode(private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1))
    signature = private.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    assert verify(parse_key(b"p=" + public), "rsa-sha256", DIGEST, signature, RFC_8301) == (True, 1024)


def test_weak_keys_are_refused_but_for_measuring() -> None:
    private = rsa_key(1024)
    signature = private.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    key = parse_key(key_record(private))
    with pytest.raises(KeyProblem, match="key_weak"):
        verify(key, "rsa-sha256", DIGEST, signature, Rules(minimum_rsa_bits=1025))


def test_ed25519() -> None:
    key = parse_key(key_record(ed25519_key()))
    assert verify(key, "ed25519-sha256", DIGEST, ed25519_key().sign(DIGEST), RFC_8301) == (True, 256)
    assert verify(key, "ed25519-sha256", DIGEST, b"x" * 64, RFC_8301) == (False, 256)
    with pytest.raises(KeyProblem, match="key_type"):
        verify(key, "rsa-sha256", DIGEST, b"x", RFC_8301)
    with pytest.raises(KeyProblem, match="key_syntax"):
        verify(Key("ed25519", b"short"), "ed25519-sha256", DIGEST, b"x", RFC_8301)


def test_hash_and_kind_must_fit() -> None:
    with pytest.raises(KeyProblem, match="key_hash"):
        verify(Key("rsa", b"", hashes=("sha1",)), "rsa-sha256", DIGEST, b"", RFC_8301)
    other = base64.b64encode(ed25519_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyProblem, match="key_type"):
        verify(parse_key(b"k=rsa; p=" + other), "rsa-sha256", DIGEST, b"", RFC_8301)


def test_keys_made_to_be_dear_are_refused() -> None:
    """A modulus of 8,192 bits, and an exponent as long as the modulus."""
    modulus = (1 << 8191) + 12345 * 2 + 1
    large = rsa.RSAPublicNumbers(65537, modulus).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyProblem, match="key_large"):
        verify(Key("rsa", large), "rsa-sha256", DIGEST, b"x" * 1024, RFC_8301)
    numbers = rsa_key(1024).public_key().public_numbers()
    slow = rsa.RSAPublicNumbers((1 << 1000) + 1, numbers.n).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyProblem, match="key_"):
        verify(Key("rsa", slow), "rsa-sha256", DIGEST, b"x" * 128, RFC_8301)


@given(st.binary(max_size=200), st.sampled_from(["rsa", "ed25519"]), st.binary(max_size=80))
def test_any_bytes_as_a_key(public: bytes, kind: str, signature: bytes) -> None:
    try:
        assert verify(Key(kind, public), f"{kind}-sha256", DIGEST, signature, RFC_8301)[0] is False
    except KeyProblem as problem:
        assert str(problem).startswith("key_")
