"""Keeps answers that came after their turn until the model has spoken them."""

from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CoreAnswer
from repartee.domain.session.call_in_progress import CallInProgress

# As long as a turn may bring nothing: who has not begun to speak by then will not.
SPEAK_WITHIN_MS = 8_000
# What the model was saying when it was told comes first.
SPEAK_AFTER_TURN_MS = 30_000


@dataclass(slots=True)
class _ToldAnswer:
    call: CallInProgress
    answer: CoreAnswer
    speak_by_ms: int
    follows_turn: bool


@dataclass(slots=True)
class ToldAnswers:
    """Answers that the model was told between its turns, or while it spoke of something else.

    Until they are spoken nobody but the live session knows them: with it they would be lost.
    """

    _told: dict[CallKey, _ToldAnswer] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._told)

    @property
    def calls(self) -> list[CallInProgress]:
        """The calls whose answers were told and may not have been spoken."""
        return [told.call for told in self._told.values()]

    def add(
        self, call: CallInProgress, answer: CoreAnswer, now_ms: int, *, follows_turn: bool
    ) -> None:
        """Note that the model was told an answer.

        Args:
            call: Whose answer it is.
            answer: What the model was told.
            now_ms: The present.
            follows_turn: The model is speaking, so the answer is spoken after this turn's end.
        """
        within_ms = SPEAK_AFTER_TURN_MS if follows_turn else SPEAK_WITHIN_MS
        self._told[call.key] = _ToldAnswer(call, answer, now_ms + within_ms, follows_turn)

    def end_turn(self, now_ms: int) -> None:
        """The model's turn is over: what it was told before it began to speak is spoken."""
        for key, told in list(self._told.items()):
            if told.follows_turn:
                told.follows_turn = False
                told.speak_by_ms = now_ms + SPEAK_WITHIN_MS
            else:
                del self._told[key]

    def expire(self, now_ms: int) -> None:
        """Forget what the model has kept to itself."""
        for key, told in list(self._told.items()):
            if told.speak_by_ms <= now_ms:
                del self._told[key]

    def take(self) -> list[tuple[CallInProgress, CoreAnswer]]:
        """Return and forget all: the live session that was told them is gone."""
        taken = [(told.call, told.answer) for told in self._told.values()]
        self._told.clear()
        return taken

    def next_deadline_ms(self) -> int | None:
        """Return when the first of them is given up."""
        return min((told.speak_by_ms for told in self._told.values()), default=None)
