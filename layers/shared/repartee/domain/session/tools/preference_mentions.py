"""Makes the model mention that it cannot use stored preferences."""

from dataclasses import dataclass

from repartee.domain.session.model.cues import Cues
from repartee.domain.session.model.setup_fallbacks import SetupFallbacks
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.users.preferences import PreferenceChanges, Profile

# The phrase names no value, because code has no words for it in the persona's language.
_SAY = "(In the language that you speak, say in one short sentence: {})"


@dataclass(slots=True)
class PreferenceMentions:
    """Makes the model mention once that a stored preference is replaced, then stores the new value.

    If the worker leaves before that, the next worker repeats the mention.
    """

    _refused: str
    _preferences: ActivePreferences
    _setup_fallbacks: SetupFallbacks
    _cues: Cues
    _is_wanted: bool = False
    _said_refused: Profile | None = None

    def __post_init__(self) -> None:
        if self._setup_fallbacks.starts_without_preferences:
            self._said_refused = self._preferences.profile

    def say(self) -> None:
        """Queue the mention as a cue, if one is needed."""
        mention = _SAY.format(self._refused)
        if self._preferences.stale and not self._is_wanted:
            self._is_wanted = True
            self._cues.queue(mention)
        said, profile = self._said_refused, self._preferences.profile
        is_unmentioned = said is None or (self._preferences.is_refused_by_model and said != profile)
        if self._setup_fallbacks.replaces_preferences and is_unmentioned:
            self._said_refused = profile
            self._cues.queue(mention)

    def store(self) -> None:
        """Store the replaced preferences once they have been mentioned."""
        if self._is_wanted and not self._cues.is_pending:
            self._is_wanted = False
            # Preferences that the user has changed since the mention are not stale any more.
            profile, stale = self._preferences.profile, self._preferences.stale
            self._preferences.correct(stale)
            # A change whose notice has not arrived yet must not be overwritten. Each preference is
            # stored separately, because the user may have changed only one of them.
            if stale.language is not None:
                self._preferences.save(
                    PreferenceChanges(language=stale.language),
                    PreferenceChanges(language=profile.language),
                )
            if stale.voice is not None:
                self._preferences.save(
                    PreferenceChanges(voice=stale.voice), PreferenceChanges(voice=profile.voice)
                )
