"""Where and how users sign in to the page: OAuth 2.0's authorization code with PKCE."""

from dataclasses import dataclass

from repartee.config import HttpApiSettings


@dataclass(frozen=True, slots=True)
class SignIn:
    """How users sign in to the page.

    Attributes:
        authorize_url: Where the page sends users, with PKCE (S256) and its own address.
        token_url: Where the page exchanges codes and refresh tokens for access tokens.
        sign_out_url: Where the page sends users to sign out; null if nowhere.
        client_id: The page's client id.
        audience: The audience that the page asks for; null if the issuer needs none.
        scope: The scopes that the page asks for, separated by spaces.
    """

    authorize_url: str
    token_url: str
    sign_out_url: str | None
    client_id: str
    audience: str | None
    scope: str


def sign_in_of(settings: HttpApiSettings) -> SignIn | None:
    """Return how users sign in, None if the settings name no issuer's endpoints."""
    if not settings.sign_in_authorize_url:
        return None
    return SignIn(
        authorize_url=settings.sign_in_authorize_url,
        token_url=settings.sign_in_token_url,
        sign_out_url=settings.sign_in_sign_out_url or None,
        client_id=settings.sign_in_client_id,
        audience=settings.sign_in_audience or None,
        scope=" ".join(settings.sign_in_scope),
    )
