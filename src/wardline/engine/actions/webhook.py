"""The webhook's message: what the receiver of actions is told, and how it knows that it was us.

    message = compose(entry, name="alice")      JSON bytes, the same on every try
    headers = signed(message, secret, key_id="1", now_s=1795253400)
    verify(headers, message, {"1": secret}, now_s=1795253405)       the receiver's side; raises WebhookError

Signature: HMAC-SHA256 (RFC 2104) under the shared secret over the timestamp in decimal digits, a full stop, and the body, in hexadecimal. The
receiver refuses what is older than the window and remembers the deliveries that it has taken within it: then nothing can be played to it twice.
The key id tells which secret signed, so that a secret can be changed while both are known to the receiver.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from wardline.base.clock import when
from wardline.engine.actions.ledger import Entry

TIMESTAMP = "Wardline-Timestamp"
KEY_ID = "Wardline-Key-Id"
SIGNATURE = "Wardline-Signature"
IDEMPOTENCY = "Idempotency-Key"
WINDOW_SECONDS = 300
SECRET_BYTES = 16


class WebhookError(ValueError):
    """A message that a receiver must not act on: why."""


def delivery_id(entry: Entry) -> str:
    """The delivery's idempotency key: the action and what is told of it."""
    return f"{entry.action.id}.{entry.phase}"


def compose(entry: Entry, name: str | None = None) -> bytes:
    """The body for what is to be told next. name: the entity in clear, where whoever asked for the action gave it."""
    action = entry.action
    told: dict[str, Any] = {
        "id": action.id,
        "kind": action.kind,
        "entity": action.entity,
        "name": name,
        "parameters": action.parameters,
        "reason": action.reason,
        "cause": {"kind": action.cause.kind, "id": action.cause.id},
        "requested_at": when(action.requested_us),
        "expires_at": when(action.expires_us),
    }
    because = (entry.because or "undone") if entry.phase == "end" else "requested"
    return msgspec.json.encode({"delivery": delivery_id(entry), "effect": entry.phase, "because": because, "action": told})


def signed(body: bytes, secret: bytes, *, key_id: str, delivery: str, now_s: int) -> dict[str, str]:
    """The header fields of one try."""
    return {
        "Content-Type": "application/json",
        IDEMPOTENCY: delivery,
        TIMESTAMP: str(now_s),
        KEY_ID: key_id,
        SIGNATURE: f"v1={signature(body, secret, now_s)}",
    }


def signature(body: bytes, secret: bytes, now_s: int) -> str:
    """HMAC-SHA256 over "timestamp.body", 64 hexadecimal digits."""
    return hmac.new(secret, f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Mapping[str, bytes], *, now_s: int, window_seconds: int = WINDOW_SECONDS
) -> None:
    """What a receiver does before it reads the body. secrets: by key id. Raises WebhookError."""
    fields = {name.lower(): value for name, value in headers.items()}
    secret = secrets.get(fields.get(KEY_ID.lower(), ""))
    timestamp = fields.get(TIMESTAMP.lower(), "")
    if secret is None:
        raise WebhookError("signed under a key that is not known here")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16) or abs(now_s - int(timestamp)) > window_seconds:
        raise WebhookError(f"not signed within the last {window_seconds} seconds")
    expected = f"v1={signature(body, secret, int(timestamp))}"
    if not hmac.compare_digest(expected.encode(), fields.get(SIGNATURE.lower(), "").encode("utf-8", "surrogateescape")):
        raise WebhookError("the signature is not that of this body")
