"""Seals cursors: the place where a list continues, for one user and one route."""

import base64
import binascii
import hashlib
import hmac
import json
from enum import StrEnum

from repartee.domain.errors import CursorRefused
from repartee.ports.runtime import Secrets

_MAC_BYTES = hashlib.sha256().digest_size

MAX_CURSOR_CHARACTERS = 5_000
"""Longer than any cursor; longer texts are refused without a check."""


class Listing(StrEnum):
    """The list that a cursor continues. No value is a prefix of another value.

    The key also signs tickets. A signed cursor can never pass for a ticket.
    """

    EXPORT = "repartee-export-cursor"
    CONVERSATIONS = "repartee-conversations-cursor"
    NOTES = "repartee-notes-cursor"


class Cursors:
    """Seals places with HMAC-SHA-256 over listing, user and place.

    Args:
        secrets: Reads the key.
        key_id: The id of the key's secret. Cursors of the previous version stay valid.
    """

    def __init__(self, secrets: Secrets, key_id: str):
        self._secrets = secrets
        self._key_id = key_id

    def seal(self, listing: Listing, user_id: str, *place: str) -> str:
        """Return a cursor of URL-safe characters.

        Raises:
            StoreUnavailable: The key could not be read.
        """
        content = json.dumps(place, ensure_ascii=False).encode()
        sealed = self._mac(listing, user_id, content) + content
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, listing: Listing, user_id: str, cursor: str) -> tuple[str, ...]:
        """Return the place that was sealed for this listing and user.

        Raises:
            CursorRefused: The cursor was sealed for another listing or user, or with another key.
            StoreUnavailable: The key could not be read.
        """
        try:
            sealed = base64.b64decode(
                cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            raise CursorRefused from None
        mac, content = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(listing, user_id, content)):
            signed = _signed(listing, user_id, content)
            keys = self._secrets.versions(self._key_id)
            if not any(hmac.compare_digest(mac, _digest(key, signed)) for key in keys):
                raise CursorRefused
        return tuple(json.loads(content))

    def _mac(self, listing: Listing, user_id: str, content: bytes) -> bytes:
        return _digest(self._secrets.get(self._key_id), _signed(listing, user_id, content))


def _signed(listing: Listing, user_id: str, content: bytes) -> bytes:
    user = user_id.encode()
    # The length of the id makes these bytes different for every other user and content.
    return listing.value.encode() + b"%d:" % len(user) + user + content


def _digest(key: str, signed: bytes) -> bytes:
    return hmac.digest(key.encode(), signed, "sha256")
