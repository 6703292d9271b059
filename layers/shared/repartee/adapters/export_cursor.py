"""Where an export goes on, as a text that only its user can use."""

import base64
import binascii
import hashlib
import hmac
import json

from repartee.domain.errors import CursorRefused
from repartee.domain.export import ExportPosition
from repartee.ports.secrets import Secrets

# The key signs tickets, too; what is signed can never be taken for one.
_PURPOSE = b"repartee-export-cursor"
_MAC_BYTES = hashlib.sha256().digest_size


class ExportCursors:
    """Seals positions with HMAC-SHA-256 over user and position.

    Args:
        secrets: Hands out the key.
        key_id: Under which name the key is kept there; another key makes old cursors worthless.
    """

    def __init__(self, secrets: Secrets, key_id: str):
        self._secrets = secrets
        self._key_id = key_id

    def seal(self, user_id: str, position: ExportPosition) -> str:
        """Return a cursor of URL-safe characters.

        Raises:
            StoreUnavailable: The key could not be read.
        """
        content = json.dumps([position.conversation_id, position.after]).encode()
        sealed = self._mac(user_id, content) + content
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, user_id: str, cursor: str) -> ExportPosition:
        """Return what was sealed for this user.

        Raises:
            CursorRefused: It was not, or not with this key.
            StoreUnavailable: The key could not be read.
        """
        try:
            sealed = base64.b64decode(
                cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError):
            raise CursorRefused from None
        mac, content = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(user_id, content)):
            raise CursorRefused
        conversation_id, after = json.loads(content)
        return ExportPosition(conversation_id, after)

    def _mac(self, user_id: str, content: bytes) -> bytes:
        key = self._secrets.get(self._key_id).encode()
        user = user_id.encode()
        # With its length, so that no other user and content make the same bytes.
        return hmac.digest(key, _PURPOSE + b"%d:" % len(user) + user + content, "sha256")
