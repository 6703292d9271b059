"""Identifiers that look like API Gateway's."""

import base64
import secrets


def gateway_id() -> str:
    """A connection, message or request id: 11 random bytes in base64, so it ends in ``=``."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()
