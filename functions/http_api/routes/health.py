from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from http_api.deps import Dependencies

router = APIRouter()


class Health(BaseModel):
    """The function runs.

    Attributes:
        persona: The name of the persona that answers.
    """

    status: Literal["ok"] = "ok"
    persona: str


@router.get("/health")
def health(deps: Dependencies) -> Health:
    """Answer that the function runs. The route reads no table, so it does not check them."""
    return Health(persona=deps.persona)
