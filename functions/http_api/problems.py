"""Errors as problem documents: one shape, and the one place that maps failures to statuses.

Source: RFC 9457, with ``code``, ``message`` and ``field`` as extension members.
"""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from http_api.values import rfc3339
from repartee.application.check_limits import DailyLimitReached
from repartee.application.start_session import (
    ConversationUnknown,
    SessionEnded,
    SessionUnknown,
    TooManySessions,
)
from repartee.domain.errors import ErasureUnderWay, StoreUnavailable, UserErased
from repartee.domain.preferences import PreferenceRefused

PROBLEM_TYPE = "application/problem+json"
# Sessions end when their users hang up or by their time; nobody can say when.
TOO_MANY_RETRY_AFTER_S = 30
STORE_RETRY_AFTER_S = 2


class Problem(Exception):
    """An answer that is not what was asked for.

    Attributes:
        code: Stable machine-readable name.
        message: What is wrong and what to do.
        field: The parameter or member at fault, empty when there is none.
        retry_after_s: When the same request may succeed, None when it will not by itself.
        more: Members of this problem alone.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str = "",
        retry_after_s: int | None = None,
        more: Mapping[str, object] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s
        self.more = more or {}

    def response(self) -> JSONResponse:
        """Return the problem document."""
        content: dict[str, object] = {
            "status": self.status,
            "code": self.code,
            "message": self.message,
            **self.more,
        }
        if self.field:
            content["field"] = self.field
        headers = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        return JSONResponse(content, self.status, headers=headers, media_type=PROBLEM_TYPE)


def conversation_unknown() -> Problem:
    """The answer for a conversation that is not there, or is somebody else's: the same one."""
    return Problem(
        404,
        "conversation_unknown",
        'you have no such conversation: list yours, or start one with "new"',
        field="conversation_id",
    )


def _problem(error: Exception) -> Problem:  # noqa: C901 - one case for each failure
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error)
        case HTTPException(status_code=400):
            # FastAPI's only one: bytes that are no UTF-8, or brackets beyond Python's stack.
            return _not_json()
        case HTTPException(status_code=404):
            return Problem(404, "path_unknown", "there is nothing at this address")
        case HTTPException(status_code=405):
            return Problem(405, "method_not_allowed", "this address does not take this method")
        case ConversationUnknown():
            return conversation_unknown()
        case SessionUnknown():
            return Problem(
                404,
                "session_unknown",
                "there is no such session to come back to: leave session_id out to start one",
                field="session_id",
            )
        case SessionEnded():
            return Problem(
                409,
                "session_ended",
                "this session is over: leave session_id out to start one",
                field="session_id",
            )
        case TooManySessions(limit=limit):
            return Problem(
                429,
                "too_many_sessions",
                f"{limit} sessions are open, which is the limit: end one of them first",
                retry_after_s=TOO_MANY_RETRY_AFTER_S,
            )
        case PreferenceRefused(field=field, advice=advice):
            return Problem(422, "invalid_request", advice, field=field)
        case DailyLimitReached(hit=hit, retry_after_s=retry_after_s):
            return Problem(
                429,
                "daily_limit_reached",
                "today's limit is used up: come back after the reset",
                retry_after_s=retry_after_s,
                more={
                    "kind": hit.kind.value,
                    "limit": float(hit.limit),
                    "resets_at": rfc3339(hit.resets_at_ms),
                },
            )
        case UserErased():
            return Problem(
                403,
                "user_erased",
                "this user's data was erased and nothing can be kept; only DELETE /me still works",
            )
        case ErasureUnderWay():
            return Problem(
                409,
                "erasure_under_way",
                "another request erases this user right now: send it again shortly",
                retry_after_s=STORE_RETRY_AFTER_S,
            )
        case StoreUnavailable():
            return Problem(
                503,
                "unavailable",
                "the service is overloaded: try again shortly",
                retry_after_s=STORE_RETRY_AFTER_S,
            )
    return Problem(500, "internal_error", "something unexpected went wrong")


def _invalid(error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _not_json()
    # The first part says where it was found: body, query or path.
    field = ".".join(str(part) for part in first["loc"][1:])
    advice = {"missing": "add it", "extra_forbidden": "leave it out"}.get(
        first["type"], "correct it and send the request again"
    )
    return Problem(422, "invalid_request", f"{first['msg']}: {advice}", field=field)


def _not_json() -> Problem:
    return Problem(422, "not_json", "the body is not JSON: send one JSON object")


def answer_with_problems(app: FastAPI) -> None:
    """Make ``app`` answer every failure with a problem document, and log those that are ours."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = _problem(error)
        if problem.status >= 500:
            extra: Mapping[str, str] = {"code": problem.code}
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
        PreferenceRefused,
        UserErased,
        ErasureUnderWay,
        StoreUnavailable,
        Exception,
    ):
        app.add_exception_handler(kind, answer)
