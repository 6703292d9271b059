"""The codes and refresh tokens that a page exchanges for tokens, each of them once."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.hosting.timers import Timers
from local.issuer.requests import SignInRequest
from local.issuer.tokens import TokenIssuer

# Cognito's codes are valid for 5 minutes, its refresh tokens for 30 days by default (read
# 2026-11-30).
_CODE_LIFE_S = 300
_REFRESH_LIFE_S = 30 * 86_400
# RFC 7636, 4.1.
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass
class TokenRefusedError(Exception):
    """``/token`` refuses the request.

    Args:
        error: The error code of OAuth 2.0.
        description: The reason.
    """

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class _Code:
    request: SignInRequest
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class _Refresh:
    user: str
    scope: str
    expires_at_s: float


class Grants:
    """Gives codes and refresh tokens, and exchanges them.

    A refresh token is replaced at each use, as Cognito does with refresh token rotation.
    """

    def __init__(self, issuer: TokenIssuer, timers: Timers) -> None:
        self._issuer = issuer
        self._timers = timers
        self._codes: dict[str, _Code] = {}
        self._refreshes: dict[str, _Refresh] = {}

    def code(self, request: SignInRequest) -> str:
        """Return a code for the page of ``request``."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(request, self._timers.now_s() + _CODE_LIFE_S)
        return code

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to the form of ``/token``.

        Raises:
            TokenRefusedError: The form, the code or the refresh token is not accepted.
        """
        if form.get("client_id") != self._issuer.client_id:
            raise TokenRefusedError("invalid_client", "client_id is unknown")
        match form.get("grant_type"):
            case "authorization_code":
                return self._by_code(form)
            case "refresh_token":
                return self._by_refresh_token(form)
            case _:
                problem = "grant_type must be authorization_code or refresh_token"
                raise TokenRefusedError("unsupported_grant_type", problem)

    def _by_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        # A code ends with its first use, even if this is refused.
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires_at_s <= self._timers.now_s():
            raise TokenRefusedError("invalid_grant", "the code is unknown, used or expired")
        request = code.request
        if form.get("redirect_uri") != request.redirect_uri:
            raise TokenRefusedError("invalid_grant", "redirect_uri differs from /authorize")
        if not _is_verifier_of(form.get("code_verifier", ""), request.challenge):
            raise TokenRefusedError("invalid_grant", "code_verifier does not fit code_challenge")
        return self._tokens(request.user, request.scope, request.nonce)

    def _by_refresh_token(self, form: Mapping[str, str]) -> dict[str, Any]:
        refresh = self._refreshes.pop(form.get("refresh_token", ""), None)
        if refresh is None or refresh.expires_at_s <= self._timers.now_s():
            problem = "the refresh token is unknown, used or expired"
            raise TokenRefusedError("invalid_grant", problem)
        return self._tokens(refresh.user, refresh.scope, None)

    def _tokens(self, user: str, scope: str, nonce: str | None) -> dict[str, Any]:
        refresh = secrets.token_urlsafe(32)
        expires_at_s = self._timers.now_s() + _REFRESH_LIFE_S
        self._refreshes[refresh] = _Refresh(user, scope, expires_at_s)
        return {
            "access_token": self._issuer.token(user, scope=scope),
            "id_token": self._issuer.id_token(user, nonce),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self._issuer.life_s,
        }


def _is_verifier_of(verifier: str, challenge: str) -> bool:
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
