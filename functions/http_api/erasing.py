"""The progress and the remaining time of an erasure that may take several requests."""

from typing import Annotated, Any, Self

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from http_api.problem_kinds import may_answer
from http_api.values import Moment
from repartee.domain.users.erasure import Erasure, ItemKind

RETRY_AFTER_S = 2
# Without a Lambda context, this is about the time that an HTTP API waits for its function.
_DEFAULT_REMAINING_MS = 29_000


class ErasureView(BaseModel):
    """The progress of an erasure.

    Attributes:
        deleted: How many items were deleted in all, by kind; kinds without any are left out.
        finished: If false, send the same request again.
    """

    erased_at: Moment
    finished: bool
    deleted: dict[ItemKind, int]

    @classmethod
    def answering(cls, erasure: Erasure, answer: Response) -> Self:
        """Show ``erasure``; set status 202 if it is not finished."""
        finished = erasure.finished_at_ms is not None
        if not finished:
            answer.status_code = 202
            answer.headers["retry-after"] = str(RETRY_AFTER_S)
        return cls(erased_at=erasure.erased_at_ms, finished=finished, deleted=dict(erasure.deleted))


MAY_ANSWER: dict[int | str, dict[str, Any]] = {
    202: {"model": ErasureView, "description": "More is left to erase: send it again"},
    **may_answer("erasure_under_way"),
}


class _InvocationTime:
    """The remaining time of the invocation."""

    def __init__(self, request: Request):
        self._context: Any = request.scope.get("aws.context")

    def remaining_ms(self) -> int:
        if self._context is None:
            return _DEFAULT_REMAINING_MS
        remaining_ms: int = self._context.get_remaining_time_in_millis()
        return remaining_ms


RemainingTime = Annotated[_InvocationTime, Depends()]
