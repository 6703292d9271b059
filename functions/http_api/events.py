"""Makes API Gateway's events (payload format 2.0) safe for the application to read."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

# The headers that a route reads. All others are dropped, so no client can mislead Mangum or a
# framework with a Host, an X-Forwarded-Port or odd bytes in a header.
READ_HEADERS = frozenset({"accept-encoding", "content-type", "if-none-match"})

# Replaces a body that cannot be decoded. The routes that read a body refuse it.
_NO_JSON = b"\xff"


def sanitised_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event that Mangum can read, whatever bytes the client sent.

    Bytes that are not UTF-8 become question marks. A HEAD request becomes a GET request. The path
    has no prefix of an API mapping or a stage.
    """
    context = event["requestContext"]
    http = context["http"]
    method = "GET" if http["method"] == "HEAD" else http["method"]
    headers = event.get("headers") or {}
    return {
        **event,
        "headers": {
            name.lower(): _utf8(value).decode()
            for name, value in headers.items()
            if name.lower() in READ_HEADERS and isinstance(value, str)
        },
        "cookies": None,
        "rawQueryString": _utf8(event.get("rawQueryString") or "").decode(),
        "requestContext": {
            **context,
            "http": {**http, "method": method, "path": _utf8(_path(event)).decode()},
        },
        "body": _body(event),
        "isBase64Encoded": False,
    }


def without_body(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to HEAD, which is the answer to GET without its body."""
    return {**answer, "body": "", "isBase64Encoded": False}


def _path(event: Mapping[str, Any]) -> str:
    """Return the path below the API's own address.

    The event's path begins with the key of an API mapping (a custom domain name's path) or the name
    of a stage. The route and its parameter have neither.
    """
    path: str = event["requestContext"]["http"]["path"]
    _, _, route = event.get("routeKey", "").partition(" ")
    rest = (event.get("pathParameters") or {}).get("proxy", "")
    of_route: str = route.replace("{proxy+}", rest)
    return of_route if of_route and path.endswith(of_route) else path


def _body(event: Mapping[str, Any]) -> bytes:
    body = _utf8(event.get("body") or "")
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            return _NO_JSON
    return body


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")
