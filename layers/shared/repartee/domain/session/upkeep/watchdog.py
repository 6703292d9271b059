"""Watches the turn that the user waits for, so that it ends with an answer or an error."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import SessionError
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.turn import TurnInProgress

NUDGE = "(Please answer the user now. If you did not understand, say so.)"


@dataclass(slots=True)
class Watchdog:
    """Helps a turn without a reply: first with a nudge, then a fresh Live session, then an apology.

    Tries are counted per turn, so a turn costs at most two of them.

    Attributes:
        nudged_turn: The turn in which the newest try was a nudge after silence, 0 without one. Then
            the model may only be slow and answer both the user and the nudge. A model that has
            completed the turn answers only the nudge.
    """

    _apology: str
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _live_link: LiveLink
    _replies: Replies
    _outbox: Outbox
    _last_active_ms: int = 0
    _turn_number: int = 0
    _tries: int = 0
    _is_empty: bool = False
    nudged_turn: int = 0

    def note_activity(self, now_ms: int) -> None:
        """Note that the model is active, or has received an answer that it waited for."""
        self._last_active_ms = now_ms

    def has_been_active_since(self, since_ms: int) -> bool:
        """Return whether the model has been active after ``since_ms``."""
        return self._last_active_ms > since_ms

    def is_reply_missing(self) -> bool:
        """Return whether the model has completed a turn without a reply that the user needs.

        A turn with a tool call needs no reply, because the model may change preferences without
        speaking. If its reply was only text, it does need one.
        """
        turn = self._awaited_turn()
        if turn is not self._turns.current:
            turn = None
        self._is_empty = turn is not None and not (turn.has_reply or self._has_called(turn))
        return self._is_empty

    def forget_model(self) -> None:
        """Forget an empty turn, because its Live session is lost."""
        self._is_empty = False

    def is_watching(self) -> bool:
        """Return whether the user waits for a turn."""
        return self._awaited_turn() is not None

    def check(self, now_ms: int) -> bool:
        """Make the next try if it is due; return whether a fresh Live session must get the turn."""
        turn, due_ms = self._awaited_turn(), self.next_deadline_ms()
        is_empty, self._is_empty = self._is_empty, False
        is_due = is_empty or (due_ms is not None and now_ms >= due_ms)
        self.nudged_turn = 0
        if is_due and turn is None and (endless := self._reply_without_input()) is not None:
            self._replies.force_end_turn(endless, now_ms)
            return False
        if turn is None or not self._live_link.is_open or not is_due:
            return False
        self.note_activity(now_ms)
        current = self._turns.current
        if current is not None and turn is not current:
            # The user waits for the answer to later speech, not for the end of this turn.
            self._replies.force_end_turn(current, now_ms)
        elif turn.reply.is_cut:
            # The user interrupted this reply and does not wait for the rest.
            self._replies.force_end_turn(turn, now_ms)
            return False
        if turn.number != self._turn_number:
            self._turn_number, self._tries = turn.number, 0
        self._tries += 1
        if self._tries == 1:
            self._live_link.channel.send_text(NUDGE)
            self.nudged_turn = 0 if is_empty else turn.number
            self._tool_calls.unspoken.expect_two_replies(turn.number)
        elif self._tries > 2:
            self._outbox.offer(SessionError("no_answer", self._apology, retryable=True))
            turn.reply.note_missing()
            self._replies.force_end_turn(turn, now_ms)
        return self._tries == 2

    def next_deadline_ms(self) -> int | None:
        """Return when the next try is due."""
        current = self._turns.current
        turn = self._awaited_turn() or self._reply_without_input()
        if current is None or turn is None:
            return None
        if not self._live_link.is_open or self._tool_calls.is_model_waiting:
            return None
        if self._turns.upcoming is None and self._tool_calls.unspoken.holds(current.number):
            # ``AnswerWatch`` handles unspoken answers.
            return None
        # The model may report the end of a reply only when the reply has been played.
        silent_from_ms = max(turn.input_ended_ms or 0, current.silent_from_ms)
        return max(self._last_active_ms, silent_from_ms) + STALL_MS

    def _awaited_turn(self) -> TurnInProgress | None:
        """Return the turn that the user waits for, None without one.

        This is usually the current turn. During a reply without input it is the upcoming one, in
        case that reply does not end.
        """
        turn, upcoming = self._turns.current, self._turns.upcoming
        is_user_speaking = upcoming is not None and upcoming.is_being_spoken
        if turn is None or is_user_speaking:
            return None
        awaited = upcoming if turn.input_ended_ms is None else turn
        return None if awaited is None or awaited.may_be_noise else awaited

    def _reply_without_input(self) -> TurnInProgress | None:
        """Return a reply that nobody asked for and whose end the model may never report.

        As long as it is open, the answer to the user's next words would become a part of it.
        """
        turn = self._turns.current
        if turn is None or self._turns.upcoming is not None:
            return None
        return turn if turn.first_seq is None and turn.has_reply else None

    def _has_called(self, turn: TurnInProgress) -> bool:
        is_heard = not turn.reply.is_muted or self._tool_calls.is_model_awaiting_answer(turn.number)
        return is_heard and self._tool_calls.has_called_tool(turn.number)
