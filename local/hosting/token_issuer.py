"""A small OpenID Connect issuer for one machine; it issues tokens for any user to any caller."""

import json
import secrets
from collections.abc import Collection
from typing import Any

import jwt
from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography.hazmat.primitives.asymmetric import rsa

from local.hosting.timers import Timers

_KEY_BITS = 2048
_LIFE_S = 3_600


class TokenIssuer:
    """Signs access tokens with a key that this object generates.

    Args:
        url: The address of the issuer, and the issuer of its tokens.
        audience: The audience of the tokens.
        timers: The clock for the times of issue and expiry.
        allowed_origins: The origins of web pages that may read the answers.
    """

    def __init__(
        self, url: str, audience: str, timers: Timers, allowed_origins: Collection[str] = ()
    ) -> None:
        self.url = url
        self.audience = audience
        self._timers = timers
        self._allowed_origins = allowed_origins
        self._key_id = secrets.token_hex(8)
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)

    def token(self, user: str, *, life_s: int = _LIFE_S, **claims: Any) -> str:
        """Return an access token for ``user``; ``claims`` extend or replace the default ones."""
        now_s = int(self._timers.now_s())
        fields = {
            "iss": self.url,
            "sub": user,
            "aud": self.audience,
            "client_id": self.audience,
            "token_use": "access",
            "iat": now_s,
            "exp": now_s + life_s,
            "jti": secrets.token_hex(8),
            **claims,
        }
        return jwt.encode(fields, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def configuration(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks.json",
            "token_endpoint": f"{self.url}/token",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the public keys (JWKS)."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    def application(self) -> web.Application:
        """Return the application that serves discovery, the keys and ``POST /token``."""

        async def token(request: web.Request) -> web.Response:
            if request.content_type == "application/json":
                try:
                    fields = await request.json()
                except ValueError:
                    fields = None
            else:
                fields = dict(await request.post())
            user = fields.get("user") if isinstance(fields, dict) else None
            if not isinstance(user, str) or not user:
                problem = "user is missing or empty: send user=NAME"
                return web.json_response(
                    {"error": "invalid_request", "error_description": problem}, status=400
                )
            return web.json_response(
                {
                    "access_token": self.token(user),
                    "token_type": "Bearer",
                    "expires_in": _LIFE_S,
                }
            )

        async def configuration(_request: web.Request) -> web.Response:
            return web.json_response(self.configuration())

        async def keys(_request: web.Request) -> web.Response:
            return web.json_response(self.keys())

        @web.middleware
        async def allow_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method == "OPTIONS":
                allowed = {"Access-Control-Allow-Headers": "content-type"}
                answer: web.StreamResponse = web.Response(status=204, headers=allowed)
            else:
                answer = await handler(request)
            if (origin := request.headers.get("Origin")) in self._allowed_origins:
                answer.headers["Access-Control-Allow-Origin"] = str(origin)
            return answer

        application = web.Application(middlewares=[allow_origins])
        application.add_routes(
            [
                web.get("/.well-known/openid-configuration", configuration),
                web.get("/jwks.json", keys),
                web.post("/token", token),
            ]
        )
        return application
