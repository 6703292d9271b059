"""The HTTP API of the local issuer: discovery, keys, ``/authorize``, ``/token``, ``/logout``."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from local.hosting.timers import Timers
from local.issuer.form import name_form, refusal_page
from local.issuer.grants import Grants, TokenRefusedError
from local.issuer.pages import Pages
from local.issuer.requests import RefusedError, UnknownPageError, read_request
from local.issuer.tokens import TokenIssuer


class IssuerApi:
    """Signs users in by the authorization code flow with PKCE, and by ``user=NAME`` alone.

    Args:
        issuer: Signs the tokens.
        timers: The clock for the life of codes and refresh tokens.
        pages: The pages that may sign users in.
    """

    def __init__(self, issuer: TokenIssuer, timers: Timers, pages: Pages | None = None) -> None:
        self._issuer = issuer
        self._grants = Grants(issuer, timers)
        self._pages = pages or Pages()

    def configuration(self) -> dict[str, Any]:
        """Return the discovery document."""
        url = self._issuer.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "end_session_endpoint": f"{url}/logout",
            "jwks_uri": f"{url}/jwks.json",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid"],
            "prompt_values_supported": ["login"],
            "claims_supported": ["sub", "name", "auth_time"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def application(self) -> web.Application:
        """Return the application."""
        application = web.Application(middlewares=[self._allow_pages])
        application.add_routes(
            [
                web.get("/.well-known/openid-configuration", self._configuration),
                web.get("/jwks.json", self._keys),
                web.get("/authorize", self._authorize),
                web.get("/logout", self._logout),
                web.post("/token", self._token),
            ]
        )
        return application

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(self.configuration())

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self._issuer.keys())

    async def _authorize(self, request: web.Request) -> web.Response:
        try:
            wanted = read_request(request.query, self._issuer.client_id, self._pages)
            if request.query.get("answer") == "refuse":
                address, state = wanted.redirect_uri, wanted.state
                raise RefusedError("access_denied", "The user refused.", address, state)
        except UnknownPageError as error:
            return refusal_page(str(error), self._pages)
        except RefusedError as error:
            fields = {"error": error.error, "error_description": error.description}
            return _redirect(
                error.redirect_uri, fields | ({"state": error.state} if error.state else {})
            )
        if wanted.asks_user:
            return name_form(request.query, self._pages)
        code = self._grants.code(wanted)
        return _redirect(wanted.redirect_uri, {"code": code, "state": wanted.state})

    async def _logout(self, request: web.Request) -> web.Response:
        """Send the user back; nothing is signed out, because the issuer has no sessions."""
        query = request.query
        # The first name is Cognito's, the second OpenID Connect's.
        address = query.get("logout_uri") or query.get("post_logout_redirect_uri") or ""
        is_client = query.get("client_id") == self._issuer.client_id
        if not (is_client and self._pages.is_registered(address)):
            return refusal_page("client_id or logout_uri is not registered.", self._pages)
        return _redirect(address, {})

    async def _token(self, request: web.Request) -> web.Response:
        form = await _fields(request)
        try:
            if "grant_type" in form:
                answer = self._grants.exchange(form)
            elif user := form.get("user"):
                answer = {
                    "access_token": self._issuer.token(user),
                    "token_type": "Bearer",
                    "expires_in": self._issuer.life_s,
                }
            else:
                problem = "user is missing or empty: send user=NAME"
                raise TokenRefusedError("invalid_request", problem)
        except TokenRefusedError as error:
            problems = {"error": error.error, "error_description": error.description}
            return web.json_response(problems, status=400, headers=_NOT_STORED)
        return web.json_response(answer, headers=_NOT_STORED)

    @web.middleware
    async def _allow_pages(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Headers": "content-type"}
            answer: web.StreamResponse = web.Response(status=204, headers=allowed)
        else:
            answer = await handler(request)
        if (origin := request.headers.get("Origin")) in self._pages.origins:
            answer.headers["Access-Control-Allow-Origin"] = str(origin)
            answer.headers["Vary"] = "Origin"
        return answer


_NOT_STORED = {"Cache-Control": "no-store"}


async def _fields(request: web.Request) -> dict[str, str]:
    """Return the text fields of a form or a JSON object."""
    fields: Any
    if request.content_type == "application/json":
        try:
            fields = await request.json()
        except ValueError:
            fields = None
    else:
        fields = dict(await request.post())
    if not isinstance(fields, dict):
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _redirect(address: str, fields: Mapping[str, str]) -> web.Response:
    joiner = "&" if "?" in address else "?"
    location = f"{address}{joiner}{urlencode(fields)}" if fields else address
    return web.Response(status=302, headers={"Location": location, **_NOT_STORED})
