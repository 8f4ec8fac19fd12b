"""DKIM: which domains signed this message, and does the signature hold? No I/O: yields DNS questions, receives answers.

    DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=2026; h=from:to:subject; bh=…; b=…
    verify(raw, now=1763722800)  ->  [DkimResult("pass", "example.com", selector="2026", key_bits=2048)]

Standards: RFC 6376, RFC 8301 (SHA-1 and RSA under 1024 bits are refused), RFC 8463 (Ed25519). Bounds: the first `max_signatures` fields are looked at,
each question is asked once, everything is linear in the message.
"""

import hashlib
from collections.abc import Generator

import msgspec

from wardline.protocols import dkim_key, taglist
from wardline.protocols.dkim_key import RFC_8301, Key, KeyProblem, Rules
from wardline.protocols.dkim_message import BodyDigest, BodyKey, SplitMessage, body_digests, canonical_field, select, split
from wardline.protocols.dns import Answer, Question, ask, is_hostname, is_name

ALGORITHMS = ("rsa-sha256", "ed25519-sha256", "rsa-sha1")
KEY_RECORDS_LIMIT = 4
# Fields that decide what a reader sees: one more of them than was signed is how a signed message is turned into another.
_GUARDED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"sender", b"content-type")


class DkimResult(msgspec.Struct, frozen=True, kw_only=True):
    """One signature.

    result: pass, fail (it does not match), permerror (it or its key cannot be used), temperror (the DNS did not answer, or the message was cut at a limit: not known).
    reason: one word for everything but pass: body_hash, signature, body_length, syntax, version, algorithm, sha1, domain, identity, from_unsigned,
    canonicalization, query, expired, timestamps, no_key, dns, header_limit, lines_limit, or one of dkim_key.KeyProblem.
    uncovered_bytes: bytes of the body that l= leaves unsigned. added: guarded fields that stand more often than they were signed.
    """

    result: str
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    reason: str = ""
    key_bits: int = 0
    testing: bool = False
    uncovered_bytes: int = 0
    signed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def length_limited(self) -> bool:
        """Whether a part of the body is not covered (the fact `dkim_length_limited`)."""
        return self.uncovered_bytes > 0


class SignatureProblem(ValueError):
    """Why a signature field cannot be used; its text is the `reason`."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A DKIM-Signature or ARC-Message-Signature field, read and checked for itself."""

    field: bytes
    algorithm: str
    domain: str
    selector: str
    identity: str
    names: tuple[str, ...]
    header_form: str
    body_key: BodyKey
    body_hash: bytes
    signature: bytes
    expires: int | None = None


