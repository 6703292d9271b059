"""When and how a worker leaves its session: idle, closed for good, or handing over."""

from dataclasses import dataclass, replace

from repartee.domain.protocol.frames import CloseReason, SessionClosed
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.timing import SPEAK_WITHIN_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.upkeep.client_presence import ClientPresence

# A farewell is spoken to its end. Every other close needs only the frame to the client.
CLOSING_MS = 3_000
# Long enough for the answer of any tool that was asked before the goodbye. Without one to come, a
# model that is silent for ``SPEAK_WITHIN_MS`` has said what it will say.
FAREWELL_MS = TOOL_CALL_TIMEOUT_MS


class _State:
    """How far a departure is; each kind overrides what differs.

    Attributes:
        takes_input: The session goes on, so that the user is listened to.
        hands_over: The worker's time runs out: it leaves at the next boundary between turns.
        closing: Why the session is being closed for good.
        awaits_reply: The model may speak to its end before the session closes.
        is_announced: The client was sent ``SessionClosed``, its last frame.
        is_forced: The worker's time is up: it leaves as soon as what is finished is safe.
        finish_reason: Why the worker has left.
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
    """The session goes on."""

    hands_over: bool = False
    takes_input = True


@dataclass(frozen=True)
class Closing(_State):
    """The session is being closed for good; ``hands_over`` counts if that is cancelled."""

    closing: CloseReason
    awaits_reply: bool
    hands_over: bool = False
    is_announced: bool = False
    is_forced: bool = False


@dataclass(frozen=True)
class Forced(_State):
    """The worker leaves and the session goes on."""

    is_forced = True


@dataclass(frozen=True)
class Left(_State):
    """The worker has left."""

    finish_reason: FinishReason


@dataclass(slots=True)
class Departure:
    """The way out of a session: ``Serving``, then maybe ``Closing`` or ``Forced``, then ``Left``.

    Attributes:
        last_activity_ms: When something last happened between user and model.
        state: How far it is.
    """

    linger_ms: int
    _client_presence: ClientPresence
    _client: ClientLink
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    last_activity_ms: int = 0
    state: Serving | Closing | Forced | Left = Serving()
    _leave_by_ms: int = 0
    _played_by_ms: int = 0
    _begun_at: tuple[int, int] = (0, 0)

    def note_activity(self, now_ms: int) -> None:
        """Note that something happens between user and model."""
        self.last_activity_ms = max(self.last_activity_ms, now_ms)

    def request_hand_over(self) -> None:
        """Leave at the next boundary between turns, because the worker's time runs out."""
        if isinstance(self.state, Serving | Closing):
            self.state = replace(self.state, hands_over=True)

    @property
    def is_handing_over(self) -> bool:
        """Return whether the worker leaves at the next boundary between turns."""
        return self.state.takes_input and self.state.hands_over

    @property
    def closing(self) -> CloseReason | None:
        """Why the session is being closed for good, None while it is not."""
        return self.state.closing

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the worker has left, None while it has not."""
        return self.state.finish_reason

    @property
    def may_take_input(self) -> bool:
        """Return whether the session goes on, so that the user is listened to."""
        return self.state.takes_input

    @property
    def may_listen(self) -> bool:
        """Return whether the user is listened to, which they are during a farewell, too."""
        return self.may_take_input or (self.closing == "end_call" and self.may_take_replies)

    @property
    def has_user_objected(self) -> bool:
        """Return whether the user says something after the model has begun to end the call."""
        turn = self._turns.newest
        if self.closing != "end_call" or turn is None or turn.first_seq is None:
            return False
        return (turn.number, turn.speech_from_seq) > self._begun_at

    @property
    def may_take_replies(self) -> bool:
        """Return whether the model may still speak: a farewell is spoken to its end."""
        state = self.state
        return state.takes_input or (
            state.awaits_reply and not (state.is_announced or state.is_forced)
        )

    def close(self, reason: CloseReason, now_ms: int, *, awaits_reply: bool = False) -> bool:
        """Begin to close for good; False when that has begun before.

        Args:
            reason: The reason that the client gets.
            now_ms: The present.
            awaits_reply: The model still has something to say: a farewell, or the answer to the
                last words before the user hung up.
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

    def cancel_close(self, now_ms: int) -> None:
        """Serve on, because the user goes on."""
        if isinstance(self.state, Closing):
            self.state = Serving(self.state.hands_over)
        self.last_activity_ms = now_ms

    def lose_model(self, now_ms: int) -> None:
        """Note that the live session is gone and no other follows, so no farewell comes."""
        self._tool_calls.lose_session(None)
        if isinstance(self.state, Closing):
            self.state = replace(self.state, awaits_reply=False)
            self._turns.end_all(now_ms)

    def force(self, now_ms: int) -> None:
        """Leave as soon as what is finished is safe: the worker's time is up."""
        by_ms = now_ms + CLOSING_MS
        self._leave_by_ms = by_ms if self.closing is None else min(by_ms, self._leave_by_ms)
        turn = self._turns.current
        has_last_words = turn is not None and turn.first_seq is not None
        if not isinstance(self.state, Closing) or (self.closing == "bye" and has_last_words):
            # The successor reads the last words and the goodbye again.
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
        """Return whether the time for leaving in good order is over."""
        if self.may_take_input:
            return False
        silent_by_ms = self._silent_by_ms()
        is_silent = silent_by_ms is not None and now_ms >= silent_by_ms
        return is_silent or now_ms >= self._leave_by_ms

    def must_commit_now(self, now_ms: int) -> bool:
        """Return whether what is over is to be remembered without waiting for its delivery."""
        is_leaving = self.is_late(now_ms) or self.closing == "bye" or not self.may_take_replies
        return is_leaving or self._client_presence.is_gone(now_ms)

    def has_lingered(self, now_ms: int) -> bool:
        """Return whether nothing has happened for as long as a worker lingers."""
        return now_ms >= self.last_activity_ms + self.linger_ms

    def is_stalled(self, now_ms: int) -> bool:
        """Return whether nothing has happened for so long that no end of a turn is waited for."""
        return now_ms >= self._stalled_at_ms

    @property
    def _stalled_at_ms(self) -> int:
        # A worker that does not linger waits for a pause in speech, or in a reply, all the same.
        return self.last_activity_ms + max(self.linger_ms, SPEAK_WITHIN_MS)

    def leave(self, now_ms: int, *, has_input: bool) -> None:
        """Leave if it is time to."""
        if isinstance(self.state, Closing):
            self._leave_for_good(self.state, now_ms, has_input=has_input)
        elif isinstance(self.state, Forced):
            if self.is_late(now_ms) or not (self._turns.finished or self._must_post()):
                self._hand_over_by_force()
        elif not (self._turns or self._tool_calls or self._cues.is_pending):
            if self.is_handing_over:
                self.finish(FinishReason.HAND_OVER)
            elif self._client_presence.is_gone(now_ms) or (
                not has_input and self.has_lingered(now_ms)
            ):
                self.finish(FinishReason.IDLE)

    def deadlines_ms(self) -> list[int]:
        """Return when it may be time to leave."""
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
            # A client that takes no frames must come back. Then it reports what it has, and gets
            # the rest.
            self._client.close_connection()
        self.finish(FinishReason.HAND_OVER)

    def _leave_for_good(self, closing: Closing, now_ms: int, *, has_input: bool) -> None:
        reason = closing.closing
        if not closing.is_announced:
            is_speaking = self._turns or self._has_unanswered_tool_calls(reason)
            if self.may_listen:
                # Until the farewell has been played, the user may still object to it.
                self._played_by_ms = max(self._played_by_ms, self._turns.silent_from_ms)
                is_played = self._client.connection_id is None or now_ms >= self._played_by_ms
                is_speaking = is_speaking or has_input or not is_played
            if is_speaking and not self.is_late(now_ms):
                return
            self.state = replace(closing, is_announced=True)
            self._leave_by_ms = now_ms + CLOSING_MS
            self._client.outbox.offer(SessionClosed(reason))
        # Finished turns are committed, however long the tables take: no worker serves a session
        # that has ended.
        if not (self._turns.finished or self._has_unposted_frames(reason, now_ms)):
            self._client.close_connection()
            self.finish(FinishReason.ENDED)

    def _has_unanswered_tool_calls(self, reason: CloseReason) -> bool:
        # Another session of the conversation asks again, and an erased user gets no answer.
        return bool(self._tool_calls) and reason not in ("superseded", "erased")

    def _has_unposted_frames(self, reason: CloseReason, now_ms: int) -> bool:
        # A client without a connection may come back in time to get ``SessionClosed``, but not if
        # another device has the conversation.
        is_shut_out = reason == "superseded" and self._client.connection_id is None
        return not (is_shut_out or self.is_late(now_ms) or self._client.outbox.is_empty())

    def _silent_by_ms(self) -> int | None:
        """Return when a model that goes on saying nothing is not waited for any more."""
        if not self.state.awaits_reply or self.state.is_announced or self._tool_calls.is_waiting:
            return None
        if self._tool_calls.unspoken.silent_from_ms is not None:
            # ``AnswerWatch`` ends that silence.
            return None
        return max(self.last_activity_ms, self._played_by_ms) + SPEAK_WITHIN_MS

    def _must_post(self) -> bool:
        # Without a connection that was lost, the client's hello is still to be read.
        is_gone = self._client.detached_at_ms is not None
        return not (is_gone or self._client.outbox.is_empty())
