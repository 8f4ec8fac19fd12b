"""What mail writes into the journal: the bodies of its records, and how they are packed.

    event      MailEvent      what arrived: pseudonymous keys, hashes, the facts that states count
    decision   MailDecision   the values as they were read, and what was decided on them
    label      MailLabel      someone says that a message was spam or ham, or takes it back

No content: a body, a subject or an address cannot be rebuilt from any of them. What could be (the n-grams a label moved) is in the vault.
Packed as MessagePack under zlib with a preset dictionary, since most of a record is the same names again and again (RFC 1950 §2.2, FDICT).
"""

import zlib
from typing import Any, TypeVar

import msgspec

from wardline.engine.decision import Reason
from wardline.engine.feature import Value

SCHEMA_VERSION = 1
BODY_LIMIT_BYTES = 64 * 1024

# Names that most records hold; the dictionary is part of the format: append only under a new SCHEMA_VERSION.
_DICTIONARY_1 = (
    b"near_duplicate.countnear_duplicate.hamnear_duplicate.spamsender.first_contactsender.from_domainsender.spf_domainsender.dkim_domain"
    b"sender.networksender.pairlist.allowlist.blockauth.spfauth.dkimauth.dmarcauth.arcauth.dmarc_policyauth.dkim_domainsauth.alignedauth.source"
    b"mail.size_bytesmail.limitsmail.defectsmail.directiontext.log_oddstext.trainedtext.user_offsetshape.log_oddsadvance_feeattachmentbackscatter"
    b"credentialextortiongtubeheadershidden_textimpersonationlanguagelink_textreply_toreputationunreadurlThe message looks like spam."
    b"The words of the message weigh towards spam.The words of the message weigh towards wanted mail.allowtagjunkquarantinedeferreject"
    b"defaultinobservemail.in@1"
)

# A record is short: a window of 4 KiB finds what there is to find, and its 32 KiB of work space stays in the processor's cache, where
# zlib's usual 256 KiB are fetched from the system for every record. Any reader of zlib unpacks either.
_WINDOW_BITS = 12
_MEMORY_LEVEL = 5

Body = TypeVar("Body")


class MailEvent(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One message, as the states count it. `keys` maps a role (from, spf, dkim, network, pair) to a pseudonym; times in seconds."""

    id: str
    time_s: int
    site: str = "default"
    direction: str = "in"
    source: str = ""
    size_bytes: int = 0
    near: str = ""  # near-duplicate hash in hexadecimal, "" when there is none
    keys: dict[str, str] = {}


class MailDecision(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One decision: the values it was judged on, its result, and which policy and model stood then (`policy_digest` names the text)."""

    id: str
    event_seq: int
    time_s: int
    values: dict[str, Value]
    verdict: str
    score: float
    log_odds: float
    line: str
    reasons: tuple[Reason, ...]
    policy: str
    policy_digest: str
    model: str
    mode: str
    action: str
    recipients: dict[str, str] = {}
    queue_id: str = ""
    keys: dict[str, str] = {}
    proven: tuple[str, ...] = ()
    near: str = ""  # near-duplicate hash in hexadecimal, "" when there is none
    answers: dict[str, list[str]] = {}  # what the DNS said, in the form of authentication.record
    hits: tuple[str, ...] = ()  # the operator's rules that matched and acted
    shadow: tuple[str, ...] = ()  # those that matched and only watched


class MailLabel(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One label. `about` is the message's key; `updates` names what the models changed (a vault entry); `withdrawn` undoes an earlier label."""

    id: str
    time_s: int
    about: str
    abusive: bool
    subject: str
    source: str
    confidence: float = 1.0
    decision_id: str = ""
    updates: str = ""
    near: str = ""  # near-duplicate hash in hexadecimal, "" when there is none
    keys: tuple[str, ...] = ()
    withdrawn: bool = False
    kind: str = ""


def pack(body: Any) -> bytes:
    """A record's body as bytes, at most 64 KiB; raises ValueError above it."""
    deflate = zlib.compressobj(level=3, wbits=_WINDOW_BITS, memLevel=_MEMORY_LEVEL, zdict=_DICTIONARY_1)
    packed = deflate.compress(msgspec.msgpack.encode(body)) + deflate.flush()
    if len(packed) > BODY_LIMIT_BYTES:
        raise ValueError(f"a journal record of {len(packed)} bytes; at most {BODY_LIMIT_BYTES} are stored")
    return packed


def unpack(data: bytes, body: type[Body]) -> Body:
    """The inverse of `pack`; raises ValueError for damaged data. Never unfolds to more than 1 MiB."""
    inflate = zlib.decompressobj(zdict=_DICTIONARY_1)
    try:
        plain = inflate.decompress(data, 1 << 20)
        return msgspec.msgpack.decode(plain, type=body)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"a journal record of kind {body.__name__} is damaged: {error}") from None
