"""Checks the body of every request before a route reads its members."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from http_api.problems import Problem

# The largest valid body of any route has less than 1 KiB.
MAX_BODY_BYTES = 16 * 1024
_JSON = re.compile(r"application/(json|[\w.-]+\+json)\s*(;|$)", re.IGNORECASE)


async def _check_body(request: Request) -> None:
    """Accept a request without a body, or with JSON that all parsers read in the same way.

    Raises:
        Problem: The body is too large, has another media type, or is not such JSON.
    """
    body = await request.body()
    if not body:
        return
    if len(body) > MAX_BODY_BYTES:
        detail = f"the body has {len(body)} bytes: send at most {MAX_BODY_BYTES}"
        raise Problem("body_too_large", detail)
    if not _JSON.match(request.headers.get("content-type", "").strip()):
        raise Problem("unsupported_media_type")
    try:
        json.loads(body.decode("utf-8-sig"), object_pairs_hook=_members, parse_constant=_refuse)
    except _Refused as refused:
        raise Problem("not_json", str(refused)) from None
    except (ValueError, RecursionError):
        raise Problem("not_json") from None


class CheckedRoute(APIRoute):
    """A route that takes a body: FastAPI reads it only after the checks have passed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the checks."""
        handle = super().get_route_handler()

        async def handle_checked(request: Request) -> Response:
            await _check_body(request)
            return await handle(request)

        return handle_checked


class _Refused(ValueError):
    pass


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused("the body names a member twice: name each once")
    return members


def _refuse(constant: str) -> None:
    raise _Refused(f"the body holds {constant}, which JSON does not have: send a number")
