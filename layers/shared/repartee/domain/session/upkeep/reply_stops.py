"""Silences the model when the client sends ``Stop``, until the user says something again."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import SessionError
from repartee.domain.protocol.messages import STOP
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.turn import TurnInProgress


@dataclass(slots=True)
class ReplyStops:
    """Applies each ``Stop`` once (docs/adr/0029-stop.md).

    - The replies to all input before it end, including those that have not begun.
    - The model is not asked to stop, because no message is known to do so without a new reply. What
      it still generates is dropped and billed. Tool calls in it are carried out, and their answers
      are recorded in their turn.
    - No cue is sent, and answers of tools wait, until the user says something. A user who hangs up
      gets them as text.
    """

    _feed: InputFeed
    _client: ClientLink
    _turns: TurnLedger
    _replies: Replies
    _tool_calls: ToolCalls
    _cues: Cues

    def take(self, now_ms: int) -> None:
        """Apply a ``Stop`` that has arrived, or refuse it."""
        stop = self._feed.take_stop()
        if stop is None or stop.seq <= self._turns.stopped_through:
            return
        if STOP not in self._client.features:
            text = f'stop was ignored: list "{STOP}" in the features of hello'
            error = SessionError("stop_not_listed", text, retryable=False, refused_seq=stop.seq)
            self._client.outbox.offer(error)
            return
        if self._turns.current is None and self._cues.is_awaited:
            # The model is about to speak without input.
            self._turns.turn_for_reply(now_ms)
        self._turns.stop_before(stop.seq)
        for turn in self._turns.open_turns:
            if self._is_due(turn, now_ms):
                turn.reply.stop()
        self._cues.hush(is_hushed=True)

    def _is_due(self, turn: TurnInProgress, now_ms: int) -> bool:
        """Return whether a turn has a reply that the user hears or waits for."""
        if turn not in (self._turns.current, self._turns.upcoming):
            return now_ms < turn.reply.ends_at_ms
        return turn.has_reply or not turn.is_being_spoken

    def check(self, now_ms: int) -> None:
        """Cut the replies that are stopped, and end the silence when the user ends it."""
        # ``Interrupted`` goes ahead of all waiting frames, so the oldest turn comes last here.
        for turn in reversed(self._turns.open_turns):
            if turn.reply.is_stopped and not turn.reply.is_cut:
                whole = turn.said
                self._replies.cut(turn, now_ms)
                # No words of the reply come after ``Interrupted``, and the client lacks none of
                # those in memory.
                self._client.outbox.advance_words(turn.number)
                is_whole = turn.said == whole
                self._tool_calls.unspoken.cut(turn.number, turn.said, now_ms, is_whole=is_whole)
        current, upcoming = self._turns.current, self._turns.upcoming
        if current is not None and upcoming is not None and not upcoming.is_typed:
            is_unbegun = current.reply.is_stopped and not current.has_reply
            if is_unbegun and not upcoming.is_unsent:
                # The model takes this speech and the stopped input for one, and answers both.
                self._replies.force_end_turn(current, now_ms)
        if self._cues.is_hushed and self._is_silence_over():
            self._cues.hush(is_hushed=False)

    def _is_silence_over(self) -> bool:
        """Return whether the user has said something since the stop, or the model speaks again."""
        turns = (turn for turn in (self._turns.current, self._turns.upcoming) if turn)
        return any(
            turn.has_reply or (turn.input_ended_ms is not None and not turn.may_be_noise)
            for turn in turns
            if not turn.reply.is_stopped
        )
