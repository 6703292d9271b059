from fastapi import APIRouter
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.site.sign_in import SignIn

router = APIRouter()


class PageSettings(BaseModel):
    """What a page needs to know of the deployment before a user signs in.

    Attributes:
        persona: The name of the persona that answers.
        business: The name of its business.
        languages: The BCP 47 tags that users may choose; the first is the persona's own.
        voices: The voices that users may choose.
        sign_in: How users sign in; null if the deployment names no place for it.
    """

    persona: str
    business: str
    languages: list[str]
    voices: list[str]
    sign_in: SignIn | None


@router.get("/settings")
def settings(deps: Dependencies) -> PageSettings:
    """Return the settings of a page. The route reads no table."""
    model = deps.live_model
    return PageSettings(
        persona=deps.persona,
        business=deps.business,
        languages=[tag for tags in model.languages.values() for tag in tags],
        voices=list(model.voices),
        sign_in=deps.sign_in,
    )
