"""Identifiers that look like API Gateway's."""

import base64
import secrets


def gateway_id() -> str:
    """Return an id of a connection, message or request: 11 random bytes as base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()
