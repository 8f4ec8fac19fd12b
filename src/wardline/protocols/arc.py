"""ARC: what earlier hosts saw of a message before they changed it, sealed in a chain. No I/O: yields DNS questions, receives answers.

    ARC-Seal: i=1; a=rsa-sha256; cv=none; d=lists.example.org; s=2026; b=…
    verify(raw)  ->  ArcResult("pass", sets=1, domain="lists.example.org", results="lists.example.org; dmarc=pass")

Standard: RFC 8617 §5.2. A chain that holds says only that its hosts wrote what they wrote; whether to believe them is the reader's decision.
Bounds: 50 sets, 64 KB per field; the seals' digests are taken from one growing hash, so that 50 sets cost 50 fields and not 1,275.
"""

import hashlib
from collections.abc import Generator

import msgspec

from wardline.protocols import dkim_key, taglist
from wardline.protocols.dkim import Signature as MessageSignature
from wardline.protocols.dkim import SignatureProblem, check_keys, fetch_keys, header_digest, parse_signature
from wardline.protocols.dkim_key import RFC_8301, KeyProblem, Rules
from wardline.protocols.dkim_message import SplitMessage, body_digests, relaxed_field, split
from wardline.protocols.dns import Answer, Question, is_hostname, is_name

SETS_LIMIT = 50
_KINDS = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")


class ArcResult(msgspec.Struct, frozen=True, kw_only=True):
    """The chain.

    result: none (no chain), pass, fail, temperror (a key could not be fetched, or the message was cut at a limit: not known). reason: one word, with the instance where one is to blame: "seal_body i=2".
    sets: how many. domain: who sealed the newest set. domains: all sealers, oldest first. results: the newest ARC-Authentication-Results
    without "i=N;", at most 4,096 characters, "" unless the chain holds.
    """

    result: str
    reason: str = ""
    sets: int = 0
    domain: str = ""
    domains: tuple[str, ...] = ()
    results: str = ""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """An ARC-Seal field, read and checked for itself."""

    instance: int
    status: str
    algorithm: str
    domain: str
    selector: str
    signature: bytes


class ArcSet(msgspec.Struct, frozen=True, kw_only=True):
    """The three fields of one instance, as they stand."""

    results: bytes
    message: bytes
    seal: bytes


class _Broken(Exception):
    """The chain fails (or cannot be checked now); the text is the reason."""

    def __init__(self, reason: str, result: str = "fail") -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result


def _instance(text: str) -> int:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise _Broken("instance")
    return int(text)


def _instance_of(kind: bytes, field: bytes) -> int:
    """The i= of a field: the first thing of an ARC-Authentication-Results, a tag of the other two (RFC 8617 §4.1)."""
    value = field.partition(b":")[2]
    if kind == b"arc-authentication-results":
        name, separator, rest = value[:200].partition(b"=")
        number, semicolon, _ = rest.partition(b";")
        if name.strip() != b"i" or not separator or not semicolon:
            raise _Broken("results_syntax")
        return _instance(number.decode("ascii", "replace"))
    try:
        return _instance(taglist.parse(value).get("i", ""))
    except taglist.TagListProblem:
        raise _Broken("tags") from None


def collect(message: SplitMessage) -> list[ArcSet]:
    """The sets, instance 1 first; [] for a message without ARC fields. Raises _Broken when they make no chain (RFC 8617 §5.2 step 1 to 3)."""
    found: dict[bytes, dict[int, bytes]] = {kind: {} for kind in _KINDS}
    for field in message.fields:
        if field.name not in found:
            continue
        if len(found[field.name]) >= SETS_LIMIT:
            raise _Broken("too_many_sets")
        instance = _instance_of(field.name, field.raw)
        if instance in found[field.name]:
            raise _Broken(f"duplicate i={instance}")
        found[field.name][instance] = field.raw
    count = max(len(instances) for instances in found.values())
    for instances in found.values():
        if set(instances) != set(range(1, count + 1)):
            raise _Broken("incomplete")
    results, messages, seals = (found[kind] for kind in _KINDS)
    return [ArcSet(results=results[i], message=messages[i], seal=seals[i]) for i in range(1, count + 1)]


