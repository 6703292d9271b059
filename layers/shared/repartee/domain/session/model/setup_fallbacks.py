"""Decides which parts to leave out of the set-up after the live model has refused one.

Gemini closes such a Live session with 1007 or 1008 and gives no reason. It may refuse the history
as messages, or a voice or language. Each step leaves out more. The last step contains no data of
the user, so that stored data cannot lock a user out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetupFallback:
    """The parts that are left out of a set-up.

    Attributes:
        history_as_text: Whether the history is text in the instruction instead of messages.
        without_memory: Whether turns, summary and notes are left out.
        without_preferences: Whether language, voice and style are the deployment's.
    """

    history_as_text: bool = False
    without_memory: bool = False
    without_preferences: bool = False


_STEPS = (
    SetupFallback(),
    SetupFallback(history_as_text=True),
    SetupFallback(history_as_text=True, without_preferences=True),
    # The preferences are used again, because they were not the cause.
    SetupFallback(without_memory=True),
    SetupFallback(without_memory=True, without_preferences=True),
)
_AS_TEXT = 1
_WITHOUT_PREFERENCES = 2
# A Live session without memory forgets the conversation, so the next one gets the memory again.
_AFTER = {3: 1, 4: 2}


@dataclass(frozen=True, slots=True)
class SetupContent:
    """The parts of a set-up that belong to the user and can be left out.

    Attributes:
        has_preferences: Whether the user has preferences that differ from the defaults.
        has_history: Whether there are turns to send.
        has_memory: Whether there are turns, notes or a summary to send.
    """

    has_preferences: bool
    has_history: bool
    has_memory: bool


@dataclass(slots=True)
class SetupFallbacks:
    """Chooses the set-up fallback for each Live session of one worker.

    Attributes:
        refuses_history: Whether the live model accepts a history only as text. An earlier session
            of this process may have found this.
        starts_without_preferences: Whether an earlier session of this process has found that the
            live model refuses the user's preferences.
        replaces_preferences: Whether the live model has answered without the user's preferences.
        refuses_preferences: Whether the live model refuses the user's preferences.
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
        """Return the fallback for the next Live session."""
        return _STEPS[self._step]

    def begin(self) -> None:
        """Note that a Live session is opened with the current fallback."""
        self._begun_step = self._step

    def allow_preferences(self) -> None:
        """Use the preferences again, because they changed and the live model may accept them."""
        self.refuses_preferences = False

    def try_next(self, content: SetupContent) -> bool:
        """Leave out the next part; return False if there is nothing more to leave out."""
        if self.current.without_preferences and not self.refuses_preferences:
            # The preferences have changed, so it is not known that the model refuses them.
            self._step -= 1
        for step in range(self._step + 1, len(_STEPS)):
            if _leaves_out_more(_STEPS[step], content):
                self._step = step
                self.refuses_preferences = self.current.without_preferences
                return True
        return False

    def confirm(self) -> None:
        """Note that the live model has reacted, so it has accepted its set-up."""
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
