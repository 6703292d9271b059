"""Maps every failure to a problem document; no other module does.

Source: RFC 9457, with ``code``, ``message`` and ``field`` as extension members. ``message`` repeats
``detail`` for clients of older versions, which had no ``detail``.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from http_api.problem_kinds import KINDS
from http_api.values import rfc3339
from repartee.application.answers.check_limits import DailyLimitReached
from repartee.application.connections.session_cap import TooManySessions
from repartee.application.connections.start_session import (
    CallsAreStopped,
    SessionEnded,
    SessionUnknown,
)
from repartee.domain.cost.limits import LimitKind
from repartee.domain.errors import (
    ConversationUnknown,
    ErasureUnderWay,
    StoreUnavailable,
    UserErased,
)
from repartee.domain.users.preferences import PreferenceRefused

PROBLEM_TYPE = "application/problem+json"
# ``field`` may repeat a name that the client chose, so its length is limited.
_MAX_FIELD_CHARACTERS = 100


class Problem(Exception):
    """A refusal of a request.

    Args:
        code: A key of ``KINDS``, which has the status and the defaults of the other arguments.
        detail: What is wrong and what to do.
        field: The parameter or member at fault.
        retry_after_s: Seconds after which the same request may succeed.
        headers: Further headers of the answer.
        more: Members that only this problem has.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        field: str = "",
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ):
        super().__init__(code)
        self.kind = KINDS[code]
        self._detail = detail or self.kind.detail
        name = (field or self.kind.field)[:_MAX_FIELD_CHARACTERS]
        # A name in JSON can hold a lone surrogate, which UTF-8 cannot encode.
        self._field = name.encode(errors="replace").decode()
        self._retry_after_s = retry_after_s or self.kind.retry_after_s
        self._headers = dict(headers or {})
        self._more = more or {}

    def response(self) -> JSONResponse:
        """Return the problem document."""
        content: dict[str, object] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self._detail,
            "code": self.kind.code,
            "message": self._detail,
            **self._more,
        }
        if self._field:
            content["field"] = self._field
        headers = self._headers
        if self._retry_after_s is not None:
            headers["retry-after"] = str(self._retry_after_s)
        if self.kind.status == 401:
            # RFC 9110 requires this header with each 401, and RFC 6750 defines its form.
            headers["www-authenticate"] = 'Bearer error="invalid_token"'
        return JSONResponse(content, self.kind.status, headers=headers, media_type=PROBLEM_TYPE)


_SERVICE_LIMIT = (
    "the service has used up its own limit of today, and yours is not the cause: come back after "
    "the reset"
)


def _problem(error: Exception, request: Request) -> Problem:  # noqa: C901 - one case for each failure
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error)
        case HTTPException(status_code=400):
            # FastAPI raises it only for bytes that are not UTF-8, and for brackets nested too
            # deeply.
            return Problem("not_json")
        case HTTPException(status_code=404):
            return Problem("path_unknown")
        case HTTPException(status_code=405):
            return _wrong_method(request)
        case ConversationUnknown():
            return Problem("conversation_unknown")
        case SessionUnknown():
            return Problem("session_unknown")
        case SessionEnded():
            return Problem("session_ended")
        case TooManySessions(limit=limit, retry_after_s=retry_after_s):
            sessions = f"{limit} sessions are open, which is the limit: end one of them first"
            return Problem("too_many_sessions", sessions, retry_after_s=retry_after_s)
        case PreferenceRefused(field=field, advice=advice):
            return Problem("invalid_request", advice, field=field)
        case DailyLimitReached(hit=hit, retry_after_s=retry_after_s):
            more = {
                "kind": hit.kind.value,
                "limit": float(hit.limit),
                "resets_at": rfc3339(hit.resets_at_ms),
            }
            detail = _SERVICE_LIMIT if hit.kind is LimitKind.SERVICE else ""
            return Problem("daily_limit_reached", detail, retry_after_s=retry_after_s, more=more)
        case CallsAreStopped():
            return Problem("calls_stopped")
        case UserErased():
            return Problem("user_erased")
        case ErasureUnderWay():
            return Problem("erasure_under_way")
        case StoreUnavailable():
            return Problem("unavailable")
    return Problem("internal_error")


def _invalid(error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Problem("not_json")
    # The first part is body, query or path. An error of the whole body has no other part.
    place = first["loc"]
    field = ".".join(str(part) for part in place[1:] or place)
    advice = {"missing": "add it", "extra_forbidden": "leave it out"}.get(
        first["type"], "correct it and send the request again"
    )
    return Problem("invalid_request", f"{first['msg']}: {advice}", field=field)


def _wrong_method(request: Request) -> Problem:
    """List all methods of the address; the router's own list has the methods of one route only."""
    path = request.scope["path"]
    routes: list[Any] = request.app.state.routes
    allowed = {
        method for route in routes if route.path_regex.match(path) for method in route.methods
    }
    if "GET" in allowed:
        allowed.add("HEAD")
    return Problem("method_not_allowed", headers={"allow": ", ".join(sorted(allowed))})


def answer_with_problems(app: FastAPI) -> None:
    """Make ``app`` answer every failure with a problem document, and log faults of the service."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = _problem(error, request)
        if problem.kind.status >= 500 and not isinstance(error, CallsAreStopped):
            extra: Mapping[str, str] = {"code": problem.kind.code}
            request.app.state.deps.log.error("request failed", extra=extra, exc_info=error)
        return problem.response()

    for kind in (
        Problem,
        RequestValidationError,
        HTTPException,
        ConversationUnknown,
        SessionUnknown,
        SessionEnded,
        TooManySessions,
        DailyLimitReached,
        CallsAreStopped,
        PreferenceRefused,
        UserErased,
        ErasureUnderWay,
        StoreUnavailable,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