def parse_seal(field: bytes, rules: Rules) -> Seal:
    """Reads an ARC-Seal (RFC 8617 §4.1.3). Raises _Broken."""
    tags = taglist.parse(field.partition(b":")[2])
    if any(not tags.get(name) for name in ("i", "a", "b", "cv", "d", "s")) or "h" in tags:
        raise _Broken("seal_tags")
    if tags["cv"] not in ("none", "pass", "fail"):
        raise _Broken("seal_status")
    if tags["a"] not in ("rsa-sha256", "ed25519-sha256") and not (tags["a"] == "rsa-sha1" and rules.allow_sha1):
        raise _Broken("seal_algorithm")
    domain = tags["d"].lower().removesuffix(".")
    if not is_hostname(domain) or not is_name(tags["s"]):
        raise _Broken("seal_domain")
    if "t" in tags and not (tags["t"].isascii() and tags["t"].isdigit()):
        raise _Broken("seal_time")
    try:
        signature = dkim_key.decode_base64(tags["b"])
    except ValueError:
        raise _Broken("seal_base64") from None
    return Seal(
        instance=_instance(tags["i"]),
        status=tags["cv"],
        algorithm=tags["a"],
        domain=domain,
        selector=tags["s"].lower(),
        signature=signature,
    )


def _check_message(sets: list[ArcSet], message: SplitMessage, rules: Rules) -> Generator[Question, Answer, None]:
    """The newest ARC-Message-Signature against the message as it came (RFC 8617 §5.2 step 4)."""
    where = f"i={len(sets)}"
    try:
        signature = parse_signature(sets[-1].message, rules=rules, arc=True)
    except SignatureProblem as problem:
        raise _Broken(f"message_{problem} {where}") from None
    if "arc-seal" in signature.names:
        raise _Broken(f"message_signs_seal {where}")
    digest = body_digests(message.body, [signature.body_key])[signature.body_key]
    if digest.digest != signature.body_hash:
        raise _Broken(f"message_body {where}")
    yield from _check(signature, header_digest(signature, message), f"message_signature {where}", rules)


def _check(signature: MessageSignature, digest: bytes, reason: str, rules: Rules) -> Generator[Question, Answer, None]:
    try:
        keys = yield from fetch_keys(signature.selector, signature.domain)
        holds, _, _ = check_keys(keys, signature, digest, rules)
    except KeyProblem as problem:
        raise _Broken(f"{reason} {problem}", "temperror" if str(problem) == "dns" else "fail") from None
    if not holds:
        raise _Broken(reason)


def seal_digests(sets: list[ArcSet]) -> list[bytes]:
    """What each seal signs: all sets up to its own, relaxed, the last seal without b= (RFC 8617 §5.1.1)."""
    hasher = hashlib.sha256()
    digests: list[bytes] = []
    for one in sets:
        hasher.update(relaxed_field(one.results) + b"\r\n" + relaxed_field(one.message) + b"\r\n")
        branch = hasher.copy()
        branch.update(relaxed_field(taglist.without_signature(one.seal)))
        digests.append(branch.digest())
        hasher.update(relaxed_field(one.seal) + b"\r\n")
    return digests


def _check_seals(sets: list[ArcSet], seals: list[Seal], rules: Rules) -> Generator[Question, Answer, None]:
    digests = seal_digests(sets)
    for seal in reversed(seals):
        stand_in = MessageSignature(
            field=b"",
            algorithm=seal.algorithm,
            domain=seal.domain,
            selector=seal.selector,
            identity="@" + seal.domain,
            names=(),
            header_form="relaxed",
            body_key=("relaxed", "sha256", None),
            body_hash=b"",
            signature=seal.signature,
        )
        yield from _check(stand_in, digests[seal.instance - 1], f"seal_signature i={seal.instance}", rules)


def verify(raw: bytes | SplitMessage, *, rules: Rules = RFC_8301) -> Generator[Question, Answer, ArcResult]:
    """Checks the chain. Never raises on any bytes."""
    message = raw if isinstance(raw, SplitMessage) else split(raw)
    if message.cut:
        return ArcResult(result="temperror", reason=message.cut)
    sets: list[ArcSet] = []
    seals: list[Seal] = []
    try:
        sets = collect(message)
        if not sets:
            return ArcResult(result="none")
        seals = [parse_seal(one.seal, rules) for one in sets]
        if seals[-1].status == "fail":
            raise _Broken("sealed_as_failed")
        for place, seal in enumerate(seals):
            if seal.status != ("pass" if place else "none"):
                raise _Broken(f"seal_status i={place + 1}")
        yield from _check_message(sets, message, rules)
        yield from _check_seals(sets, seals, rules)
    except _Broken as broken:
        return ArcResult(result=broken.result, reason=broken.reason, sets=len(sets), domain=seals[-1].domain if seals else "")
    results = b" ".join(sets[-1].results.partition(b";")[2].split()).decode("utf-8", "replace")[:4096]
    domains = tuple(seal.domain for seal in seals)
    return ArcResult(result="pass", sets=len(sets), domain=domains[-1], domains=domains, results=results)
