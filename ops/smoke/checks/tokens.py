"""Tests which tokens a deployed HTTP API accepts."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from ops.finding import Finding, compared, noted
from repartee_client.access import HttpApiClient
from repartee_client.errors import AccessRefusedError


def claims_of(token: str) -> Mapping[str, Any]:
    """Return a JSON Web Token's claims for display, without verification.

    Raises:
        ValueError: The text is not a JSON Web Token.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a JSON Web Token has three parts")
    body = parts[1] + "=" * (-len(parts[1]) % 4)
    claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    return claims


def audience_of(claims: Mapping[str, Any]) -> str:
    """Return the claim with the token's audience; Cognito's access tokens have no ``aud``."""
    for name in ("aud", "client_id"):
        if name in claims:
            return f"{name}={claims[name]}"
    return "none"


async def findings(api: HttpApiClient) -> list[Finding]:
    """Test the token of ``api`` and a forged one."""
    token = str(api.token)
    claims = claims_of(token)
    found = [
        noted("kind of token", str(claims.get("token_use", "not stated"))),
        noted("the claim that names the audience", audience_of(claims)),
        compared("the token has a subject", bool(claims.get("sub")), True),
        compared("the HTTP API accepts it", await _status(api), 201),
    ]
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    forged = HttpApiClient(api.url, f"{head}.{body}.{signature[::-1]}")
    return [
        *found,
        compared("a forged signature is refused", await _status(forged), 401),
    ]


async def _status(api: HttpApiClient) -> int:
    try:
        await api.start_session()
    except AccessRefusedError as refused:
        return refused.status
    return 201
