from fastapi import APIRouter, Response

from http_api.deps import Dependencies
from http_api.erasing import MAY_ANSWER, ErasureView, RemainingTime
from http_api.identity import VerifiedUserId

router = APIRouter()


@router.delete("/me", responses=MAY_ANSWER)
def erase_me(
    deps: Dependencies, user_id: VerifiedUserId, time: RemainingTime, answer: Response
) -> ErasureView:
    """Erase all data of the user; 202 if the erasure is not finished."""
    erasure = deps.eraser.erase(user_id, remaining_ms=time.remaining_ms)
    view = ErasureView.answering(erasure, answer)
    deps.log.info("user erased", extra={"finished": view.finished, "deleted": view.deleted})
    return view
