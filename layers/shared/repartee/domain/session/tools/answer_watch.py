"""Repeats an unspoken answer of a tool to the model, and then sends it to the client as text."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import SessionError
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies


@dataclass(slots=True)
class AnswerWatch:
    """Repeats an unspoken answer to the model once, then sends it to the client as text.

    The watchdog ignores a turn that is open for such an answer, because a fresh Live session would
    make the same call again.
    """

    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    _replies: Replies
    _outbox: Outbox

    def check(self, now_ms: int) -> bool:
        """Repeat an answer or give up if that is due; return whether anything was done."""
        unspoken = self._tool_calls.unspoken
        if self._turns.current is None and unspoken.is_generating:
            # The turn of this generation was ended without the model.
            unspoken.end_generation(self._turns.speaking_number, now_ms)
        is_speaking = self._turns.is_user_speaking
        unspoken.let_user_go_first(self._turns.newest_speech_seq, is_speaking=is_speaking)
        due_ms = self.next_deadline_ms()
        if due_ms is None or now_ms < due_ms:
            return False
        if answers := unspoken.repeat(now_ms):
            self._cues.send_answers(answers, now_ms)
        else:
            self.give_up(now_ms)
        return True

    def give_up(self, now_ms: int) -> None:
        """Send the client the answers that the model will not speak, and end their turn."""
        if not self._tool_calls.has_unspoken:
            return
        turn = self._turns.current
        if turn is None and self._turns.has_carried_calls:
            turn = self._turns.turn_for_reply(now_ms)
        answers = self._tool_calls.tell_unspoken(self._turns.speaking_number)
        text = " ".join(answer.answer for answer in answers)
        is_retryable = any(answer.retryable for answer in answers)
        self._outbox.offer(SessionError("no_answer", text, retryable=is_retryable))
        if turn is None:
            return
        turn.reply.note_missing()
        if not self._tool_calls.is_model_awaiting_answer(turn.number):
            self._replies.force_end_turn(turn, now_ms)

    def note_played(self, number: int, now_ms: int) -> None:
        """Apply the client's report on how much of a turn's reply it has played."""
        self._replies.note_played(number)
        turn = self._turns.find_uncommitted(number)
        if turn is not None and turn.reply.is_cut:
            self._tool_calls.unspoken.correct(number, turn.said, now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when the model has left an answer unspoken for too long."""
        silent_from_ms = self._tool_calls.unspoken.silent_from_ms
        if silent_from_ms is None or not self._is_quiet():
            return None
        silent_from_ms = max(silent_from_ms, self._turns.silent_from_ms)
        return silent_from_ms + self._tool_calls.unspoken.max_silence_ms

    def _is_quiet(self) -> bool:
        """Return whether the user is silent and the model has nothing else to say."""
        turn = self._turns.current
        if (
            self._turns.upcoming is not None
            or self._tool_calls.is_blocking
            or not self._cues.is_free
        ):
            return False
        if turn is None:
            return True
        awaits_answer = turn.reply.is_paused or self._tool_calls.has_called_tool(turn.number)
        return awaits_answer and not turn.is_being_spoken


def cut_reply(turns: TurnLedger, replies: Replies, tool_calls: ToolCalls, now_ms: int) -> None:
    """Cut the reply of the current turn, and keep its answers that the user has not heard."""
    turn = turns.current
    number, said = (0, "") if turn is None else (turn.number, turn.said)
    if not replies.interrupt_for_copy():
        replies.interrupt(now_ms)
    heard = "" if turn is None else turn.said
    tool_calls.unspoken.cut(number, heard, now_ms, is_whole=heard == said)
