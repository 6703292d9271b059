"""Tickets as JSON Web Tokens, signed with HMAC-SHA-256."""

import math
from collections.abc import Mapping
from typing import Any

import jwt

from repartee.domain.errors import TicketRefused
from repartee.domain.protocol.ticket import Ticket
from repartee.domain.users.user_id import user_id_problem
from repartee.ports.runtime import Secrets

AUDIENCE = "repartee-websocket"
ALGORITHM = "HS256"
# RFC 7518, section 3.2: a key of the same size as the hash output or larger must be used.
MIN_KEY_BYTES = 32

_CLAIMS = ("jti", "sub", "sid", "cid")


class JwtTicketSigner:
    """Signs with the current version of a key, and accepts the previous one too.

    Functions see a new key at different times, within minutes. So a ticket may be signed with a
    key that the verifier does not know yet, or with the one before.

    Args:
        secrets: Reads the key.
        key_id: The id of the key's secret.
    """

    def __init__(self, secrets: Secrets, key_id: str):
        self._secrets = secrets
        self._key_id = key_id

    def _key(self) -> bytes:
        key = self._secrets.get(self._key_id).encode()
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the ticket key has {len(key)} bytes: it needs {MIN_KEY_BYTES}")
        return key

    def issue(self, ticket: Ticket) -> str:
        """Sign the ticket; ``exp`` keeps its milliseconds (RFC 7519 allows fractions)."""
        claims = {
            "aud": AUDIENCE,
            "exp": ticket.expires_at_ms / 1000,
            "jti": ticket.ticket_id,
            "sub": ticket.user_id,
            "sid": ticket.session_id,
            "cid": ticket.conversation_id,
        }
        return jwt.encode(claims, self._key(), algorithm=ALGORITHM)

    def verify(self, token: str, *, now_ms: int) -> Ticket:
        """Check signature, audience and claims, then the expiry against ``now_ms``."""
        ticket = _ticket(self._signed_claims(token))
        if now_ms >= ticket.expires_at_ms:
            raise TicketRefused("expired")
        return ticket

    def _signed_claims(self, token: str) -> dict[str, Any]:
        key = self._key()
        claims = _claims(token, key)
        if claims is None:
            for other in (text.encode() for text in self._secrets.versions(self._key_id)):
                if claims is None and other != key and len(other) >= MIN_KEY_BYTES:
                    claims = _claims(token, other)
        if claims is None:
            raise TicketRefused("forged")
        return claims


def _claims(token: str, key: bytes) -> dict[str, Any] | None:
    """Return the claims, None if the ticket is not signed with this key."""
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            # Times are checked against our own clock; types of the ids by ``verify``.
            options={
                "require": ["exp", "aud", *_CLAIMS],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        return None
    except jwt.InvalidAudienceError:
        raise TicketRefused("wrong_audience") from None
    except jwt.MissingRequiredClaimError as error:
        reason = "wrong_audience" if error.claim == "aud" else "malformed"
        raise TicketRefused(reason) from None
    except (jwt.InvalidTokenError, UnicodeError):
        raise TicketRefused("malformed") from None


def _ticket(claims: Mapping[str, Any]) -> Ticket:
    ids = [claims[name] for name in _CLAIMS]
    if not all(isinstance(value, str) and value for value in ids):
        raise TicketRefused("malformed")
    expiry_s = claims["exp"]
    is_number = isinstance(expiry_s, int | float) and not isinstance(expiry_s, bool)
    if not is_number or not math.isfinite(expiry_s):
        raise TicketRefused("malformed")
    ticket_id, user_id, session_id, conversation_id = ids
    if user_id_problem(user_id) is not None:
        raise TicketRefused("malformed")
    return Ticket(ticket_id, user_id, session_id, conversation_id, round(expiry_s * 1000))
