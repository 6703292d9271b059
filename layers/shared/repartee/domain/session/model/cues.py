"""Cues the model to say what no user asked for: one text at a time, for each interrupts it."""

from collections import deque
from dataclasses import dataclass, field

from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.tools.core_calls import CoreAnswer


@dataclass(slots=True)
class Cues:
    """Texts to the model that are not the user's, from the wish to the model's first word.

    Only words for a turn that is under way, such as a nudge, go another way.
    """

    _live_link: LiveLink
    _wanted: deque[str] = field(default_factory=deque)
    _given: str | None = None
    _speak_by_ms: int | None = None

    @property
    def is_awaited(self) -> bool:
        """Return whether the model was given a text and has not begun to speak."""
        return self._speak_by_ms is not None

    @property
    def is_pending(self) -> bool:
        """Return whether the model is still to say something, so that its session is needed."""
        return bool(self._wanted) or self.is_awaited

    @property
    def is_free(self) -> bool:
        """Return whether a text would interrupt no other."""
        return self._live_link.is_open and not self.is_awaited

    def queue(self, text: str) -> None:
        """Have this said when nobody speaks, by whichever live session is open then."""
        self._wanted.append(text)

    def send_next(self, now_ms: int) -> bool:
        """Send the next queued text; return False without one, or when it would interrupt."""
        if not self._wanted or not self.is_free:
            return False
        text = self._wanted.popleft()
        self.send(text, now_ms)
        self._given = text
        return True

    def send(self, text: str, now_ms: int) -> None:
        """Send a text to this live session only."""
        self._live_link.channel.send_text(text)
        self._given = None
        self._speak_by_ms = now_ms + SPEAK_WITHIN_MS

    def send_answers(self, answers: list[CoreAnswer], now_ms: int) -> None:
        """Send tools' answers, all in one text."""
        texts = " ".join(answer.answer for answer in answers)
        self.send(f"(The answer that was still owed: {texts})", now_ms)

    def end_wait(self) -> None:
        """Note that the model speaks, or has nothing to say."""
        self._given = self._speak_by_ms = None

    def expire(self, now_ms: int) -> None:
        """Stop waiting for a model that stays silent."""
        if self._speak_by_ms is not None and now_ms >= self._speak_by_ms:
            self.end_wait()

    def lose_session(self) -> None:
        """Note that the live session is gone; the next one gets the text that was not said."""
        if self._given is not None:
            self._wanted.appendleft(self._given)
        self.end_wait()

    def next_deadline_ms(self) -> int | None:
        """Return when a silent model is waited for no longer."""
        return self._speak_by_ms
