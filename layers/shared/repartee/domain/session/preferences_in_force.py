"""How the user is spoken to now: their preferences, as they change in mid-session."""

from dataclasses import asdict, dataclass, field

from repartee.domain.conversation import Profile
from repartee.domain.messages import PreferencesChanged
from repartee.domain.preferences import PreferenceChanges, PreferenceRefused, checked_changes
from repartee.domain.session.tool_calls import text_argument


@dataclass(slots=True)
class PreferencesInForce:
    """A user's preferences over the deployment's defaults.

    They change by voice and by a notice of a change elsewhere. For each preference the newest
    change counts, as it does in the profile, whichever the session hears of first.

    Attributes:
        profile: As it was loaded, with what was changed since.
        is_untold: Something was changed elsewhere that the live model has not been told.
    """

    profile: Profile
    _default_language: str
    _default_voice: str
    _unix_offset_ms: int
    _loaded_at_ms: int
    is_untold: bool = False
    _settled_at_ms: dict[str, int] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """What is spoken now, BCP 47."""
        return self.profile.language or self._default_language

    @property
    def voice(self) -> str:
        """The prebuilt voice that a live session is opened with."""
        return self.profile.voice or self._default_voice

    def change(self, arguments_json: str, now_ms: int) -> PreferenceChanges:
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
        self._settle(changes, now_ms + self._unix_offset_ms)
        return changes

    def take(self, changed: PreferencesChanged) -> bool:
        """Take a change that was made elsewhere; True when it changes how the user is spoken to.

        A notice that is read again, or that lay there when the profile was loaded, is too old.
        """
        at_ms, before = changed.changed_at_ms, self._manner
        newer = {
            name: value
            for name, value in asdict(changed.changes).items()
            if at_ms > self._settled_at_ms.get(name, self._loaded_at_ms)
        }
        self._settle(PreferenceChanges(**newer), at_ms)
        is_other = self._manner != before
        self.is_untold |= is_other
        return is_other

    @property
    def _manner(self) -> tuple[str, str, str]:
        return self.language, self.voice, self.profile.style or ""

    def _settle(self, changes: PreferenceChanges, at_ms: int) -> None:
        self.profile = changes.applied_to(self.profile)
        for name, value in asdict(changes).items():
            if value is not None:
                self._settled_at_ms[name] = at_ms
