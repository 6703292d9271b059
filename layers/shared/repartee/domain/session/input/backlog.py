"""Gives typed texts, and speech to a model that is behind, one at a time."""

from dataclasses import dataclass

from repartee.domain.protocol.messages import Numbered, SpeechStart, Text
from repartee.domain.session.turns.ledger import TurnLedger


@dataclass(slots=True)
class UtteranceBacklog:
    """Holds input back until what came before it is answered.

    The model would answer both at once in one reply or in two, and no turn could be matched. There
    are two cases:

    - The model is behind: with what was said before it could listen, and with what follows that
      before the answer to it has begun.
    - A text follows other input, or other input follows a text. Speech that goes on as the reply
      begins interrupts that reply. All else waits for the end of it.

    Times are Unix time in ms.
    """

    _turns: TurnLedger
    _late_until_ms: int | None = None
    _blocked_through_seq: int = 0
    _holds_back: bool = False
    _is_behind: bool = False

    def listen(self, now_ms: int) -> None:
        """Note that the model listens from now on: earlier input is late."""
        if self._late_until_ms is None:
            self._late_until_ms = now_ms

    def block(self, through_seq: int) -> None:
        """Note that the model takes no input; texts up to ``through_seq`` interrupt no answer."""
        self._blocked_through_seq = through_seq

    def forget(self) -> None:
        """Note that the live session is gone."""
        self._late_until_ms = None
        self._is_behind = False

    def must_wait(self, said: Numbered, now_ms: int, *, is_whole: bool) -> bool:
        """Return whether this message, the next of an utterance, is not to be given yet.

        Args:
            said: The message.
            now_ms: The present.
            is_whole: The utterance has come to its end.
        """
        awaits_reply = self._turns.is_reply_awaited_before(said.seq)
        is_behind = self._is_late(said) or (self._is_behind and not self._turns.is_replying)
        is_apart = self._is_apart(said) and not self._turns.is_newest_replied
        must_wait = awaits_reply and (is_behind or is_apart)
        may_interrupt = not (is_behind or is_whole or isinstance(said.message, Text))
        holds_back = must_wait and not may_interrupt
        if holds_back or self._holds_back:
            # Whatever has come while something waited has waited too.
            self._late_until_ms = max(now_ms, said.received_at_ms + 1)
        self._holds_back = holds_back
        return must_wait

    def end_utterance(self, last: Numbered) -> None:
        """Note that an utterance was given to its end."""
        self._is_behind = self._is_late(last)

    def _is_apart(self, said: Numbered) -> bool:
        turn = self._turns.newest
        follows_text = turn is not None and turn.is_typed
        return isinstance(said.message, Text) or (
            follows_text and isinstance(said.message, SpeechStart)
        )

    def _is_late(self, numbered: Numbered) -> bool:
        if isinstance(numbered.message, Text) and numbered.seq <= self._blocked_through_seq:
            return True
        return numbered.received_at_ms < (self._late_until_ms or 0)
