"""The signed tokens of the local issuer, with the claims of Cognito's tokens."""

import json
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local.hosting.timers import Timers

_KEY_BITS = 2048
_LIFE_S = 3_600


class TokenIssuer:
    """Signs tokens with a key that this object generates.

    Args:
        url: The address of the issuer, and the issuer of its tokens.
        client_id: The client that all tokens are for.
        timers: The clock for the times of issue and expiry.

    Attributes:
        life_s: The life of tokens. Tests shorten it.
    """

    def __init__(self, url: str, client_id: str, timers: Timers) -> None:
        self.url = url
        self.client_id = client_id
        self.life_s = _LIFE_S
        self._timers = timers
        self._key_id = secrets.token_hex(8)
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)

    def token(self, user: str, **claims: Any) -> str:
        """Return an access token for ``user``; ``claims`` extend or replace the default ones.

        Like Cognito's, it names the client in ``client_id`` and has no ``aud``.
        """
        own = {"client_id": self.client_id, "token_use": "access", "jti": secrets.token_hex(8)}
        return self.signed({**self._common(user), **own, **claims})

    def id_token(self, user: str, nonce: str | None) -> str:
        """Return an ID token, which names the user."""
        claims = {
            **self._common(user),
            "aud": self.client_id,
            "token_use": "id",
            "auth_time": int(self._timers.now_s()),
            "name": user,
        }
        return self.signed(claims if nonce is None else {**claims, "nonce": nonce})

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token with exactly these claims."""
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def keys(self) -> dict[str, Any]:
        """Return the public keys (JWKS)."""
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    def _common(self, user: str) -> dict[str, Any]:
        now_s = int(self._timers.now_s())
        return {"iss": self.url, "sub": user, "iat": now_s, "exp": now_s + self.life_s}
