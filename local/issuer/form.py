"""The issuer's own pages: the form for another name, and the page about a refused request."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from aiohttp import web

from local.issuer.pages import Pages

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
label { display: block; }
input, button { font: inherit; padding: 0.5rem 0.75rem; min-height: 2.75rem; }
input { width: 100%; box-sizing: border-box; margin: 0.25rem 0 1rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def name_form(query: Mapping[str, str], pages: Pages) -> web.Response:
    """Return the form, which sends the request again with the name, or as a refusal.

    Args:
        query: The valid query of ``/authorize``.
        pages: The pages to which the answer may be redirected.
    """
    kept = {name: value for name, value in query.items() if name not in ("prompt", "login_hint")}
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in kept.items()
    )
    hint = escape(query.get("login_hint", ""))
    body = f"""
<h1>Sign in</h1>
<p>This issuer is for tests on this machine. It believes every name.</p>
<form action="/authorize" method="get">
{hidden}
<label for="name">Name</label>
<input id="name" name="login_hint" value="{hint}" required maxlength="128"
 autocomplete="username" autocapitalize="none" spellcheck="false" autofocus>
<button type="submit">Sign in</button>
<button type="submit" name="answer" value="refuse" formnovalidate>Refuse</button>
</form>"""
    return _page("Sign in", body, 200, pages)


def refusal_page(problem: str, pages: Pages) -> web.Response:
    """Return the page for a request that must not be redirected."""
    body = f"<h1>This page cannot sign you in</h1>\n<p>{escape(problem)}</p>"
    return _page("Sign-in refused", body, 400, pages)


def _page(title: str, body: str, status: int, pages: Pages) -> web.Response:
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>{body}
</main>
</body>
</html>
"""
    # Chromium applies form-action to the redirect after a form, too.
    targets = " ".join(["'self'", *sorted(pages.origins)])
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
