"""What a page asks of ``/authorize``, and the two ways to refuse it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.issuer.pages import Pages

# BASE64URL(SHA256(verifier)) without padding (RFC 7636, 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
DEFAULT_USER = "demo"
MAX_USER_LENGTH = 128


class UnknownPageError(Exception):
    """The client or the page is not registered, so the user must not be sent there."""


@dataclass
class RefusedError(Exception):
    """The request is refused, and the page gets the error.

    Args:
        error: The error code of OAuth 2.0.
        description: What to change.
        redirect_uri: The page that gets the answer.
        state: The state of the request; "" without one.
    """

    error: str
    description: str
    redirect_uri: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """A valid request to sign a user in.

    Args:
        redirect_uri: The page, which gets the code.
        state: Returned to the page.
        nonce: Returned in the ID token; None without one.
        scope: The scopes of the access token.
        challenge: The PKCE challenge, of method S256.
        user: The user to sign in.
        asks_user: Whether the user chooses the name first.
    """

    redirect_uri: str
    state: str
    nonce: str | None
    scope: str
    challenge: str
    user: str
    asks_user: bool


def read_request(query: Mapping[str, str], client_id: str, pages: Pages) -> SignInRequest:
    """Read the query of ``/authorize``.

    Raises:
        UnknownPageError: The client or the redirect URI is not registered.
        RefusedError: Another parameter is missing or not supported.
    """
    if query.get("client_id") != client_id:
        raise UnknownPageError(f"client_id must be {client_id}.")
    address = query.get("redirect_uri", "")
    if not pages.is_registered(address):
        known = ", ".join([*pages.page_urls, *sorted(pages.allowed_origins)])
        raise UnknownPageError(
            f"redirect_uri {address!r} is not registered. Registered: {known}. "
            "The parameter AllowedOrigins registers more."
        )
    state, scope = query.get("state", ""), query.get("scope", "")
    user = query.get("login_hint", "").strip() or DEFAULT_USER
    problems = {
        "state is missing": not state,
        "scope must contain openid": "openid" not in scope.split(),
        "code_challenge_method must be S256": query.get("code_challenge_method") != "S256",
        "code_challenge must be 43 characters of base64url": (
            _CHALLENGE.fullmatch(query.get("code_challenge", "")) is None
        ),
        f"the name is longer than {MAX_USER_LENGTH} characters": len(user) > MAX_USER_LENGTH,
    }
    if query.get("response_type") != "code":
        problem = "response_type must be code"
        raise RefusedError("unsupported_response_type", problem, address, state)
    for problem, is_found in problems.items():
        if is_found:
            raise RefusedError("invalid_request", problem, address, state)
    return SignInRequest(
        redirect_uri=address,
        state=state,
        nonce=query.get("nonce"),
        scope=scope,
        challenge=query["code_challenge"],
        user=user,
        asks_user="login" in query.get("prompt", "").split(),
    )
