"""How the user is spoken to now: their preferences, as they change in mid-session."""

from dataclasses import asdict, dataclass, field

from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.fallbacks import SetupFallbacks
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.tools.calls import text_argument
from repartee.domain.users.preferences import (
    PreferenceChanges,
    PreferenceRefused,
    Profile,
    checked_changes,
    stale_preferences,
)


@dataclass(slots=True)
class ActivePreferences:
    """A user's preferences over the deployment's defaults.

    They change by voice and by a notice of a change elsewhere. For each preference the newest
    change counts, as it does in the profile, whichever the session hears of first. What the live
    model lacks is read as the default.

    Attributes:
        profile: As it was loaded, with what was changed since, stored or not.
        has_unsent_change: A change that was made elsewhere has not reached the live model.
    """

    profile: Profile
    _settings: SessionSettings
    _setup_fallbacks: SetupFallbacks
    _writes: TableWrites
    _unix_offset_ms: int
    _loaded_at_ms: int
    has_unsent_change: bool = False
    _changed_at_ms: dict[str, int] = field(default_factory=dict)

    @property
    def is_refused_by_model(self) -> bool:
        """Return whether the live model refuses them, so that the defaults are in force."""
        return self._setup_fallbacks.refuses_preferences

    @property
    def language(self) -> str:
        """The language that is spoken now, BCP 47."""
        return self._settings.language if self.is_refused_by_model else self._wanted_language

    @property
    def voice(self) -> str:
        """The prebuilt voice that a live session is opened with."""
        return self._settings.voice if self.is_refused_by_model else self._wanted_voice

    @property
    def style(self) -> str | None:
        """A few words on how to speak."""
        return None if self.is_refused_by_model else self.profile.style

    @property
    def has_custom_values(self) -> bool:
        """Return whether the user wants anything but the deployment's defaults."""
        settings = self._settings
        defaults = (settings.language, settings.voice, None)
        return (self._wanted_language, self._wanted_voice, self.profile.style) != defaults

    @property
    def stale(self) -> PreferenceChanges:
        """The changes that the profile needs, because the live model lacks a value in it."""
        return stale_preferences(self._settings.profile, self.profile)

    def correct(self, changes: PreferenceChanges) -> None:
        """Let the profile name what is spoken."""
        self.profile = changes.applied_to(self.profile)

    def change(self, arguments_json: str, now_ms: int) -> PreferenceChanges:
        """Take the arguments of the model's call; they hold as long as this worker serves.

        Raises:
            PreferenceRefused: One of them cannot be had, so nothing is changed; or there is none.
        """
        language, voice, style = (
            text_argument(arguments_json, name) for name in ("language", "voice", "style")
        )
        model = self._settings.profile
        changes = checked_changes(model, language=language, voice=voice, style=style)
        if not changes:
            raise PreferenceRefused("language", "say in language, voice or style what is wanted")
        self._settle(changes, now_ms + self._unix_offset_ms)
        return changes

    def save(self, changes: PreferenceChanges, replaces: PreferenceChanges | None = None) -> None:
        """Store changes; with ``replaces``, only while these are still the stored values."""
        self._writes.save_preferences(changes, replaces)

    def mark_sent(self) -> None:
        """Note that the live model has got the preferences as they are."""
        self.has_unsent_change = False

    def take(self, changed: PreferencesChanged) -> bool:
        """Take a change that was made elsewhere; True when it changes how the user is spoken to.

        A notice that is read again, or that lay there when the profile was loaded, is too old.
        """
        at_ms, before = changed.changed_at_ms, self._language_voice_style
        newer = {
            name: value
            for name, value in asdict(changed.changes).items()
            if at_ms > self._changed_at_ms.get(name, self._loaded_at_ms)
        }
        self._settle(PreferenceChanges(**newer), at_ms)
        is_other = self._language_voice_style != before
        self.has_unsent_change |= is_other
        return is_other

    @property
    def _wanted_language(self) -> str:
        wanted = self.profile.language
        spoken = self._settings.profile.spoken_tag(wanted) if wanted else None
        return spoken or self._settings.language

    @property
    def _wanted_voice(self) -> str:
        wanted = self.profile.voice
        return wanted if wanted in self._settings.profile.voices else self._settings.voice

    @property
    def _language_voice_style(self) -> tuple[str, str, str]:
        return self.language, self.voice, self.style or ""

    def _settle(self, changes: PreferenceChanges, at_ms: int) -> None:
        if changes:
            self._setup_fallbacks.allow_preferences()
        self.profile = changes.applied_to(self.profile)
        for name, value in asdict(changes).items():
            if value is not None:
                self._changed_at_ms[name] = at_ms
