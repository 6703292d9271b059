"""The HTTP API's JWT authorizer: RS256 against the issuer's published keys."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

from local.template.model import JwtAuthorizer

FetchJson = Callable[[str], Awaitable[Any]]
_HEADER = "$request.header."
_QUERY = "$request.querystring."


class UnauthorizedError(Exception):
    """The token is missing, malformed, forged, expired, or for another audience."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The content of a valid token; claims are texts, as API Gateway passes them to functions."""

    claims: Mapping[str, str]
    scopes: tuple[str, ...]


async def fetch_json(url: str) -> Any:
    """Fetch a JSON document."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
        session.get(url) as response,
    ):
        response.raise_for_status()
        return await response.json(content_type=None)


class TokenVerifier:
    """Verifies the tokens of one authorizer; fetches the keys when a key id is unknown."""

    def __init__(self, authorizer: JwtAuthorizer, fetch: FetchJson = fetch_json) -> None:
        self._authorizer = authorizer
        self._fetch = fetch
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetching = asyncio.Lock()

    async def verify(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
        """Verify the token in a request's identity source.

        Raises:
            UnauthorizedError: The request is refused.
        """
        token = self._token(headers, query)
        try:
            key = await self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._authorizer.issuer,
                # Checked below, because without an audience API Gateway reads client_id.
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except (jwt.PyJWTError, UnicodeError, aiohttp.ClientError, TimeoutError) as error:
            raise UnauthorizedError from error
        audience = claims.get("aud", claims.get("client_id"))
        audiences = [audience] if isinstance(audience, str) else _texts(audience)
        if not set(audiences) & set(self._authorizer.audience):
            raise UnauthorizedError
        scope = claims.get("scope", claims.get("scp"))
        scopes = scope.split() if isinstance(scope, str) else _texts(scope)
        return Principal({name: _text(value) for name, value in claims.items()}, tuple(scopes))

    def _token(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        source = self._authorizer.identity_source
        if source.startswith(_HEADER):
            value = headers.get(source.removeprefix(_HEADER).lower(), "")
        else:
            value = query.get(source.removeprefix(_QUERY), "")
        scheme, _, rest = value.partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else value

    async def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        key_id = header.get("kid")
        async with self._fetching:
            if key_id not in self._keys:
                issuer = self._authorizer.issuer.rstrip("/")
                configuration = await self._fetch(f"{issuer}/.well-known/openid-configuration")
                keys = jwt.PyJWKSet.from_dict(await self._fetch(configuration["jwks_uri"])).keys
                self._keys = {key.key_id: key for key in keys}
        if key_id not in self._keys:
            raise UnauthorizedError
        return self._keys[key_id]


def _texts(value: Any) -> list[str]:
    """Return the texts of a list; other values of a claim are ignored."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(_text(item) for item in value)}]"
    return json.dumps(value)
