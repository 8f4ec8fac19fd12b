"""DKIM keys: the record in the DNS, and the one cryptographic step.

    parse_key(b"v=DKIM1; k=rsa; p=MIGf…")  ->  Key(kind="rsa", public=b"…DER…", bits=1024)

Standards: RFC 6376 §3.6.1 (record), RFC 8301 (RSA of 1024 bits or more, no SHA-1), RFC 8463 (Ed25519).
RFC 6376 dropped the g= tag of RFC 4871; it is ignored here as §3.6.1 has it.
"""

import base64
import binascii

import msgspec

from wardline.protocols import taglist

# Above this the verification would cost more than a message is worth; nobody publishes such keys.
MAXIMUM_RSA_BITS = 4096
# The usual exponent is 65537. A huge one would make a verification as dear as a signature.
MAXIMUM_EXPONENT_BITS = 33
BASE64_LIMIT = 4096


class KeyProblem(ValueError):
    """Why the key cannot be used: one of key_syntax, key_revoked, key_version, key_type, key_service, key_hash, key_strict, key_weak, key_large."""


class Rules(msgspec.Struct, frozen=True):
    """What is refused. The defaults are RFC 8301; anything weaker is only for measuring against vectors older than that.

    allow_drafts: takes v= missing or 0.5 and q=dns, as before RFC 4871.
    """

    minimum_rsa_bits: int = 1024
    allow_sha1: bool = False
    allow_drafts: bool = False


RFC_8301 = Rules()


class Key(msgspec.Struct, frozen=True):
    """A usable key. kind: "rsa" or "ed25519"; hashes: those that h= allows, empty for all; testing: t=y; strict: t=s."""

    kind: str
    public: bytes
    hashes: tuple[str, ...] = ()
    testing: bool = False
    strict: bool = False


def decode_base64(text: str) -> bytes:
    """Base64 with white space allowed inside; raises ValueError for anything else."""
    try:
        return base64.b64decode(taglist.joined(text), validate=True)
    except binascii.Error as problem:
        raise ValueError("no base64") from problem


def parse_key(record: bytes) -> Key:
    """Reads one TXT record. Raises KeyProblem."""
    try:
        tags = taglist.parse(record)
    except taglist.TagListProblem:
        raise KeyProblem("key_syntax") from None
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        raise KeyProblem("key_version")
    if "p" not in tags:
        raise KeyProblem("key_syntax")
    kind = tags.get("k", "rsa").lower()
    if kind not in ("rsa", "ed25519"):
        raise KeyProblem("key_type")
    services = [service.strip().lower() for service in tags.get("s", "*").split(":")]
    if "*" not in services and "email" not in services:
        raise KeyProblem("key_service")
    if not taglist.joined(tags["p"]):
        raise KeyProblem("key_revoked")
    if len(tags["p"]) > BASE64_LIMIT:
        raise KeyProblem("key_large")
    try:
        public = decode_base64(tags["p"])
    except ValueError:
        raise KeyProblem("key_syntax") from None
    allowed = tuple(name.strip().lower() for name in tags["h"].split(":")) if "h" in tags else ()
    flags = {flag.strip().lower() for flag in tags.get("t", "").split(":")}
    return Key(kind, public, allowed, "y" in flags, "s" in flags)


def verify(key: Key, algorithm: str, digest: bytes, signature: bytes, rules: Rules) -> tuple[bool, int]:
    """Whether `signature` signs the digest, and the key's length in bits. algorithm: "rsa-sha256", "rsa-sha1" or "ed25519-sha256".

    Raises KeyProblem when the key does not fit the algorithm or the rules. Costs 40 us for RSA 1024, 75 for 2048, 185 for 4096.
    """
    # Loaded with the first signature that is checked: where no resolver is given none ever is.
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if key.kind != algorithm.partition("-")[0]:
        raise KeyProblem("key_type")
    if key.hashes and algorithm.rpartition("-")[2] not in key.hashes:
        raise KeyProblem("key_hash")
    try:
        if key.kind == "ed25519":
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, digest)
            return True, 256
        public = load_der_public_key(key.public)
        if not isinstance(public, rsa.RSAPublicKey):
            raise KeyProblem("key_type")
        if public.key_size < rules.minimum_rsa_bits:
            raise KeyProblem("key_weak")
        if public.key_size > MAXIMUM_RSA_BITS or public.public_numbers().e.bit_length() > MAXIMUM_EXPONENT_BITS:
            raise KeyProblem("key_large")
        hashing: hashes.HashAlgorithm = hashes.SHA1() if algorithm == "rsa-sha1" else hashes.SHA256()  # noqa: S303
        public.verify(signature, digest, padding.PKCS1v15(), Prehashed(hashing))
        return True, public.key_size
    except InvalidSignature:
        return False, 256 if key.kind == "ed25519" else 8 * len(signature)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise (problem if isinstance(problem, KeyProblem) else KeyProblem("key_syntax")) from None