def parse_signature(field: bytes, *, rules: Rules, arc: bool = False) -> Signature:
    """Reads a signature field (RFC 6376 §6.1.1). Raises SignatureProblem. `arc`: no v=, and i= is an instance (RFC 8617 §4.1.2)."""
    try:
        tags = taglist.parse(field.partition(b":")[2])
    except taglist.TagListProblem:
        raise SignatureProblem("syntax") from None
    if not arc and tags.get("v") != "1" and not (rules.allow_drafts and tags.get("v", "0.5") == "0.5"):
        raise SignatureProblem("version")
    if any(not tags.get(name) for name in ("a", "b", "bh", "d", "s")) or not (tags.get("h") or (arc and "h" in tags)):
        raise SignatureProblem("syntax")
    algorithm = tags["a"].lower()
    if algorithm not in ALGORITHMS:
        raise SignatureProblem("algorithm")
    if algorithm == "rsa-sha1" and not rules.allow_sha1:
        raise SignatureProblem("sha1")
    domain, selector = tags["d"].lower().removesuffix("."), tags["s"].lower()
    if not is_hostname(domain) or not is_name(selector):
        raise SignatureProblem("domain")
    identity = "@" + domain if arc else _unquoted(taglist.joined(tags.get("i", "@" + domain)))
    if len(identity) > 512:
        raise SignatureProblem("identity")
    identity_domain = identity.rpartition("@")[2].lower()
    if "@" not in identity or (identity_domain != domain and not identity_domain.endswith("." + domain)):
        raise SignatureProblem("identity")
    # RFC 8617 leaves c= of an ARC-Message-Signature to DKIM's default, but signers and the published test suite take relaxed/relaxed.
    header_form, _, body_form = taglist.joined(tags.get("c", "relaxed/relaxed" if arc else "simple/simple")).lower().partition("/")
    body_form = body_form or "simple"
    if header_form not in ("simple", "relaxed") or body_form not in ("simple", "relaxed"):
        raise SignatureProblem("canonicalization")
    queries = [query.strip().lower() for query in tags.get("q", "dns/txt").split(":")]
    if not arc and "dns/txt" not in queries and not (rules.allow_drafts and "dns" in queries):
        raise SignatureProblem("query")
    signed, expires = _number(tags.get("t")), _number(tags.get("x"))
    if signed is not None and expires is not None and expires < signed:
        raise SignatureProblem("timestamps")
    names = tuple(name.lower() for name in taglist.joined(tags["h"]).split(":"))
    if "from" not in names and not arc:
        raise SignatureProblem("from_unsigned")
    try:
        body_hash, signature = dkim_key.decode_base64(tags["bh"]), dkim_key.decode_base64(tags["b"])
    except ValueError:
        raise SignatureProblem("syntax") from None
    return Signature(
        field=field,
        algorithm=algorithm,
        domain=domain,
        selector=selector,
        identity=identity,
        names=names,
        header_form=header_form,
        body_key=(body_form, algorithm.rpartition("-")[2], _number(tags.get("l"))),
        body_hash=body_hash,
        signature=signature,
        expires=expires,
    )


def _unquoted(text: str) -> str:
    """DKIM-Quoted-Printable (RFC 6376 §2.11): "=40" stands for "@". A "=" without two hexadecimal digits stays as it is."""
    head, *pieces = text.split("=")
    for piece in pieces:
        digits = piece[:2]
        quoted = len(digits) == 2 and all(character in "0123456789ABCDEFabcdef" for character in digits)
        head += chr(int(digits, 16)) + piece[2:] if quoted else "=" + piece
    return head


