from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter()


class Health(BaseModel):
    """The function runs."""

    status: Literal["ok"] = "ok"


@router.get("/health")
def health() -> Health:
    """Answer that the function runs. The route reads no table, so it does not check them."""
    return Health()
