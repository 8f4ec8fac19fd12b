"""Examine: everything that can be said of one message by itself. Pure, so that it runs in a thread, a worker process or a replay.

    examined = examine(raw, envelope, settings)
    examined.values["url.ip_hosts"]       what the detectors measured
    examined.features                     the text model's features of the message

The states of the system (counters, models, lists) are not looked at here: that is admission, which happens in order, one message at a time.
"""

import hashlib
from typing import TYPE_CHECKING, Any, get_origin

import msgspec
import numpy as np

from wardline.domains.mail import detectors as shipped
from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.intake import Limits, read
from wardline.domains.mail.near_duplicates import near_hash
from wardline.domains.mail.text.model import Features, features_of
from wardline.engine.detector import Detector
from wardline.engine.feature import Value, bounded
from wardline.protocols.mime import Limits as MimeLimits

if TYPE_CHECKING:
    from wardline.base.config import Mail as MailConfig


_SMALL = frozenset((bool, int, float, type(None)))  # values that need no bounding


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What of the configuration matters to one message."""

    protected_brands: tuple[str, ...] = ()
    protected_people: tuple[str, ...] = ()
    local_domains: tuple[str, ...] = ()
    size_limit_bytes: int = 10 << 20

    @classmethod
    def of(cls, mail: "MailConfig") -> "Settings":
        """From the table [mail] of the configuration."""
        return cls(
            protected_brands=mail.protected_brands,
            protected_people=mail.protected_people,
            local_domains=mail.local_domains,
            size_limit_bytes=mail.size_limit_bytes,
        )


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One message, examined. `claimed` are names it shows of itself; `broken` are detectors that failed while measuring."""

    fingerprint: str
    about: str  # names this very message: body, Message-ID and Date; a copy to somebody else is another message
    message_id: str
    sender: str
    from_domain: str
    senders: int
    dkim_domains: tuple[str, ...]
    size_bytes: int
    near: str
    values: dict[str, Value]
    features: Features
    limits: tuple[str, ...] = ()


def make_detectors() -> tuple[Detector[Mail], ...]:
    """One of each shipped detector, cheap to dear."""
    return tuple(sorted((kind() for kind in shipped.ALL), key=lambda detector: (detector.cost_us, detector.name)))


def examine(raw: bytes, envelope: Envelope, settings: Settings, detectors: tuple[Detector[Mail], ...]) -> Examined:
    """Bytes to facts. Never raises for any bytes: what cannot be read is a value itself.

    Should reading break all the same, the message may have been made to break it: it is judged by its envelope, and the policy's floor for
    broken detectors applies to it, under the name "intake".
    """
    try:
        mail = read(raw, envelope, limits=Limits(mime=MimeLimits(size_bytes=settings.size_limit_bytes)))
        return digest(mail, settings, detectors)
    except Exception:
        fingerprint = hashlib.blake2b(raw, digest_size=16).hexdigest()
        unread = Mail(envelope=envelope, raw=b"", size_bytes=len(raw), fingerprint=fingerprint, limits=("text",), defects=("unreadable",))
        examined = digest(unread, settings, detectors)
        broken = examined.values.get("engine.broken")
        values = {**examined.values, "engine.broken": ["intake", *(broken if isinstance(broken, list) else [])]}
        return msgspec.structs.replace(examined, values=values)


def digest(mail: Mail, settings: Settings, detectors: tuple[Detector[Mail], ...]) -> Examined:
    """The same for a message that intake has read."""
    known: dict[str, Value] = {
        "mail.size_bytes": mail.size_bytes,
        "mail.limits": list(mail.limits),
        "mail.defects": list(mail.defects),
        "mail.direction": mail.envelope.direction,
        "config.protected_brands": list(settings.protected_brands),
        "config.protected_people": list(settings.protected_people),
        "config.local_domains": list(settings.local_domains),
    }
    broken: list[Value] = []
    for detector in detectors:
        try:
            for name, value in detector.measure(mail, known).items():
                known[name] = value if value.__class__ in _SMALL else bounded(value)
        except Exception:  # what breaks a detector may have been made to: it is named, and the policy's floor applies
            broken.append(detector.name)
    values = {name: value for name, value in known.items() if not name.startswith("config.")}
    if broken:
        values["engine.broken"] = [str(name) for name in broken]
    near = near_hash(mail)
    identity = f"{mail.fingerprint}\0{mail.message_id}\0{mail.date.isoformat() if mail.date else ''}"
    return Examined(
        fingerprint=mail.fingerprint,
        about=hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=16).hexdigest(),
        message_id=mail.message_id,
        sender=mail.sender.address,
        from_domain=mail.sender.domain,
        senders=mail.senders,
        dkim_domains=_dkim_domains(mail),
        size_bytes=mail.size_bytes,
        near=f"{near:x}" if near is not None else "",
        values=values,
        features=features_of(mail),
        limits=mail.limits,
    )


def _dkim_domains(mail: Mail) -> tuple[str, ...]:
    """The domains that DKIM-Signature fields claim (d=), not verified; the first three."""
    found: list[str] = []
    for name, value in mail.headers:
        if name.lower() != "dkim-signature" or len(found) == 3:
            continue
        for tag in value[:4096].split(";"):
            key, _, content = tag.partition("=")
            if key.strip().lower() == "d":
                found.append(content.strip().lower().rstrip(".")[:253])
                break
    return tuple(found)


def encode_hook(value: Any) -> Any:
    """For msgspec: rows of features travel between processes as bytes."""
    if isinstance(value, np.ndarray):
        return value.astype("<u4").tobytes()
    raise NotImplementedError(type(value).__name__)


def decode_hook(kind: type, value: Any) -> Any:
    """The inverse of `encode_hook`."""
    if get_origin(kind) is np.ndarray:
        return np.frombuffer(value, "<u4")
    raise NotImplementedError(getattr(kind, "__name__", str(kind)))
