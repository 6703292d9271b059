"""The local issuer signs users in like Cognito, and refuses what Cognito refuses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import jwt
import pytest

from local.hosting.servers import serving
from local.issuer import IssuerApi, Pages, TokenIssuer
from tests.fakes.functions import PATIENCE_S

pytestmark = pytest.mark.integration

PAGE = "http://127.0.0.1:8701/"
OTHER_ORIGIN = "https://app.example"
# The pair of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REQUEST = {
    "response_type": "code",
    "client_id": "repartee-local",
    "redirect_uri": PAGE,
    "scope": "openid",
    "state": "s1",
    "nonce": "n1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@dataclass
class SetTimers:
    """A clock that tests set."""

    at_s: float = 1_800_000_000.0

    def now_s(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@dataclass
class Site:
    """A running issuer."""

    url: str
    http: aiohttp.ClientSession
    issuer: TokenIssuer
    timers: SetTimers = field(default_factory=SetTimers)

    async def authorize(self, **changes: str | None) -> tuple[int, str, dict[str, str]]:
        """Return the status, the address without its query, and the query of the redirect."""
        fields = {name: value for name, value in (REQUEST | changes).items() if value is not None}
        async with self.http.get(
            f"{self.url}/authorize", params=fields, allow_redirects=False
        ) as answer:
            location = urlsplit(answer.headers.get("Location", ""))
            address = location._replace(query="").geturl()
            return answer.status, address, dict(parse_qsl(location.query))

    async def token(self, **form: str) -> tuple[int, dict[str, Any]]:
        async with self.http.post(f"{self.url}/token", data=form) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, await answer.json()

    async def exchange(self, code: str, **changes: str) -> tuple[int, dict[str, Any]]:
        form = {
            "grant_type": "authorization_code",
            "client_id": "repartee-local",
            "redirect_uri": PAGE,
            "code": code,
            "code_verifier": VERIFIER,
        }
        return await self.token(**(form | changes))

    async def refresh(self, token: str, **changes: str) -> tuple[int, dict[str, Any]]:
        form = {"grant_type": "refresh_token", "client_id": "repartee-local"}
        return await self.token(**(form | {"refresh_token": token} | changes))

    def claims(self, token: str) -> dict[str, Any]:
        (key,) = jwt.PyJWKSet.from_dict(self.issuer.keys()).keys
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
        return jwt.decode(token, key, algorithms=["RS256"], options=options)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Site]:
    timers = SetTimers()
    issuer = TokenIssuer("", "repartee-local", timers)
    api = IssuerApi(issuer, timers, Pages((PAGE,), frozenset({OTHER_ORIGIN})))
    async with (
        asyncio.timeout(PATIENCE_S),
        serving(api.application(), 0) as port,
        aiohttp.ClientSession() as http,
    ):
        issuer.url = f"http://127.0.0.1:{port}"
        yield Site(issuer.url, http, issuer, timers)


def with_site[T](use: Callable[[Site], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with running() as site:
            return await use(site)

    return asyncio.run(run())


def test_a_page_gets_tokens_for_the_demo_user_without_a_question():
    async def use(site: Site) -> Any:
        status, address, query = await site.authorize()
        assert (status, address, query["state"]) == (302, PAGE, "s1")
        status, tokens = await site.exchange(query["code"])
        assert status == 200
        return tokens, site.claims(tokens["access_token"]), site.claims(tokens["id_token"])

    tokens, access, identity = with_site(use)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3_600)
    assert (access["sub"], access["client_id"], access["scope"]) == (
        "demo",
        "repartee-local",
        "openid",
    )
    assert "aud" not in access
    assert (identity["aud"], identity["nonce"], identity["name"]) == (
        "repartee-local",
        "n1",
        "demo",
    )
    assert access["exp"] - access["iat"] == 3_600


def test_a_login_hint_names_another_user_and_other_allowed_origins_sign_in():
    async def use(site: Site) -> Any:
        page = f"{OTHER_ORIGIN}/talk.html"
        _, address, query = await site.authorize(login_hint="ada", redirect_uri=page)
        _, tokens = await site.exchange(query["code"], redirect_uri=page)
        return address, site.claims(tokens["access_token"])["sub"]

    assert with_site(use) == (f"{OTHER_ORIGIN}/talk.html", "ada")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "other"}, 400, None),
        ({"redirect_uri": None}, 400, None),
        ({"redirect_uri": f"{PAGE}other"}, 400, None),
        ({"redirect_uri": PAGE.removesuffix("/")}, 400, None),
        ({"redirect_uri": f"{PAGE}?a=b"}, 400, None),
        ({"redirect_uri": f"{OTHER_ORIGIN}.evil.example/"}, 400, None),
        ({"redirect_uri": f"{OTHER_ORIGIN}/#a"}, 400, None),
        ({"redirect_uri": "http://[/"}, 400, None),
        ({"response_type": "token"}, 302, "unsupported_response_type"),
        ({"state": None}, 302, "invalid_request"),
        ({"scope": "email"}, 302, "invalid_request"),
        ({"code_challenge": None}, 302, "invalid_request"),
        ({"code_challenge": VERIFIER[:-1]}, 302, "invalid_request"),
        ({"code_challenge_method": "plain"}, 302, "invalid_request"),
        ({"login_hint": "a" * 129}, 302, "invalid_request"),
        ({"answer": "refuse"}, 302, "access_denied"),
    ],
)
def test_a_request_is_refused_at_the_issuer_or_at_a_registered_page(
    changes: dict[str, str | None], status: int, error: str | None
):
    found, address, query = with_site(lambda site: site.authorize(**changes))
    assert (found, query.get("error")) == (status, error)
    assert address == ("" if error is None else PAGE)
    assert query.get("state") == (None if status == 400 or "state" in changes else "s1")
    assert "code" not in query


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": VERIFIER[::-1]},
        {"code_verifier": ""},
        {"redirect_uri": f"{OTHER_ORIGIN}/"},
    ],
)
def test_a_code_ends_with_its_first_use_even_if_this_is_refused(changes: dict[str, str]):
    async def use(site: Site) -> Any:
        code = (await site.authorize())[2]["code"]
        return [await site.exchange(code, **changes), await site.exchange(code)]

    for status, answer in with_site(use):
        assert (status, answer["error"]) == (400, "invalid_grant")


def test_a_code_is_used_once_and_within_five_minutes():
    async def use(site: Site) -> Any:
        statuses = []
        code = (await site.authorize())[2]["code"]
        site.timers.at_s += 299
        statuses += [(await site.exchange(code))[0], (await site.exchange(code))[0]]
        code = (await site.authorize())[2]["code"]
        site.timers.at_s += 300
        return [*statuses, (await site.exchange(code))[0]]

    assert with_site(use) == [200, 400, 400]


def test_a_refresh_token_is_replaced_at_each_use():
    async def use(site: Site) -> Any:
        code = (await site.authorize(login_hint="ada"))[2]["code"]
        _, first = await site.exchange(code)
        site.timers.at_s += 3_600
        _, second = await site.refresh(first["refresh_token"])
        identity = site.claims(second["id_token"])
        assert (identity["sub"], "nonce" in identity) == ("ada", False)
        assert site.claims(second["access_token"])["exp"] > site.timers.at_s
        used = await site.refresh(first["refresh_token"])
        site.timers.at_s += 31 * 86_400
        return [used, await site.refresh(second["refresh_token"])]

    for status, answer in with_site(use):
        assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token"}, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "other"}, "invalid_client"),
        ({"grant_type": "password", "client_id": "repartee-local"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "client_id": "repartee-local"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "client_id": "repartee-local"}, "invalid_grant"),
        ({"user": ""}, "invalid_request"),
    ],
)
def test_a_form_without_a_grant_gets_no_token(form: dict[str, str], error: str):
    status, answer = with_site(lambda site: site.token(**form))
    assert (status, answer["error"]) == (400, error)


def test_the_form_for_another_name_keeps_the_request_and_runs_no_script():
    async def use(site: Site) -> Any:
        query = REQUEST | {"prompt": "login", "login_hint": '"><script>'}
        async with site.http.get(f"{site.url}/authorize", params=query) as answer:
            return answer.headers["Content-Security-Policy"], await answer.text()

    policy, text = with_site(use)
    assert f"form-action 'self' {PAGE.removesuffix('/')} {OTHER_ORIGIN}" in policy
    assert "default-src 'none'" in policy
    assert "<script" not in text
    for name, value in REQUEST.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in text
    assert 'name="prompt"' not in text


def test_signing_out_returns_to_a_registered_page_alone():
    async def use(site: Site) -> Any:
        found = []
        for query in (
            {"client_id": "repartee-local", "logout_uri": PAGE},
            {"client_id": "repartee-local", "post_logout_redirect_uri": PAGE},
            {"client_id": "repartee-local", "logout_uri": "https://evil.example/"},
            {"client_id": "other", "logout_uri": PAGE},
        ):
            address = f"{site.url}/logout"
            async with site.http.get(address, params=query, allow_redirects=False) as answer:
                found.append((answer.status, answer.headers.get("Location")))
        return found

    assert with_site(use) == [(302, PAGE), (302, PAGE), (400, None), (400, None)]


def test_registered_pages_alone_may_read_the_answers():
    async def use(site: Site) -> Any:
        found = []
        for origin in (PAGE.removesuffix("/"), OTHER_ORIGIN, "https://evil.example"):
            headers = {"Origin": origin}
            for method in ("POST", "OPTIONS"):
                async with site.http.request(
                    method, f"{site.url}/token", headers=headers
                ) as answer:
                    allowed = answer.headers.get("Access-Control-Allow-Origin")
                    found.append(allowed == origin)
        return found

    assert with_site(use) == [True, True, True, True, False, False]


def test_the_discovery_document_names_what_the_issuer_serves():
    async def use(site: Site) -> Any:
        address = f"{site.url}/.well-known/openid-configuration"
        async with site.http.get(address) as answer:
            document = await answer.json()
        statuses = []
        for name in ("authorization_endpoint", "end_session_endpoint", "jwks_uri"):
            async with site.http.get(document[name]) as answer:
                statuses.append(answer.status)
        async with site.http.post(document["token_endpoint"]) as answer:
            statuses.append(answer.status)
        return document, statuses, site.url

    document, statuses, url = with_site(use)
    assert document["issuer"] == url
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert statuses == [400, 400, 200, 400]
