"""Sends cues, which are texts that make the model speak although the user said nothing.

Only one cue is sent at a time, because each text interrupts the model.
"""

from collections import deque
from dataclasses import dataclass, field

from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.tools.core_calls import CoreAnswer


@dataclass(slots=True)
class Cues:
    """The queue of cues, and the cue that the model has not answered yet.

    Texts for a turn that is in progress, such as a nudge, are not cues.

    Attributes:
        is_hushed: Whether the user wants silence. Then cues wait until the user says something.
    """

    _live_link: LiveLink
    is_hushed: bool = False
    _wanted: deque[str] = field(default_factory=deque)
    _given: str | None = None
    _speak_by_ms: int | None = None

    @property
    def is_awaited(self) -> bool:
        """Return whether a cue was sent and the model has not begun to speak."""
        return self._speak_by_ms is not None

    @property
    def is_pending(self) -> bool:
        """Return whether a cue is due or not answered, so that the Live session is needed."""
        return self.is_awaited or bool(self._wanted and not self.is_hushed)

    @property
    def is_free(self) -> bool:
        """Return whether a cue can be sent now without interrupting another one."""
        return self._live_link.is_open and not (self.is_awaited or self.is_hushed)

    def hush(self, *, is_hushed: bool) -> None:
        """Set whether the user wants silence."""
        self.is_hushed = is_hushed

    def queue(self, text: str) -> None:
        """Queue a cue for the next silence; it is sent on the Live session that is open then."""
        self._wanted.append(text)

    def send_next(self, now_ms: int) -> bool:
        """Send the next queued cue; return False if there is none or it would interrupt."""
        if not self._wanted or not self.is_free:
            return False
        text = self._wanted.popleft()
        self.send(text, now_ms)
        self._given = text
        return True

    def send(self, text: str, now_ms: int) -> None:
        """Send a cue that is not repeated if the Live session is lost."""
        self._live_link.channel.send_text(text)
        self._given = None
        self._speak_by_ms = now_ms + SPEAK_WITHIN_MS

    def send_answers(self, answers: list[CoreAnswer], now_ms: int) -> None:
        """Send answers of tools in one cue."""
        texts = " ".join(answer.answer for answer in answers)
        self.send(f"(The user has not heard this answer yet. Say it: {texts})", now_ms)

    def end_wait(self) -> None:
        """Stop waiting, because the model speaks or has completed its turn."""
        self._given = self._speak_by_ms = None

    def expire(self, now_ms: int) -> None:
        """Stop waiting if the model has been silent for too long."""
        if self._speak_by_ms is not None and now_ms >= self._speak_by_ms:
            self.end_wait()

    def lose_session(self) -> None:
        """Queue the unanswered cue again, because the Live session is lost."""
        if self._given is not None:
            self._wanted.appendleft(self._given)
        self.end_wait()

    def next_deadline_ms(self) -> int | None:
        """Return when the wait for the model ends."""
        return self._speak_by_ms
