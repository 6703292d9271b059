"""Checks of a request's body that hold for every route, before its members are looked at."""

import json
import re
from typing import Any

from fastapi import Request

from http_api.problems import Problem

# The largest that any route takes has less than 1 KiB.
MAX_BODY_BYTES = 16 * 1024
_METHODS = frozenset({"POST", "PUT", "PATCH"})
_JSON = re.compile(r"application/(json|[\w.-]+\+json)\s*(;|$)", re.IGNORECASE)


async def check_body(request: Request) -> None:
    """Pass when the request has no body, or one of JSON that every reader understands alike.

    Raises:
        Problem: The body is too large, of another type, or no such JSON.
    """
    if request.method not in _METHODS:
        return
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


class _Refused(ValueError):
    pass


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Refused("the body names a member twice: name each once")
    return members


def _refuse(constant: str) -> None:
    raise _Refused(f"the body holds {constant}, which JSON does not have: send a number")
