"""Tests as far as possible without a user whether the page can sign users in."""

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ops.finding import Finding, compared, judged, noted

_TIMEOUT_S = 15.0
# Any challenge will do, because nobody signs in.
_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def findings(page: str) -> list[Finding]:
    """Test the page at an address, and its issuer.

    Raises:
        OSError: A server does not answer.
        ValueError: The settings are not JSON.
    """
    status, headers, _ = _ask(page)
    found = [compared("the page is served", status, 200)]
    _, _, body = _ask(f"{page}settings")
    settings = json.loads(body)["sign_in"]
    if settings is None:
        return [*found, noted("sign-in to the page", "off: the deployment names no place for it")]
    token_url = settings["token_url"]
    policy = headers.get("content-security-policy", "")
    is_named = _origin(token_url) in policy
    found.append(judged("the page's policy names the issuer", is_named, policy))
    query = {
        "response_type": "code",
        "client_id": settings["client_id"],
        "redirect_uri": page,
        "scope": settings["scope"],
        "state": secrets.token_urlsafe(8),
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
    }
    address = settings["authorize_url"]
    joiner = "&" if "?" in address else "?"
    status, answer, _ = _ask(f"{address}{joiner}{urlencode(query)}")
    target = answer.get("location", "")
    is_asked = status < 400 and "error=" not in target
    shown = f"{status} {target.partition('?')[0]}".strip()
    found.append(judged("the issuer knows the page's address", is_asked, shown))
    form = {
        "grant_type": "authorization_code",
        "client_id": settings["client_id"],
        "redirect_uri": page,
        "code": "no-such-code",
        "code_verifier": "0" * 43,
    }
    origin = _origin(page)
    status, answer, body = _ask(token_url, urlencode(form).encode(), {"Origin": origin})
    allowed = answer.get("access-control-allow-origin", "")
    readable = allowed in ("*", origin)
    return [
        *found,
        judged("the page may read the answers of the token endpoint", readable, allowed or "no"),
        compared("a code that does not exist is refused", (status, _error(body)), _REFUSED),
    ]


_REFUSED = (400, "invalid_grant")


def _ask(
    url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers by lower-case name, and the body."""
    request = Request(url, form, dict(headers or {}))  # noqa: S310 - addresses of the operator
    try:
        answer = build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        answer = error
    with answer:
        names = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, names, answer.read()


def _error(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return "no error code"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
