"""Signatures as Standard Webhooks has them: HMAC-SHA256 of id, time and body. Pure."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence


def headers(message_id: str, at_seconds: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message that is sent at this Unix time; one signature for each `whsec_…` secret."""
    if not secrets:
        raise ValueError("no webhook is sent unsigned")
    signed = f"{message_id}.{at_seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix("whsec_"))
    return b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
