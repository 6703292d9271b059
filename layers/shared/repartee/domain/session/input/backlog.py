"""Sends texts, and speech to a model that is behind, one utterance at a time."""

from dataclasses import dataclass

from repartee.domain.protocol.messages import Numbered, SpeechStart, Text
from repartee.domain.session.turns.ledger import TurnLedger


@dataclass(slots=True)
class UtteranceBacklog:
    """Holds an utterance back until the one before it is answered.

    The model may answer two utterances at once in one reply or in two, so the replies could not be
    assigned to turns. This applies in three cases:

    - The model is behind, because an utterance arrived before the model could take input. Further
      utterances wait until the answer to that one has begun.
    - A text follows other input, or other input follows a text. Speech that continues when the
      reply begins interrupts that reply. All other input waits for the end of the reply.
    - A text or a whole utterance arrives while the model is about to speak the answer of a tool.

    Times are Unix time in ms.
    """

    _turns: TurnLedger
    _late_until_ms: int | None = None
    _blocked_through_seq: int = 0
    _holds_back: bool = False
    _is_behind: bool = False

    def listen(self, now_ms: int) -> None:
        """Note that the model takes input from now on, so that earlier input counts as late."""
        if self._late_until_ms is None:
            self._late_until_ms = now_ms

    def block(self, through_seq: int) -> None:
        """Note that the model takes no input; texts up to ``through_seq`` then count as late."""
        self._blocked_through_seq = through_seq

    def forget(self) -> None:
        """Note that the Live session is lost."""
        self._late_until_ms = None
        self._is_behind = False

    def must_wait(
        self, said: Numbered, now_ms: int, *, is_whole: bool, is_answer_due: bool
    ) -> bool:
        """Return whether the next message must wait for the answer to earlier input.

        Args:
            said: The message.
            now_ms: The present.
            is_whole: Whether the end of the utterance has arrived.
            is_answer_due: Whether the model is about to speak the answer of a tool.
        """
        awaits_reply = self._turns.is_reply_awaited_before(said.seq)
        is_behind = self._is_late(said) or (self._is_behind and not self._turns.is_replying)
        is_apart = self._is_apart(said) and not self._turns.is_newest_replied
        may_interrupt = not (is_behind or is_whole or isinstance(said.message, Text))
        is_begin = isinstance(said.message, Text | SpeechStart)
        is_early = is_answer_due and is_begin and not may_interrupt
        must_wait = awaits_reply and (is_behind or is_apart)
        holds_back = must_wait and not may_interrupt
        if holds_back or (self._holds_back and not is_early):
            # Input that arrived while an utterance waited is late too.
            self._late_until_ms = max(now_ms, said.received_at_ms + 1)
        self._holds_back = holds_back or is_early
        return must_wait or is_early

    def end_utterance(self, last: Numbered) -> None:
        """Note that an utterance was sent to the model completely."""
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
