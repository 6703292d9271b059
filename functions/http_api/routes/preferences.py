from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from http_api.bodies import CheckedRoute
from http_api.deps import Dependencies
from http_api.identity import UserId
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.users.preferences import (
    PreferenceChanges,
    Profile,
    checked_changes,
    stale_preferences,
)

router = APIRouter(route_class=CheckedRoute)


class Preferences(BaseModel):
    """A user's preferences; null where the deployment's default applies.

    Attributes:
        language: A BCP 47 tag that the live model and the persona support.
        voice: One of Gemini's prebuilt voices.
        style: A few words on the manner of speaking.
    """

    model_config = ConfigDict(extra="forbid")

    language: str | None = None
    voice: str | None = None
    style: str | None = None

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Show the preferences of ``profile``."""
        return cls(language=profile.language, voice=profile.voice, style=profile.style)

    def changes(self, model: LiveModelProfile) -> PreferenceChanges:
        """Return the requested changes: an absent field stays, null restores the default.

        Raises:
            PreferenceRefused: One of the values is not supported.
        """
        named = {name: getattr(self, name) or "" for name in self.model_fields_set}
        return checked_changes(model, **named)


@router.get("/me/preferences")
def read_preferences(deps: Dependencies, user_id: UserId) -> Preferences:
    """Return the user's preferences."""
    return _spoken(deps.profiles.load(user_id), deps.live_model)


@router.put("/me/preferences")
def change_preferences(deps: Dependencies, user_id: UserId, wanted: Preferences) -> Preferences:
    """Change some of the user's preferences; return all of them."""
    changed = deps.preferences.change(user_id, wanted.changes(deps.live_model))
    if not changed.is_every_session_notified:
        deps.log.warning("sessions not told of preferences")
    return _spoken(changed.profile, deps.live_model)


def _spoken(profile: Profile, model: LiveModelProfile) -> Preferences:
    # Preferences that the live model does not support are shown as sessions apply them.
    return Preferences.of(stale_preferences(model, profile).applied_to(profile))
