"""Decides when a worker leaves its session: when it is idle, after a close, or for a hand-over."""

from dataclasses import dataclass, replace

from repartee.domain.protocol.frames import CloseReason, SessionClosed
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.timing import SPEAK_WITHIN_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.upkeep.client_presence import ClientPresence

# A farewell is completed first. Every other close only needs time for the frame to the client.
CLOSING_MS = 3_000
# Long enough for the answer to any tool call before the goodbye. Without an open call, a model that
# is silent for ``SPEAK_WITHIN_MS`` has finished.
FAREWELL_MS = TOOL_CALL_TIMEOUT_MS
# After the operator's stop. With the 2 s in which workers see it, a session ends within 5 s.
HURRIED_MS = 1_800
LAST_FRAMES_MS = 800


class _State:
    """The state of a departure, with defaults that the states below override.

    Attributes:
        takes_input: Whether the session continues and the user's input is handled.
        hands_over: Whether the worker leaves at the next pause between turns, because its time
            runs out.
        closing: Why the session is being closed, None if it is not.
        awaits_reply: Whether the model may finish speaking before the session closes.
        is_announced: Whether the client was sent ``SessionClosed``, its last frame.
        is_forced: Whether the worker leaves as soon as its finished turns are written, because its
            time is over.
        finish_reason: Why the worker has left, None if it has not.
    """

    takes_input = False
    hands_over: bool = False
    closing: CloseReason | None = None
    awaits_reply: bool = False
    is_announced: bool = False
    is_forced: bool = False
    finish_reason: FinishReason | None = None


@dataclass(frozen=True)
class Serving(_State):
    """The session continues."""

    hands_over: bool = False
    takes_input = True


@dataclass(frozen=True)
class Closing(_State):
    """The session is being closed. ``hands_over`` applies if that is cancelled."""

    closing: CloseReason
    awaits_reply: bool
    hands_over: bool = False
    is_announced: bool = False
    is_forced: bool = False


@dataclass(frozen=True)
class Forced(_State):
    """The worker leaves, and a successor continues the session."""

    is_forced = True


@dataclass(frozen=True)
class Left(_State):
    """The worker has left."""

    finish_reason: FinishReason