def _number(text: str | None) -> int | None:
    """t=, x= and l=: decimal digits, at most 76 of them (RFC 6376 §3.5); more than 18 are beyond every clock and size."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 76:
        raise SignatureProblem("syntax")
    return int(text) if len(text) <= 18 else 10**18


def header_digest(signature: Signature, message: SplitMessage) -> bytes:
    """The digest that the signature signs: the chosen fields, then the field itself without b= (RFC 6376 §3.7)."""
    hasher = hashlib.new(signature.body_key[1], usedforsecurity=False)
    for field in select(message.fields, signature.names):
        hasher.update(canonical_field(field, signature.header_form) + b"\r\n")
    hasher.update(canonical_field(taglist.without_signature(signature.field), signature.header_form))
    return hasher.digest()


def fetch_keys(selector: str, domain: str) -> Generator[Question, Answer, list[Key]]:
    """The keys at selector._domainkey.domain, nearly always one. Raises KeyProblem ("dns" for no answer, "no_key" for none)."""
    answer = yield from ask(f"{selector}._domainkey.{domain}", "TXT")
    if answer.failed:
        raise KeyProblem("dns")
    keys: list[Key] = []
    problem = KeyProblem("no_key")
    for record in answer.texts()[:KEY_RECORDS_LIMIT]:
        try:
            keys.append(dkim_key.parse_key(record))
        except KeyProblem as found:
            problem = found
    if not keys:
        raise problem
    return keys


def check_keys(keys: list[Key], signature: Signature, digest: bytes, rules: Rules) -> tuple[bool, int, bool]:
    """Tries the keys in turn: (holds, bits, testing). Raises KeyProblem when none of them can be used."""
    problem: KeyProblem | None = None
    outcome: tuple[bool, int, bool] | None = None
    for key in keys:
        try:
            if key.strict and signature.identity.rpartition("@")[2].lower() != signature.domain:
                raise KeyProblem("key_strict")
            holds, bits = dkim_key.verify(key, signature.algorithm, digest, signature.signature, rules)
        except KeyProblem as found:
            problem = found
            continue
        outcome = (holds, bits, key.testing)
        if holds:
            break
    if outcome is None:
        raise problem or KeyProblem("no_key")
    return outcome


def check_signature(
    signature: Signature, message: SplitMessage, body: BodyDigest, *, now: int | None, rules: Rules
) -> Generator[Question, Answer, DkimResult]:
    """One signature against the message, with results as in RFC 6376 §6.1: what is wrong with the key comes before what is wrong with the body."""
    facts = DkimResult(
        result="permerror",
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity[:320],
        algorithm=signature.algorithm,
        uncovered_bytes=max(body.uncovered_bytes, 0),
        signed=signature.names[:64],
    )

    def outcome(result: str, reason: str, bits: int = 0, testing: bool = False, added: tuple[str, ...] = ()) -> DkimResult:
        return msgspec.structs.replace(facts, result=result, reason=reason, key_bits=bits, testing=testing, added=added)

    if now is not None and signature.expires is not None and now > signature.expires:
        return outcome("permerror", "expired")
    try:
        keys = yield from fetch_keys(signature.selector, signature.domain)
        holds, bits, testing = check_keys(keys, signature, header_digest(signature, message), rules)
    except KeyProblem as problem:
        return outcome("temperror" if str(problem) == "dns" else "permerror", str(problem))
    if message.cut and (not holds or body.digest != signature.body_hash):
        # What was cut at one of our limits cannot be compared, which is not the sender's forgery.
        return outcome("temperror", message.cut, bits, testing)
    if body.uncovered_bytes < 0:
        return outcome("fail", "body_length", bits, testing)
    if body.digest != signature.body_hash:
        return outcome("fail", "body_hash", bits, testing)
    if not holds:
        return outcome("fail", "signature", bits, testing)
    return outcome("pass", "", bits, testing, _added(signature, message))


def _added(signature: Signature, message: SplitMessage) -> tuple[str, ...]:
    counts = dict.fromkeys(_GUARDED, 0)
    for field in message.fields:
        if field.name in counts:
            counts[field.name] += 1
    # A field that was never signed says nothing; one signed once that stands twice was added on the way.
    return tuple(name.decode() for name in _GUARDED if 0 < signature.names.count(name.decode()) < counts[name])


def verify(
    raw: bytes | SplitMessage, *, now: int | None, max_signatures: int = 5, rules: Rules = RFC_8301
) -> Generator[Question, Answer, list[DkimResult]]:
    """Checks the first `max_signatures` DKIM-Signature fields, from the top; results in that order, [] for a message without one.

    now: seconds since 1970, None to ignore x=. Never raises on any bytes. A body of 10 MB costs some tens of milliseconds in the first step.
    """
    message = raw if isinstance(raw, SplitMessage) else split(raw)
    fields = [field.raw for field in message.fields if field.name == b"dkim-signature"][:max_signatures]
    results: dict[int, DkimResult] = {}
    signatures: dict[int, Signature] = {}
    for place, field in enumerate(fields):
        try:
            signatures[place] = parse_signature(field, rules=rules)
        except SignatureProblem as problem:
            results[place] = DkimResult(result="permerror", reason=str(problem), domain=_domain_of(field))
    digests = body_digests(message.body, [signature.body_key for signature in signatures.values()])
    for place, signature in signatures.items():
        results[place] = yield from check_signature(signature, message, digests[signature.body_key], now=now, rules=rules)
    return [results[place] for place in sorted(results)]


def _domain_of(field: bytes) -> str:
    """The d= of a signature that could not be used, where it can be read at all: for the reasons shown to people."""
    try:
        domain = taglist.parse(field.partition(b":")[2], lenient=True).get("d", "").lower()
    except taglist.TagListProblem:
        return ""
    return domain if is_hostname(domain) else ""
