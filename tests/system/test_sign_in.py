"""The page signs users in at the template's user pool, which MiniStack serves.

MiniStack differs from Cognito: it has one host for all, its form has one page and no way to refuse,
it ignores ``prompt`` and ``login_hint``, and keeps nobody signed in.
"""

import site
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
    # Playwright has a separate environment.
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
