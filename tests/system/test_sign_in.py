"""The page signs users in at the template's user pool, which MiniStack serves.

MiniStack differs from Cognito: it has one host for all, its form has one page and no way to refuse,
it ignores ``prompt`` and ``login_hint``, keeps nobody signed in, and a code survives a wrong
verifier.
"""

import base64
import hashlib
import html
import re
import secrets
import site
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from local.stack.options import PROJECT
from ops.smoke.checks.tokens import claims_of
from tests.browser import engines
from tests.browser.opening import launched
from tests.system.ministack import MiniStack

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.system

PASSWORD = "Correct-Horse-1"
SITE = PROJECT / "clients" / "web" / "site"
USE_TOKENS = """async (module) => {
  const { SignIn } = await import(new URL(module, document.baseURI));
  const { sign_in: settings } = await (await fetch("settings")).json();
  const signIn = new SignIn(settings);
  const tokens = [await signIn.token(), await signIn.token({ isRefused: true })];
  const statuses = [];
  for (const token of tokens) {
    const headers = { Authorization: `Bearer ${token}` };
    statuses.push((await fetch("me/usage", { headers })).status);
  }
  return { tokens, statuses, user: signIn.user };
}"""


@pytest.fixture
def tab() -> "Iterator[Page]":
    """Return a tab of Chromium."""
    if problem := engines.missing():
        pytest.skip(problem)
    # Playwright has an environment of its own.
    site.addsitedir(str(engines.PACKAGES))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, launched(playwright) as browser:
        page = browser.new_page()
        # Functions start on their first call, beside other tests.
        page.set_default_timeout(60_000)
        # The browser asks for all files at once, and MiniStack starts a process for each request.
        page.route("**/web/**", serve_file)
        yield page


def serve_file(route: "Route") -> None:
    path = urlsplit(route.request.url).path.partition("/web/")[2].partition("/")[2]
    route.fulfill(path=SITE / path)


def test_the_page_signs_a_user_in_refreshes_the_token_and_signs_out(
    deployed: MiniStack, tab: "Page"
) -> None:
    deployed.create_user("page@example.com", PASSWORD)
    address, client = (deployed.outputs()[name] for name in ("PageAddress", "UserPoolClientId"))
    tab.goto(address)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_label("Username").fill("page@example.com")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name="Start talking").wait_for()
    assert tab.url == address

    used = tab.evaluate(USE_TOKENS, "web/current/page/sign_in.js")

    assert used["statuses"] == [200, 200]
    assert used["user"] == "page@example.com"
    first, second = (claims_of(token) for token in used["tokens"])
    assert first["jti"] != second["jti"]
    for claims in (first, second):
        assert (claims["token_use"], claims["client_id"]) == ("access", client)
        assert "aud" not in claims
    tab.get_by_role("button", name="Menu").click()
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("button", name="Sign in").wait_for()
    assert tab.url == address


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, (200, None)),
        ({"code_verifier": "0" * 43}, (400, "invalid_grant")),
        ({"redirect_uri": "https://evil.example/"}, (400, "invalid_grant")),
        ({"client_id": "another"}, (400, "invalid_grant")),
    ],
    ids=["the page", "another verifier", "another page", "another client"],
)
def test_the_user_pool_gives_tokens_to_the_page_that_asked_alone(
    changes: Mapping[str, str], answer: tuple[int, str | None], deployed: MiniStack
) -> None:
    async def exchanged() -> tuple[int, str | None]:
        async with aiohttp.ClientSession() as http:
            return await exchange(http, deployed.outputs()["PageAddress"], changes)

    user = "code@example.com"
    if not changes:
        deployed.create_user(user, PASSWORD)
    assert deployed.runner.run(exchanged()) == answer


async def exchange(
    http: aiohttp.ClientSession, page: str, changes: Mapping[str, str]
) -> tuple[int, str | None]:
    """Sign a user in by the form, and exchange the code; return the status and the error."""
    async with http.get(f"{page}settings") as answer:
        settings: dict[str, Any] = (await answer.json())["sign_in"]
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    request = {
        "response_type": "code",
        "client_id": settings["client_id"],
        "redirect_uri": page,
        "scope": settings["scope"],
        "state": "s",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    async with http.get(settings["authorize_url"], params=request) as answer:
        form = await answer.text()
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    fields = {name: html.unescape(value) for name, value in hidden}
    fields |= {"username": "code@example.com", "password": PASSWORD}
    login = settings["authorize_url"].replace("/oauth2/authorize", "/login")
    async with http.post(login, data=fields, allow_redirects=False) as answer:
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
    grant = {
        "grant_type": "authorization_code",
        "client_id": settings["client_id"],
        "redirect_uri": page,
        "code": query["code"][0],
        "code_verifier": verifier,
    }
    async with http.post(settings["token_url"], data={**grant, **changes}) as answer:
        return answer.status, (await answer.json()).get("error")
