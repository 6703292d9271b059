"""Keeps the tool calls: each call id is answered once, by a deadline, unless the model cancels it.

A call that the model cancels goes on, because it may change something. The user hears its outcome.
"""

import json
from dataclasses import dataclass, field, replace

from repartee.domain.live.model import LiveToolCall
from repartee.domain.session.state import PendingCall
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.open_call import OpenToolCall
from repartee.domain.session.tools.unspoken_answers import UnspokenAnswers
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.text.words import visible_part
from repartee.domain.tools.core_calls import (
    ASK_CORE_AGENT,
    CoreAnswer,
    ToolCallKey,
    ToolCallStatus,
    arguments_hash,
)


@dataclass(slots=True)
class ToolCalls:
    """The calls of a session that are not answered yet, or whose answer is not spoken yet.

    Attributes:
        no_answer: The answer to a call whose deadline has passed.
        blocking: The names of the tools during which the model does not take input.
        unspoken: The answers that the model has and has not spoken.
    """

    no_answer: CoreAnswer
    blocking: frozenset[str] = frozenset()
    unspoken: UnspokenAnswers = field(default_factory=UnspokenAnswers)
    _open: dict[ToolCallKey, OpenToolCall] = field(default_factory=dict)
    _count: dict[int, int] = field(default_factory=dict)
    _seen_ids: set[str] = field(default_factory=set)
    _cancelled_turns: set[int] = field(default_factory=set)
    _kept_open: tuple[int, int] = (0, 0)
    _restarted: set[ToolCallKey] = field(default_factory=set)
    _late: dict[ToolCallKey, OpenToolCall] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._open or self.unspoken)

    @property
    def is_waiting(self) -> bool:
        """Return whether any call waits for its answer."""
        return bool(self.waiting)

    @property
    def is_model_waiting(self) -> bool:
        """Return whether the model waits for any answer."""
        return any(not call.is_orphan for call in self.waiting)

    @property
    def waiting(self) -> list[OpenToolCall]:
        """Return the calls that wait for their answer."""
        return [call for call in self._open.values() if call.owed_answer is None]

    @property
    def is_blocking(self) -> bool:
        """Return whether a blocking call is open; then audio could close the Live session."""
        return any(
            call.name in self.blocking and not call.is_orphan for call in self._open.values()
        )

    @property
    def open_bytes(self) -> int:
        """Return the total length of the arguments of all open calls and unspoken answers."""
        calls = (*self._open.values(), *self.unspoken.calls)
        return sum(len(call.arguments_json.encode()) for call in calls)

    def has_called_tool(self, turn: int) -> bool:
        """Return whether the turn has called any tool."""
        return turn in self._count

    def is_model_awaiting_answer(self, turn: int) -> bool:
        """Return whether the model waits in this turn for the answer to a call."""
        return any(call.turn == turn and not call.is_orphan for call in self.waiting)

    def keep_open(self, turn: TurnInProgress, *, is_idle: bool) -> bool:
        """Return whether a turn stays open although the model has reported it complete.

        A model without status reports completes the turn at the call, before it has the answer.

        Args:
            turn: The current turn.
            is_idle: Whether the model reported that nothing follows.
        """
        is_kept = self._must_stay_open(turn, is_idle=is_idle)
        if is_kept:
            self._kept_open = (turn.number, turn.speech_from_seq)
        return is_kept

    def clear_kept_open(self) -> None:
        """Note that the model continues a turn that it had reported complete."""
        self._kept_open = (0, 0)

    def is_wait_over(self, turn: TurnInProgress) -> bool:
        """Return whether the current turn was kept open for a call and can end now."""
        is_untouched = self._kept_open == (turn.number, turn.speech_from_seq)
        # A model that was asked to keep silent may react to the answer all the same.
        is_free = is_untouched and not (turn.is_being_spoken or turn.reply.is_stopped)
        return is_free and not self._must_stay_open(turn, is_idle=False)

    def _must_stay_open(self, turn: TurnInProgress, *, is_idle: bool) -> bool:
        if turn.reply.is_stopped:
            # The outcome belongs to this turn, although the user hears it in a later one.
            return self.is_model_awaiting_answer(turn.number)
        if turn.reply.is_cut:
            # The user interrupted the reply, so the answer comes in a later turn.
            return False
        if self.unspoken.holds(turn.number):
            return True
        is_called = self.has_called_tool(turn.number) and turn.number not in self._cancelled_turns
        is_called_only = is_called and not turn.has_reply
        return not is_idle and (is_called_only or self.is_model_awaiting_answer(turn.number))

    def begin(
        self, call: LiveToolCall, turn: int, now_ms: int, *, has_input: bool = True
    ) -> OpenToolCall | None:
        """Begin a call.

        A call id that comes twice is one call. An empty id identifies no call. Two ids with the
        same arguments share one run as long as the user has not heard the answer, also across
        turns.

        Args:
            call: The call.
            turn: The number of its turn.
            now_ms: The present.
            has_input: Whether the turn has input.

        Returns:
            The call: to be run, or closed with its answer in ``owed_answer``. None if there is
            nothing to do.
        """
        if call.name not in self.blocking:
            # The model may speak a filler before it completes the generation with the call.
            self.unspoken.begin_generation()
        if call.call_id and call.call_id in self._seen_ids:
            return None
        self._seen_ids.add(call.call_id)
        self._cancelled_turns.discard(turn)
        self._count.setdefault(turn, 0)
        asked = arguments_hash(call.name, call.arguments_json)
        if (same := self._find(asked, turn)) is not None:
            # A restarted turn repeats its call. core_agent recognises the call by its key.
            is_repeated = same.key in self._restarted
            self._restarted.discard(same.key)
            same.add_call_id(call.call_id, turn)
            if same.key.turn == turn:
                self._count[turn] = max(self._count[turn], same.key.index)
            if is_repeated:
                same.owe(None)
            elif same.owed_answer is not None:
                del self._open[same.key]
            else:
                return None
            return same
        key = self._next_key(turn, call.name)
        self._restarted.discard(key)
        begun = OpenToolCall(
            key,
            call.name,
            call.arguments_json,
            now_ms + TOOL_CALL_TIMEOUT_MS,
            turn,
            [call.call_id],
            has_no_input=not has_input,
        )
        self._open[begun.key] = begun
        return begun

    def _find(self, asked_hash: str, turn: int) -> OpenToolCall | None:
        """Return the call with the same arguments whose answer the user has not heard.

        A failed call is not returned, because it may be tried again.
        """
        for call in self._open.values():
            is_failed = (
                call.owed_answer is not None and call.owed_answer.status is ToolCallStatus.FAILED
            )
            if call.arguments_hash == asked_hash and not is_failed:
                return call
        found = self.unspoken.find(asked_hash)
        if found is None:
            return None
        known, answer = found
        is_answered = bool(known.call_ids) and known.turn == turn
        again = replace(known, call_ids=[], owed_answer=answer, is_answered=is_answered)
        self._open[again.key] = again
        return again

    def _next_key(self, turn: int, name: str) -> ToolCallKey:
        """Return the next free key in a turn.

        A restarted turn may word its question in another way. The new call takes the key of the
        earlier one. Then core_agent waits for the earlier run and reports what it did.
        """
        while True:
            self._count[turn] += 1
            key = ToolCallKey(turn, self._count[turn])
            holder = self._open.get(key)
            if holder is None or (name == ASK_CORE_AGENT and key in self._restarted):
                return key

    def adopt(self, pending: PendingCall, now_ms: int) -> OpenToolCall:
        """Take over a call that an earlier worker left open."""
        adopted = OpenToolCall(
            pending.key,
            pending.name,
            pending.arguments_json,
            now_ms + TOOL_CALL_TIMEOUT_MS,
            pending.key.turn,
            is_orphan=True,
        )
        self._open[pending.key] = adopted
        return adopted

    def is_waiting_for(self, key: ToolCallKey, asked_hash: str) -> bool:
        """Return whether the call with this key and these arguments waits for its answer."""
        call = self._open.get(key)
        return call is not None and call.owed_answer is None and call.arguments_hash == asked_hash

    def end(self, key: ToolCallKey, answer: CoreAnswer) -> OpenToolCall:
        """Record the answer of a call.

        The call is closed, unless it is an orphan. An orphan stays open until the model has the
        answer.
        """
        call = self._open[key]
        if call.is_orphan:
            call.owe(answer)
        else:
            del self._open[key]
        return call

    def take_owed_answers(self) -> list[tuple[OpenToolCall, CoreAnswer]]:
        """Return and close the calls whose answer the model has not received."""
        owed = [
            (call, answer) for call in self._open.values() if (answer := call.take_owed_answer())
        ]
        for call, _ in owed:
            del self._open[call.key]
        return owed

    @property
    def has_unspoken(self) -> bool:
        """Return whether any answer is unspoken, including those of orphans."""
        owed = (call for call in self._open.values() if call.owed_answer is not None)
        return bool(self.unspoken) or any(owed)

    def tell_unspoken(self, turn: int) -> list[CoreAnswer]:
        """Return all unspoken answers, which the client gets as text in a turn."""
        answers = [*self.unspoken.take(), *self.take_owed_answers()]
        self.unspoken.add_told(answers, turn)
        return [answer for _, answer in answers]

    def cancel(self, call_ids: tuple[str, ...]) -> None:
        """Drop cancelled ids; the calls go on, because the user must hear their outcome."""
        self.unspoken.cancel(call_ids)
        for call in self._open.values():
            if call.drop_call_ids(call_ids):
                call.make_orphan()
                self._cancelled_turns.add(call.turn)

    def expired(self, now_ms: int) -> list[OpenToolCall]:
        """Return the waiting calls whose deadline has passed."""
        return [call for call in self.waiting if call.deadline_ms <= now_ms]

    def expect_late_answer(self, call: OpenToolCall) -> None:
        """Note that the deadline of a call has passed and its answer may still come."""
        self._late[call.key] = replace(call, is_recorded=False)

    def take_late_answer(
        self, key: ToolCallKey, asked_hash: str, answer: CoreAnswer
    ) -> OpenToolCall | None:
        """Replace the apology by an answer that comes after the deadline.

        Returns:
            The call, whose answer the model must still get. None if the call is unknown, the
            answer is another apology, or the call has been answered since.
        """
        call, held = self._late.get(key), self._open.get(key)
        if (
            call is None
            or call.arguments_hash != asked_hash
            or answer.status is ToolCallStatus.FAILED
        ):
            return None
        # The open call may be the same call, if the model has not received the apology or lost it.
        if held is not None and (held.arguments_hash, held.owed_answer) != (
            asked_hash,
            self.no_answer,
        ):
            return None
        del self._late[key]
        self.unspoken.drop(key)
        call.make_orphan()
        call.owe(answer)
        self._open[key] = call
        return call

    def lose_session(self, restarted_turn: int | None) -> None:
        """Note that the Live session is lost, so that all calls become orphans.

        Unspoken answers must be sent to the model again, and so must those that were spoken in the
        restarted turn. That turn will probably make the same call and get that answer.
        """
        self._seen_ids.clear()
        self._kept_open = (0, 0)
        if restarted_turn is not None:
            self.unspoken.lose_turn(restarted_turn)
        for call, answer in self.unspoken.take():
            call.owe(answer)
            self._open[call.key] = call
        if restarted_turn is not None:
            self._count.pop(restarted_turn, None)
        for call in self._open.values():
            call.make_orphan()
            if call.key.turn == restarted_turn and not call.has_no_input:
                call.mark_recorded(is_recorded=False)
                self._restarted.add(call.key)

    def commit(self, through_turn: int) -> tuple[PendingCall, ...]:
        """Return the calls that are open once the turns up to ``through_turn`` are committed.

        An answer that the user hears in a later turn counts as open. A call for the input of a
        later turn does not: a successor replays that turn, and it makes its calls again.
        """
        calls = (*self._open.values(), *self.unspoken.commit(through_turn))
        return tuple(
            call.pending for call in calls if call.key.turn <= through_turn or call.has_no_input
        )

    def next_deadline_ms(self) -> int | None:
        """Return when the first waiting call expires."""
        return min((call.deadline_ms for call in self.waiting), default=None)


def text_argument(arguments_json: str, name: str) -> str | None:
    """Return a text argument of a call, None if it is absent, not a string or not visible."""
    value = _argument(arguments_json, name)
    return visible_part(value) or None if isinstance(value, str) else None


def is_true_argument(arguments_json: str, name: str) -> bool:
    """Return whether an argument of a call is JSON's ``true``."""
    return _argument(arguments_json, name) is True


def _argument(arguments_json: str, name: str) -> object:
    try:
        arguments = json.loads(arguments_json)
    except ValueError:
        return None
    return arguments.get(name) if isinstance(arguments, dict) else None
