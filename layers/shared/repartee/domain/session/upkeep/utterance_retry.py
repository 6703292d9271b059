"""Sends a short utterance to the model again if the model shows no sign of it."""

from dataclasses import dataclass

from repartee.domain.audio import INPUT_RATE_HZ, duration_ms
from repartee.domain.live.model import TurnDetection
from repartee.domain.protocol.messages import Audio, Hello, Numbered, SpeechEnd, SpeechStart
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.session.upkeep.live_context import LiveContext
from repartee.domain.session.upkeep.watchdog import Watchdog

# Gemini's detector sometimes drops utterances of 1 to 2 s right after its reply
# (googleapis/python-genai#2903). A client's marks add up to half a second of silence.
SHORT_MS = 2_500
# A reply begins 1 to 2 s after the end of the speech. The watchdog's 8 s are too long for a user.
UNHEARD_AFTER_MS = 3_000


@dataclass(slots=True)
class UtteranceRetry:
    """Sends a turn's utterance again, once, to the same Live session.

    If the model did hear the first copy, there are three cases:

    - It interrupts its reply to the first copy when it hears the second one. Its next reply
      replaces the interrupted one (``Replies.interrupt_for_copy``).
    - It transcribes both. The second transcript is dropped (``UserTranscripts``).
    - It answers both, one after the other. The second reply is dropped (``DuplicateReplies``).
    """

    _feed: InputFeed
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _context: LiveContext
    _watchdog: Watchdog
    _offered_turn: int = 0

    def check(self, now_ms: int) -> None:
        """Send the utterance again if that is due."""
        due_ms, turn = self.next_deadline_ms(), self._turns.current
        if turn is None or due_ms is None or now_ms < due_ms:
            return
        self._offered_turn = turn.number
        self._context.note_repeated_input(turn.number)
        turn.mark_resent(due_ms - UNHEARD_AFTER_MS)
        self._feed.rewind(turn.untranscribed_from_seq or turn.speech_from_seq)

    def next_deadline_ms(self) -> int | None:
        """Return when the utterance counts as unheard, None if it must not be sent again."""
        turn = self._turns.current
        if turn is None or turn.input_ended_ms is None:
            return None
        if self._watchdog.has_been_active_since(turn.input_ended_ms) or not self._is_unheard(turn):
            return None
        return turn.input_ended_ms + UNHEARD_AFTER_MS

    def _is_unheard(self, turn: TurnInProgress) -> bool:
        if self._offered_turn == turn.number or self._turns.upcoming is not None:
            return False
        if (
            turn.reply.takes_no_input
            or turn.reply.is_muted
            or self._tool_calls.has_called_tool(turn.number)
        ):
            return False
        if turn.untranscribed_from_seq is None or turn.may_be_noise:
            return False
        may_retry = self._context.detection is TurnDetection.SERVER and not self._feed.is_waiting
        return may_retry and _is_short_and_marked(
            self._feed.order.taken(turn.untranscribed_from_seq)
        )


def _is_short_and_marked(messages: list[Numbered]) -> bool:
    """Return whether the messages are one short stretch of speech between a client's marks."""
    if messages[-1].seq - messages[0].seq >= len(messages):
        # Messages are missing, and a replay would record that gap a second time.
        return False
    spoken = [one.message for one in messages if not isinstance(one.message, Hello)]
    sizes = [len(one.pcm) for one in spoken if isinstance(one, Audio)]
    is_marked = (
        isinstance(spoken[0], SpeechStart)
        and isinstance(spoken[-1], SpeechEnd)
        and all(isinstance(one, Audio | SpeechStart | SpeechEnd) for one in spoken)
    )
    return is_marked and 0 < duration_ms(sum(sizes), INPUT_RATE_HZ) <= SHORT_MS
