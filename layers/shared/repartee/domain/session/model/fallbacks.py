"""Leaves out of the set-up what the live model may have refused, step by step.

Gemini closes such a session with 1007 or 1008 and does not say why. It may refuse the history as
messages, or a voice or language. Each step asks for less than the one before. The last step asks
for nothing that belongs to the user, so that no user is locked out by what is stored of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetupFallback:
    """The parts that are left out of a set-up.

    Attributes:
        history_as_text: The history is part of the instruction.
        without_memory: No turn, summary or note is sent.
        without_preferences: Language, voice and manner are the deployment's.
    """

    history_as_text: bool = False
    without_memory: bool = False
    without_preferences: bool = False


_STEPS = (
    SetupFallback(),
    SetupFallback(history_as_text=True),
    SetupFallback(history_as_text=True, without_preferences=True),
    # One thing at a time: the preferences come back where they were not the cause.
    SetupFallback(without_memory=True),
    SetupFallback(without_memory=True, without_preferences=True),
)
_AS_TEXT = 1
_WITHOUT_PREFERENCES = 2
# A session without memory forgets the call, so the next one gets the past again.
_AFTER = {3: 1, 4: 2}


@dataclass(frozen=True, slots=True)
class SetupContent:
    """The parts of a set-up that belong to the user, and can be left out.

    Attributes:
        has_preferences: The user wants other values than the defaults.
        has_history: There are turns to send.
        has_memory: There are turns, notes or a summary to send.
    """

    has_preferences: bool
    has_history: bool
    has_memory: bool


@dataclass(slots=True)
class SetupFallbacks:
    """The set-up fallbacks of one worker's live sessions.

    Attributes:
        refuses_history: The live model takes a history only as text. An earlier session of this
            process may have found that out.
        starts_without_preferences: An earlier session of this process has found out that the live
            model refuses the user's preferences.
        replaces_preferences: The live model has answered without the user's preferences.
        refuses_preferences: The live model cannot be set up with the user's preferences.
    """

    refuses_history: bool
    starts_without_preferences: bool = False
    replaces_preferences: bool = False
    refuses_preferences: bool = False
    _step: int = 0
    _begun_step: int = 0

    def __post_init__(self) -> None:
        self._step = _AS_TEXT if self.refuses_history else 0
        if self.starts_without_preferences:
            self._step, self.refuses_preferences = _WITHOUT_PREFERENCES, True

    @property
    def current(self) -> SetupFallback:
        """The fallback for the next live session."""
        return _STEPS[self._step]

    def begin(self) -> None:
        """Note that a live session begins with the current fallback."""
        self._begun_step = self._step

    def allow_preferences(self) -> None:
        """Use the preferences again: they have changed, so the live model may take them."""
        self.refuses_preferences = False

    def try_next(self, content: SetupContent) -> bool:
        """Leave out what may have been refused; return False when nothing is left to leave out."""
        if self.current.without_preferences and not self.refuses_preferences:
            # The user has changed them since, so they are not known to be the cause.
            self._step -= 1
        for step in range(self._step + 1, len(_STEPS)):
            if _leaves_out_more(_STEPS[step], content):
                self._step = step
                self.refuses_preferences = self.current.without_preferences
                return True
        return False

    def confirm(self) -> None:
        """Note that the live model has reacted, so it has taken its set-up."""
        begun = self._begun_step
        self.refuses_history |= begun == _AS_TEXT
        self.replaces_preferences |= _STEPS[begun].without_preferences
        self._step = _AFTER.get(begun, begun)


def _leaves_out_more(fallback: SetupFallback, content: SetupContent) -> bool:
    if fallback.without_preferences and not content.has_preferences:
        return False
    if fallback.without_memory:
        return content.has_memory
    return fallback.without_preferences or content.has_history
