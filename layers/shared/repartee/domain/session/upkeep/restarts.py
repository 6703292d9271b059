"""Restarts the interrupted turn when a Live session or a worker ends."""

from dataclasses import dataclass

from repartee.domain.live.model import TurnDetection
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.tools.answer_watch import cut_reply
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.transcripts import UserTranscripts
from repartee.domain.session.turns.turn import TurnInProgress


@dataclass(slots=True)
class TurnRestarts:
    """Restarts or retracts the turn in progress, so that the next Live session gets it again."""

    _feed: InputFeed
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    _replies: Replies
    _transcripts: UserTranscripts

    @property
    def is_between_turns(self) -> bool:
        """Return whether a restart interrupts nothing: no turn, tool call or cue is open."""
        return not (self._turns.current or self._tool_calls or self._cues.is_awaited)

    @property
    def is_at_rest(self) -> bool:
        """Return whether, in addition, all input is answered and all turns are in memory."""
        return self.is_between_turns and not (self._turns or self._feed.is_waiting)

    @property
    def transcript_due_by_ms(self) -> int | None:
        """Return until when the transcript of an ended turn may arrive, None without one."""
        return self._transcripts.due_by_ms

    def is_transcript_pending(self, now_ms: int) -> bool:
        """Return whether the transcript of an ended turn may still arrive.

        No other Live session can send it.
        """
        due_by_ms = self._transcripts.due_by_ms
        return due_by_ms is not None and now_ms < due_by_ms

    def begin_session(self, detection: TurnDetection) -> None:
        """Note that another Live session is opened."""
        self._feed.begin_session(detection)

    def open_session(self) -> None:
        """Note that the Live session is open; it does not transcribe earlier speech."""
        self._transcripts.begin_session()

    def restart_turn(self, now_ms: int) -> None:
        """Restart the turn in progress: the next Live session gets its input again."""
        self._feed.forget_stream()
        self._cues.lose_session()
        turn = self.retract_turn(now_ms)
        self._tool_calls.lose_session(None if turn is None else turn.number)
        if turn is None or turn.first_seq is None:
            # An utterance may have begun that is not detected yet.
            self._feed.rewind(self._feed.settled + 1)
        else:
            late = self._turns.restart(turn)
            self._feed.rewind(turn.first_seq, late)

    def retract_turn(self, now_ms: int) -> TurnInProgress | None:
        """Retract the reply of the turn in progress; return that turn.

        A reply without input cannot be repeated, so its turn ends. So does that of a reply that the
        user stopped, because the user has heard the part to be remembered.
        """
        turn = self._turns.current
        is_stopped = turn is not None and turn.has_reply and turn.reply.is_stopped
        if turn is not None and (turn.first_seq is None or is_stopped):
            cut_reply(self._turns, self._replies, self._tool_calls, now_ms)
            self._replies.force_end_turn(turn, now_ms)
            turn = self._turns.current
        if turn is not None:
            self._replies.retract(turn, has_called=self._tool_calls.has_called_tool(turn.number))
        return turn
