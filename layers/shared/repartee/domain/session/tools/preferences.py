"""Keeps the user's preferences in force, which may change during a session."""

from dataclasses import asdict, dataclass, field

from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.setup_fallbacks import SetupFallbacks
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

    They change by voice, or by a notice of a change elsewhere. For each preference the newest
    change counts, as in the profile, even if the session learns of it first. A value that the live
    model does not support counts as the default.

    Attributes:
        profile: The loaded profile with all changes since, stored or not.
        has_unsent_change: Whether a change made elsewhere has not been sent to the live model.
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
        """Return whether the live model refuses the preferences, so that the defaults apply."""
        return self._setup_fallbacks.refuses_preferences

    @property
    def language(self) -> str:
        """Return the language in force, as a BCP 47 tag."""
        return self._settings.language if self.is_refused_by_model else self._wanted_language

    @property
    def voice(self) -> str:
        """Return the prebuilt voice in force."""
        return self._settings.voice if self.is_refused_by_model else self._wanted_voice

    @property
    def style(self) -> str | None:
        """Return the style of speech in force, None without one."""
        return None if self.is_refused_by_model else self.profile.style

    @property
    def has_custom_values(self) -> bool:
        """Return whether the user's preferences differ from the deployment's defaults."""
        settings = self._settings
        defaults = (settings.language, settings.voice, None)
        return (self._wanted_language, self._wanted_voice, self.profile.style) != defaults

    @property
    def stale(self) -> PreferenceChanges:
        """Return the changes to values in the profile that the live model does not support."""
        return stale_preferences(self._settings.profile, self.profile)

    def correct(self, changes: PreferenceChanges) -> None:
        """Replace values in the profile by those in force."""
        self.profile = changes.applied_to(self.profile)

    def change(self, arguments_json: str, now_ms: int) -> PreferenceChanges:
        """Apply the arguments of a call of ``set_preferences``, without storing them.

        Raises:
            PreferenceRefused: An argument has a value that is not supported, or there is none. No
                preference changes then.
        """
        language, voice, style = (
            text_argument(arguments_json, name) for name in ("language", "voice", "style")
        )
        model = self._settings.profile
        changes = checked_changes(model, language=language, voice=voice, style=style)
        if not changes:
            raise PreferenceRefused("language", "set language, voice or style")
        self._settle(changes, now_ms + self._unix_offset_ms)
        return changes

    def save(self, changes: PreferenceChanges, replaces: PreferenceChanges | None = None) -> None:
        """Store changes; with ``replaces``, only if these are still the stored values."""
        self._writes.save_preferences(changes, replaces)

    def mark_sent(self) -> None:
        """Note that the live model has the current preferences."""
        self.has_unsent_change = False

    def take(self, changed: PreferencesChanged) -> bool:
        """Apply a change that was made elsewhere; return whether the values in force change.

        A notice that was applied before, or that is older than the loaded profile, has no effect.
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