@dataclass(slots=True)
class Departure:
    """Leaves the session: ``Serving``, then possibly ``Closing`` or ``Forced``, then ``Left``.

    Attributes:
        linger_ms: How long the worker waits for the next input before it leaves.
        last_activity_ms: When the user or the model was last active.
        state: The state of the departure.
        closed_as: Why this worker has closed the session for good, None if it has not.
    """

    linger_ms: int
    _client_presence: ClientPresence
    _client: ClientLink
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    last_activity_ms: int = 0
    state: Serving | Closing | Forced | Left = Serving()
    closed_as: CloseReason | None = None
    _leave_by_ms: int = 0
    _played_by_ms: int = 0
    _begun_at: tuple[int, int] = (0, 0)

    def note_activity(self, now_ms: int) -> None:
        """Note that the user or the model is active."""
        self.last_activity_ms = max(self.last_activity_ms, now_ms)

    def request_hand_over(self) -> None:
        """Leave at the next pause between turns, because the worker's time runs out."""
        if isinstance(self.state, Serving | Closing):
            self.state = replace(self.state, hands_over=True)

    @property
    def is_handing_over(self) -> bool:
        """Return whether the worker leaves at the next pause between turns."""
        return self.state.takes_input and self.state.hands_over

    @property
    def closing(self) -> CloseReason | None:
        """Return why the session is being closed, None if it is not."""
        return self.state.closing

    @property
    def finish_reason(self) -> FinishReason | None:
        """Return why the worker has left, None if it has not."""
        return self.state.finish_reason

    @property
    def may_take_input(self) -> bool:
        """Return whether the session continues and the user's input is handled."""
        return self.state.takes_input

    @property
    def may_listen(self) -> bool:
        """Return whether the user's input is handled, which is also so during a farewell."""
        return self.may_take_input or (self.closing == "end_call" and self.may_take_replies)

    @property
    def has_user_objected(self) -> bool:
        """Return whether the user has spoken since the model called ``end_call``."""
        turn = self._turns.newest
        if self.closing != "end_call" or turn is None or turn.first_seq is None:
            return False
        return (turn.number, turn.speech_from_seq) > self._begun_at

    @property
    def may_take_replies(self) -> bool:
        """Return whether the model may still speak, for example to finish a farewell."""
        state = self.state
        return state.takes_input or (
            state.awaits_reply and not (state.is_announced or state.is_forced)
        )

    def close(self, reason: CloseReason, now_ms: int, *, awaits_reply: bool = False) -> bool:
        """Begin to close the session; return False if it is being closed already.

        Args:
            reason: The reason that the client gets.
            now_ms: The present.
            awaits_reply: Whether the model still has something to say: a farewell, or the answer to
                the last words before the user hung up.
        """
        if isinstance(self.state, Closing):
            return False
        self.state = Closing(
            reason,
            awaits_reply,
            hands_over=self.is_handing_over,
            is_forced=self.state.is_forced,
        )
        self.last_activity_ms = now_ms
        is_long = awaits_reply or self._has_unanswered_tool_calls(reason)
        self._leave_by_ms = now_ms + (FAREWELL_MS if is_long else CLOSING_MS)
        if (turn := self._turns.current) is not None:
            self._begun_at = (turn.number, turn.speech_from_seq)
        return True

    def hurry(self, now_ms: int) -> None:
        """Leave soon, although the model, a tool call or the client may not be finished."""
        self._leave_by_ms = min(self._leave_by_ms, now_ms + HURRIED_MS)

    def cancel_close(self, now_ms: int) -> None:
        """Continue to serve, because the user continues to speak."""
        self.state = Serving(self.state.hands_over)
        self.last_activity_ms = now_ms

    def lose_model(self, now_ms: int) -> None:
        """Note that the Live session is lost and no other follows, so that no farewell comes."""
        self._tool_calls.lose_session(None)
        if isinstance(self.state, Closing):
            self.state = replace(self.state, awaits_reply=False)
            self._turns.end_all(now_ms)

    def force(self, now_ms: int) -> None:
        """Leave as soon as the finished turns are written, because the worker's time is over."""
        by_ms = now_ms + CLOSING_MS
        self._leave_by_ms = by_ms if self.closing is None else min(by_ms, self._leave_by_ms)
        turn = self._turns.current
        has_last_words = turn is not None and turn.first_seq is not None
        if not isinstance(self.state, Closing) or (self.closing == "bye" and has_last_words):
            # The successor reads the last words and the bye from the mailbox again.
            self.state = Forced()
        else:
            self.state = replace(self.state, is_forced=True)

    def finish(self, reason: FinishReason) -> None:
        """Leave now."""
        self.state = Left(reason)

    @property
    def has_left(self) -> bool:
        """Return whether the worker has left."""
        return self.state.finish_reason is not None

    def is_late(self, now_ms: int) -> bool:
        """Return whether the worker must stop waiting for replies and for the client."""
        if self.may_take_input:
            return False
        silent_by_ms = self._silent_by_ms()
        is_silent = silent_by_ms is not None and now_ms >= silent_by_ms
        return is_silent or now_ms >= self._leave_by_ms

    def must_commit_now(self, now_ms: int) -> bool:
        """Return whether to commit finished turns without waiting for their delivery."""
        is_leaving = self.is_late(now_ms) or self.closing == "bye" or not self.may_take_replies
        return is_leaving or self._client_presence.is_gone(now_ms)

    def has_lingered(self, now_ms: int) -> bool:
        """Return whether there was no activity for ``linger_ms``."""
        return now_ms >= self.last_activity_ms + self.linger_ms

    def is_stalled(self, now_ms: int) -> bool:
        """Return whether there was no activity for so long that an open turn must be ended."""
        return now_ms >= self._stalled_at_ms

    @property
    def _stalled_at_ms(self) -> int:
        # A worker that does not linger must still allow for pauses in speech or in a reply.
        return self.last_activity_ms + max(self.linger_ms, SPEAK_WITHIN_MS)

    def leave(self, now_ms: int, *, has_input: bool) -> None:
        """Leave if it is time, or announce the close."""
        if isinstance(self.state, Closing):
            self._leave_for_good(self.state, now_ms, has_input=has_input)
        elif isinstance(self.state, Forced):
            if self.is_late(now_ms) or not (self._turns.finished or self._must_post()):
                self._hand_over_by_force()
        elif not (self._turns or self._has_open_calls() or self._cues.is_pending):
            if self.is_handing_over:
                self.finish(FinishReason.HAND_OVER)
            elif self._client_presence.is_gone(now_ms) or (
                not has_input and self.has_lingered(now_ms)
            ):
                self.finish(FinishReason.IDLE)

    def deadlines_ms(self) -> list[int]:
        """Return the times at which the worker may have to leave."""
        if not self.may_take_input:
            silent_by_ms = self._silent_by_ms()
            deadlines = [self._leave_by_ms, self._played_by_ms]
            return [*deadlines, *([] if silent_by_ms is None else [silent_by_ms])]
        deadlines = [self.last_activity_ms + self.linger_ms, self._stalled_at_ms]
        if (gone_at_ms := self._client_presence.gone_at_ms()) is not None:
            deadlines.append(gone_at_ms)
        return deadlines

    def _hand_over_by_force(self) -> None:
        if self._must_post():
            # A client that takes no frames must reconnect. Its ``hello`` names the frames that it
            # has, and it gets the others.
            self._client.close_connection()
        self.finish(FinishReason.HAND_OVER)

    def _leave_for_good(self, closing: Closing, now_ms: int, *, has_input: bool) -> None:
        reason = closing.closing
        if not closing.is_announced:
            is_speaking = self._turns or self._has_unanswered_tool_calls(reason)
            if self.may_listen:
                # The user may object until the farewell has been played.
                self._played_by_ms = max(self._played_by_ms, self._turns.silent_from_ms)
                is_played = self._client.connection_id is None or now_ms >= self._played_by_ms
                is_speaking = is_speaking or has_input or not is_played
            if is_speaking and not self.is_late(now_ms):
                return
            self.state = replace(closing, is_announced=True)
            self._leave_by_ms = now_ms + (LAST_FRAMES_MS if reason == "stopped" else CLOSING_MS)
            self._client.outbox.offer(SessionClosed(reason))
        # Finished turns are committed even if the tables are slow, because no later worker serves a
        # session that has ended.
        if not (self._turns.finished or self._has_unposted_frames(reason, now_ms)):
            self._client.close_connection()
            self.closed_as = reason
            self.finish(FinishReason.ENDED)

    def _has_open_calls(self) -> bool:
        # Answers that wait until the user says something need no worker. The session's state keeps
        # their calls, and the next worker asks for the answers again.
        return self._tool_calls.is_waiting or bool(self._tool_calls and not self._cues.is_hushed)

    def _has_unanswered_tool_calls(self, reason: CloseReason) -> bool:
        # The next session of the conversation takes over the calls, and an erased user gets no
        # answer.
        return bool(self._tool_calls) and reason not in ("superseded", "erased", "stopped")

    def _has_unposted_frames(self, reason: CloseReason, now_ms: int) -> bool:
        # A client without a connection may reconnect in time to get ``SessionClosed``, but not if
        # another device has the conversation.
        cannot_return = reason == "superseded" and self._client.connection_id is None
        return not (cannot_return or self.is_late(now_ms) or self._client.outbox.is_empty())

    def _silent_by_ms(self) -> int | None:
        """Return when the wait for a silent model ends, None without such a wait."""
        if not self.state.awaits_reply or self.state.is_announced or self._tool_calls.is_waiting:
            return None
        if self._tool_calls.unspoken.silent_from_ms is not None:
            # ``AnswerWatch`` ends that silence.
            return None
        return max(self.last_activity_ms, self._played_by_ms) + SPEAK_WITHIN_MS

    def _must_post(self) -> bool:
        # If there has been no connection yet, the client's ``hello`` may still be in the mailbox.
        is_gone = self._client.detached_at_ms is not None
        return not (is_gone or self._client.outbox.is_empty())
