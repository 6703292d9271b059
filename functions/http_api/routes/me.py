from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.identity import VerifiedUserId
from http_api.kinds import may_answer
from http_api.values import Moment
from repartee.domain.erasure import Erasure, ItemKind

router = APIRouter()

REPEAT_AFTER_S = 2
# Outside Lambda nobody gives a time: as much as an HTTP API waits.
_DEFAULT_REMAINING_MS = 29_000


class ErasureView(BaseModel):
    """How far an erasure is.

    Attributes:
        deleted: How many items were deleted in all, by kind; kinds without any are left out.
        finished: False asks for the same request again.
    """

    erased_at: Moment
    finished: bool
    deleted: dict[ItemKind, int]

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        """Show ``erasure``."""
        return cls(
            erased_at=erasure.erased_at_ms,
            finished=erasure.finished_at_ms is not None,
            deleted=dict(erasure.deleted),
        )


class _Time:
    """What is left of the invocation."""

    def __init__(self, request: Request):
        self._context: Any = request.scope.get("aws.context")

    def remaining_ms(self) -> int:
        if self._context is None:
            return _DEFAULT_REMAINING_MS
        remaining_ms: int = self._context.get_remaining_time_in_millis()
        return remaining_ms


@router.delete(
    "/me",
    responses={
        202: {"model": ErasureView, "description": "There is more to do: ask again"},
        **may_answer("erasure_under_way"),
    },
)
def erase_me(
    deps: Dependencies, user_id: VerifiedUserId, time: Annotated[_Time, Depends()], answer: Response
) -> ErasureView:
    """Erase everything that is kept of the user; 202 when there is more to do."""
    erasure = deps.eraser.erase(user_id, remaining_ms=time.remaining_ms)
    if erasure.finished_at_ms is None:
        answer.status_code = 202
        answer.headers["retry-after"] = str(REPEAT_AFTER_S)
    view = ErasureView.of(erasure)
    deps.log.info("user erased", extra={"finished": view.finished, "deleted": view.deleted})
    return view
