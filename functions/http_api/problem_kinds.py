"""The only list of the problem codes that the API answers with.

The OpenAPI document and ``/docs`` are made from this list. A test compares it with
docs/protocol.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STORE_RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """The common part of all problems with one code.

    Attributes:
        title: The problem in words that never change.
        detail: What is wrong and what to do. If a problem has its own detail, this one is only the
            example in the documentation.
        field: The parameter or member at fault, if it is always the same one.
        retry_after_s: Seconds after which the same request may succeed; None if waiting does not
            help.
        more: An example of the members that only this kind has.
    """

    code: str
    status: int
    title: str
    detail: str
    field: str = ""
    retry_after_s: int | None = None
    more: Mapping[str, Any] | None = None

    @property
    def type(self) -> str:
        """The problem type of RFC 9457: a link to its explanation in this API's page."""
        return f"/docs#{self.code}"


_ALL = (
    ProblemKind(
        "not_signed_in",
        401,
        "No user is signed in",
        "the request has no verified token: send one as a bearer token",
    ),
    ProblemKind(
        "subject_refused",
        401,
        "The token names no usable user",
        "the token's sub has 300 characters: at most 255 are allowed; the identity provider must "
        "issue another subject",
        field="sub",
    ),
    ProblemKind(
        "user_erased",
        403,
        "The user's data was erased",
        "this user's data was erased and no data can be stored: only DELETE /me still works",
    ),
    ProblemKind(
        "path_unknown",
        404,
        "There is nothing at this address",
        "there is nothing at this address: GET /docs lists the addresses",
    ),
    ProblemKind(
        "conversation_unknown",
        404,
        "The user has no such conversation",
        'you have no conversation with this id: list yours, or start one with "new"',
        field="conversation_id",
    ),
    ProblemKind(
        "note_unknown",
        404,
        "The user has no such note",
        "you have no note with this id: list yours",
        field="note_id",
    ),
    ProblemKind(
        "session_unknown",
        404,
        "The user has no such session",
        "you have no session with this id: leave session_id out to start one",
        field="session_id",
    ),
    ProblemKind(
        "method_not_allowed",
        405,
        "The address does not take this method",
        "this address does not take this method: the allow header lists those that it takes",
    ),
    ProblemKind(
        "session_ended",
        409,
        "The session is over",
        "this session is over: leave session_id out to start one",
        field="session_id",
    ),
    ProblemKind(
        "erasure_under_way",
        409,
        "Another request erases the same data",
        "another request is erasing the same data: send this one again in 2 s",
        retry_after_s=STORE_RETRY_AFTER_S,
    ),
    ProblemKind(
        "body_too_large",
        413,
        "The body is too large",
        "the body has 20000 bytes: send at most 16384",
        field="body",
    ),
    ProblemKind(
        "unsupported_media_type",
        415,
        "The body is of another type",
        "the body is not declared as JSON: send it with content-type: application/json",
        field="content-type",
    ),
    ProblemKind(
        "not_json",
        422,
        "The body is not JSON",
        "the body is not JSON: send one JSON object",
        field="body",
    ),
    ProblemKind(
        "invalid_request",
        422,
        "A parameter or member is wrong",
        "Extra inputs are not permitted: leave it out",
        field="colour",
    ),
    ProblemKind(
        "too_many_sessions",
        429,
        "The user has too many open sessions",
        "3 sessions are open, which is the limit: end one of them first",
        retry_after_s=30,
    ),
    ProblemKind(
        "daily_limit_reached",
        429,
        "A limit of the day is used up",
        "today's limit is used up: come back after the reset",
        retry_after_s=3_600,
        more={"kind": "cost", "limit": 5.0, "resets_at": "2026-11-21T00:00:00.000Z"},
    ),
    ProblemKind(
        "internal_error",
        500,
        "The service has a fault",
        "the service has a fault: send the request again, and report the problem if it stays",
    ),
    ProblemKind(
        "calls_stopped",
        503,
        "The service takes no calls for now",
        "the operator has stopped all calls for now: try again later",
        retry_after_s=60,
    ),
    ProblemKind(
        "unavailable",
        503,
        "The service is overloaded",
        "the service is overloaded: send the request again in 2 s",
        retry_after_s=STORE_RETRY_AFTER_S,
    ),
)

KINDS: Mapping[str, ProblemKind] = {kind.code: kind for kind in _ALL}

# A route's ``responses`` keep the codes under this key until the OpenAPI document is made.
CODES = "x-codes"


def may_answer(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return a route's ``responses`` for its own problems.

    The OpenAPI document adds the problems of its parameters, body and user.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = KINDS[code]
        answer = responses.setdefault(kind.status, {"description": kind.title, CODES: []})
        answer[CODES].append(code)
    return responses
