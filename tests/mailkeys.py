"""Keys, signatures, seals and zones made in a test: what the authentication tests check against.

    signer = Signer(rsa_key(2048), "example.com", "sel");  raw = signer.sign(b"From: a@example.com\\r\\n\\r\\nHello\\r\\n")

Written apart from the code under test: the canonical forms here are the plain, slow, line-by-line reading of RFC 6376 §3.4.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wardline.protocols.dns import EMPTY, NXDOMAIN, Answer, Question

MESSAGE = (
    b"From: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: Lunch \r\n  tomorrow\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\n\r\nHi  Bob, \r\n\r\nlunch\tat noon?\r\n\r\n\r\n"
)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """One key per size and test run; 512 bits is below what may be generated, so it is never asked for."""
    return rsa.generate_private_key(65537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def key_record(key: rsa.RSAPrivateKey | Ed25519PrivateKey, tags: str = "v=DKIM1; ") -> bytes:
    """The TXT record of a key."""
    if isinstance(key, Ed25519PrivateKey):
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"{tags}k=ed25519; p={base64.b64encode(public).decode()}".encode()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{tags}k=rsa; p={base64.b64encode(public).decode()}".encode()


def plain_relaxed_field(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip().lower() + b":" + value


def plain_body(body: bytes, form: str) -> bytes:
    lines = body.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    if form == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    if not lines:
        return b"" if form == "relaxed" else b"\r\n"
    return b"".join(line + b"\r\n" for line in lines)


class Signer:
    """Signs messages and seals chains with one key."""

    def __init__(self, key: rsa.RSAPrivateKey | Ed25519PrivateKey, domain: str = "example.com", selector: str = "sel") -> None:
        self.key = key
        self.domain = domain
        self.selector = selector

    @property
    def record(self) -> dict[str, bytes]:
        return {f"{self.selector}._domainkey.{self.domain}": key_record(self.key)}

    @property
    def algorithm(self) -> str:
        return "ed25519-sha256" if isinstance(self.key, Ed25519PrivateKey) else "rsa-sha256"

    def raw_signature(self, data: bytes, digest: str = "sha256") -> str:
        if isinstance(self.key, Ed25519PrivateKey):
            signature = self.key.sign(hashlib.sha256(data).digest())
        else:
            signature = self.key.sign(data, padding.PKCS1v15(), hashes.SHA1() if digest == "sha1" else hashes.SHA256())
        return base64.b64encode(signature).decode()

    def sign(
        self,
        raw: bytes,
        *,
        names: str = "from:to:subject:date",
        c: str = "relaxed/relaxed",
        extra: str = "",
        algorithm: str = "",
        field_name: str = "DKIM-Signature",
        version: str = "v=1; ",
    ) -> bytes:
        """The message with one signature field above it. `extra`: further tags, such as "l=5; "."""
        head, _, body = raw.partition(b"\r\n\r\n")
        fields = re.split(rb"\r\n(?![ \t])", head)
        header_form, _, body_form = c.partition("/")
        canonical = plain_body(body, body_form or "simple")
        limit = re.search(r"\bl=(\d+)", extra)
        algorithm = algorithm or self.algorithm
        digest = algorithm.rpartition("-")[2]
        bh = base64.b64encode(hashlib.new(digest, canonical[: int(limit[1])] if limit else canonical).digest()).decode()
        value = f" {version}a={algorithm}; c={c}; d={self.domain}; s={self.selector};\r\n\th={names}; {extra}bh={bh};\r\n\tb="
        field = f"{field_name}:{value}".encode()
        chosen: list[bytes] = []
        left = list(fields)
        for name in names.split(":"):
            for place in range(len(left) - 1, -1, -1):
                if left[place].partition(b":")[0].strip().lower() == name.strip().lower().encode():
                    chosen.append(left.pop(place))
                    break
        form: Callable[[bytes], bytes] = plain_relaxed_field if header_form == "relaxed" else bytes
        data = b"".join(form(one) + b"\r\n" for one in chosen) + form(field)
        return field + self.raw_signature(data, digest).encode() + b"\r\n" + raw

    def seal(
        self, raw: bytes, instance: int, *, status: str = "", results: str = "lists.example.org; dmarc=pass", names: str = "from:to:subject"
    ) -> bytes:
        """The message with one more ARC set on top."""
        status = status or ("none" if instance == 1 else "pass")
        signed = self.sign(raw, names=names, extra=f"i={instance}; ", field_name="ARC-Message-Signature", version="")
        message_field = signed[: len(signed) - len(raw) - 2]
        results_field = f"ARC-Authentication-Results: i={instance}; {results}".encode()
        seal = f"ARC-Seal: i={instance}; a={self.algorithm}; cv={status}; d={self.domain}; s={self.selector}; t=1; b=".encode()
        earlier: list[bytes] = []
        old_fields = re.split(rb"\r\n(?![ \t])", raw.partition(b"\r\n\r\n")[0])
        for number in range(1, instance):
            for kind in (b"ARC-Authentication-Results", b"ARC-Message-Signature", b"ARC-Seal"):
                earlier += [field for field in old_fields if field.startswith(kind + b":") and b"i=%d;" % number in field]
        data = b"".join(plain_relaxed_field(field) + b"\r\n" for field in [*earlier, results_field, message_field]) + plain_relaxed_field(
            seal
        )
        return seal + self.raw_signature(data).encode() + b"\r\n" + message_field + b"\r\n" + results_field + b"\r\n" + raw


class Zone:
    """Answers from {"TXT example.com": [b"…"]}; a value that is an Answer is given as it is. Counts what was asked."""

    def __init__(self, records: dict[str, list[str | bytes] | Answer]) -> None:
        self.records = records
        self.asked: list[str] = []

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question.key())
        found = self.records.get(question.key())
        if isinstance(found, Answer):
            return found
        if found is not None:
            return Answer("ok", tuple(found))
        known = {key.partition(" ")[2] for key in self.records}
        return EMPTY if question.name in known else NXDOMAIN

    async def ask(self, question: Question) -> Answer:
        """As a Resolver."""
        return self(question)


def keys_zone(*signers: Signer, more: dict[str, list[str | bytes] | Answer] | None = None) -> Zone:
    """A zone with the keys of the signers."""
    records: dict[str, list[str | bytes] | Answer] = {}
    for signer in signers:
        records.update({f"TXT {name}": [record] for name, record in signer.record.items()})
    return Zone({**records, **(more or {})})
