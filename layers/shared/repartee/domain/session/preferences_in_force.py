"""How the user is spoken to now: their preferences, as they change in mid-session."""

from dataclasses import dataclass, replace

from repartee.domain.conversation import Profile
from repartee.domain.preferences import PreferenceChanges, PreferenceRefused, checked_changes
from repartee.domain.session.tool_calls import text_argument


@dataclass(slots=True)
class PreferencesInForce:
    """A user's preferences over the deployment's defaults.

    Attributes:
        profile: As it was loaded, with what was changed since.
    """

    profile: Profile
    _default_language: str
    _default_voice: str

    @property
    def language(self) -> str:
        """What is spoken now, BCP 47."""
        return self.profile.language or self._default_language

    @property
    def voice(self) -> str:
        """The prebuilt voice that a live session is opened with."""
        return self.profile.voice or self._default_voice

    def change(self, arguments_json: str) -> PreferenceChanges:
        """Take the arguments of the model's call.

        Raises:
            PreferenceRefused: One of them cannot be had, so nothing is changed; or there is none.
        """
        language, voice, style = (
            text_argument(arguments_json, name) for name in ("language", "voice", "style")
        )
        changes = checked_changes(language=language, voice=voice, style=style)
        if not changes:
            raise PreferenceRefused("language", "say in language, voice or style what is wanted")
        self.profile = replace(
            self.profile,
            language=changes.language or self.profile.language,
            voice=changes.voice or self.profile.voice,
            style=changes.style or self.profile.style,
        )
        return changes
