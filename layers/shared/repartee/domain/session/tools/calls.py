"""The tool rules: each call id is answered once, by a deadline, unless the model cancels it.

A call that the model cancels goes on: what was asked is done or refused all the same, and the user
hears of it.
"""

import json
from dataclasses import dataclass, field, replace

from repartee.domain.live.model import LiveToolCall
from repartee.domain.session.state import PendingCall
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.open_call import OpenToolCall
from repartee.domain.session.tools.unspoken_answers import UnspokenAnswers
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.tools.core_calls import (
    ASK_CORE_AGENT,
    CoreAnswer,
    ToolCallKey,
    ToolCallStatus,
    arguments_hash,
)

NO_ANSWER = CoreAnswer(
    ToolCallStatus.FAILED,
    "I could not find that out just now. Please ask me again.",
    retryable=True,
)


@dataclass(slots=True)
class ToolCalls:
    """The calls of a session that are not answered yet, or whose answer is not spoken yet.

    Attributes:
        blocking: Names of the tools whose answer the model awaits in silence.
        unspoken: The answers that the model has and has not spoken.
    """

    blocking: frozenset[str] = frozenset()
    unspoken: UnspokenAnswers = field(default_factory=UnspokenAnswers)
    _open: dict[ToolCallKey, OpenToolCall] = field(default_factory=dict)
    _count: dict[int, int] = field(default_factory=dict)
    _seen_ids: set[str] = field(default_factory=set)
    _cancelled_turns: set[int] = field(default_factory=set)
    _kept: tuple[int, int] = (0, 0)
    _restarted: set[ToolCallKey] = field(default_factory=set)
    _late: dict[ToolCallKey, OpenToolCall] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._open or self.unspoken)

    @property
    def is_waiting(self) -> bool:
        """Return whether any call still waits for its answer."""
        return bool(self.waiting)

    @property
    def is_model_waiting(self) -> bool:
        """Return whether the model waits for any answer."""
        return any(not call.is_orphan for call in self.waiting)

    @property
    def waiting(self) -> list[OpenToolCall]:
        """Return the calls that still wait for their answer."""
        return [call for call in self._open.values() if call.owed_answer is None]

    @property
    def is_blocking(self) -> bool:
        """Return whether the model awaits an answer in silence; audio could close the session."""
        return any(
            call.name in self.blocking and not call.is_orphan for call in self._open.values()
        )

    @property
    def open_bytes(self) -> int:
        """How long the arguments are of all calls that are not answered and spoken yet."""
        calls = (*self._open.values(), *self.unspoken.calls)
        return sum(len(call.arguments_json.encode()) for call in calls)

    def has_called_tool(self, turn: int) -> bool:
        """Return whether the turn has called any tool."""
        return turn in self._count

    def is_model_awaiting_answer(self, turn: int) -> bool:
        """Return whether the model waits in this turn for the answer to a call."""
        return any(call.turn == turn and not call.is_orphan for call in self.waiting)

    def keep_open(self, turn: TurnInProgress, *, is_idle: bool) -> bool:
        """Return whether a turn goes on although the model calls it complete.

        A model that sends no status completes a turn with its call, before it knows the answer.

        Args:
            turn: The current turn.
            is_idle: The model says that nothing follows.
        """
        is_kept = self._keeps(turn, is_idle=is_idle)
        if is_kept:
            self._kept = (turn.number, turn.speech_from_seq)
        return is_kept

    def clear_kept_open(self) -> None:
        """Note that the model goes on with a turn that it had called complete."""
        self._kept = (0, 0)

    def is_wait_over(self, turn: TurnInProgress) -> bool:
        """Return whether a turn was kept open for a call, and is not needed for that any more.

        Args:
            turn: The current turn.
        """
        is_untouched = self._kept == (turn.number, turn.speech_from_seq)
        is_free = is_untouched and not turn.is_being_spoken
        return is_free and not self._keeps(turn, is_idle=False)

    def _keeps(self, turn: TurnInProgress, *, is_idle: bool) -> bool:
        if turn.reply.is_cut:
            # The user interrupted it. The answer comes in a later turn.
            return False
        if self.unspoken.holds(turn.number):
            return True
        is_called = self.has_called_tool(turn.number) and turn.number not in self._cancelled_turns
        is_called_only = is_called and not turn.has_reply
        return not is_idle and (is_called_only or self.is_model_awaiting_answer(turn.number))

    def begin(self, call: LiveToolCall, turn: int, now_ms: int) -> OpenToolCall | None:
        """Take up a call; None when there is nothing to do for it now.

        A call id that comes twice is one call. An empty id identifies no call. Two ids that ask
        the same share one run for as long as the user has not heard the answer, in whichever turn.

        Returns:
            The call, which is to be run, or which is closed and has its answer in ``owed``.
        """
        if call.name not in self.blocking:
            # It may say that it looks, and only then completes the generation that called.
            self.unspoken.begin_generation()
        if call.call_id and call.call_id in self._seen_ids:
            return None
        self._seen_ids.add(call.call_id)
        self._cancelled_turns.discard(turn)
        self._count.setdefault(turn, 0)
        asked = arguments_hash(call.name, call.arguments_json)
        if (same := self._find(asked, turn)) is not None:
            # A turn that restarted asks again; core_agent knows the call by its place.
            is_asked_anew = same.key in self._restarted
            self._restarted.discard(same.key)
            same.add_call_id(call.call_id, turn)
            if same.key.turn == turn:
                self._count[turn] = max(self._count[turn], same.key.index)
            if is_asked_anew:
                same.owe(None)
            elif same.owed_answer is not None:
                del self._open[same.key]
            else:
                return None
            return same
        key = self._next_key(turn, call.name)
        self._restarted.discard(key)
        begun = OpenToolCall(
            key, call.name, call.arguments_json, now_ms + TOOL_CALL_TIMEOUT_MS, turn, [call.call_id]
        )
        self._open[begun.key] = begun
        return begun

    def _find(self, asked_hash: str, turn: int) -> OpenToolCall | None:
        """Return the call that asks for the same and whose answer the user has not heard.

        One that failed may be tried again.
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
        """Return the next free place in a turn.

        A turn that restarted may word its question in another way. That one takes the place of the
        earlier one: core_agent then waits for the earlier run and says what it did.
        """
        while True:
            self._count[turn] += 1
            key = ToolCallKey(turn, self._count[turn])
            holder = self._open.get(key)
            if holder is None or (name == ASK_CORE_AGENT and holder.is_orphan):
                return key

    def adopt(self, pending: PendingCall, now_ms: int) -> OpenToolCall:
        """Take over a call that a worker before this one left open."""
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
        """Return whether the call at this place asked this and waits for its answer."""
        call = self._open.get(key)
        return call is not None and call.owed_answer is None and call.arguments_hash == asked_hash

    def end(self, key: ToolCallKey, answer: CoreAnswer) -> OpenToolCall:
        """Take the answer of a call that waits for one.

        The call is closed, unless it is an orphan: that one stays open until the model has the
        answer.
        """
        call = self._open[key]
        if call.is_orphan:
            call.owe(answer)
        else:
            del self._open[key]
        return call

    def take_owed_answers(self) -> list[tuple[OpenToolCall, CoreAnswer]]:
        """Return and close the calls that are answered and whose answer the model has not got."""
        owed = [
            (call, answer) for call in self._open.values() if (answer := call.take_owed_answer())
        ]
        for call, _ in owed:
            del self._open[call.key]
        return owed

    def take_unspoken(self) -> list[CoreAnswer]:
        """Return and forget the answers that the model will not speak, also those of orphans."""
        return [answer for _, answer in (*self.unspoken.take(), *self.take_owed_answers())]

    def cancel(self, call_ids: tuple[str, ...]) -> None:
        """Drop ids that the model wants no answer to; the user still wants to hear of each call."""
        self.unspoken.cancel(call_ids)
        for call in self._open.values():
            if call.drop_call_ids(call_ids):
                call.make_orphan()
                self._cancelled_turns.add(call.turn)

    def expired(self, now_ms: int) -> list[OpenToolCall]:
        """Return the calls whose deadline has passed, still open."""
        return [call for call in self.waiting if call.deadline_ms <= now_ms]

    def expect_late_answer(self, call: OpenToolCall) -> None:
        """Note that the deadline has passed; the answer may still come."""
        self._late[call.key] = replace(call, is_recorded=False)

    def take_late_answer(
        self, key: ToolCallKey, asked_hash: str, answer: CoreAnswer
    ) -> OpenToolCall | None:
        """Take an answer that comes after the deadline in place of the apology; None for no news.

        It is owed to the user, unless it is another apology.
        """
        call, held = self._late.get(key), self._open.get(key)
        if (
            call is None
            or call.arguments_hash != asked_hash
            or answer.status is ToolCallStatus.FAILED
        ):
            return None
        # Where the model has not got the apology, or lost it, that is what is owed until now.
        if held is not None and (held.arguments_hash, held.owed_answer) != (asked_hash, NO_ANSWER):
            return None
        del self._late[key]
        self.unspoken.drop(key)
        call.make_orphan()
        call.owe(answer)
        self._open[key] = call
        return call

    def lose_session(self, restarted_turn: int | None) -> None:
        """Note that the live session is gone: all calls are orphans.

        What the session has and has not spoken is owed again. A restarted turn will probably ask
        the same again and get that answer.
        """
        self._seen_ids.clear()
        self._kept = (0, 0)
        for call, answer in self.unspoken.take():
            call.owe(answer)
            self._open[call.key] = call
        if restarted_turn is not None:
            self._count.pop(restarted_turn, None)
        for call in self._open.values():
            call.make_orphan()
            if call.key.turn == restarted_turn:
                call.mark_recorded(is_recorded=False)
                self._restarted.add(call.key)

    def pending(self, through_turn: int) -> tuple[PendingCall, ...]:
        """Return the open calls of turns up to ``through_turn`` as the session's state keeps them.

        A later turn is not in memory yet: who takes over replays it, and it calls again.
        """
        calls = (*self._open.values(), *self.unspoken.calls)
        return tuple(call.pending for call in calls if call.key.turn <= through_turn)

    def next_deadline_ms(self) -> int | None:
        """Return when the first open call expires."""
        return min((call.deadline_ms for call in self.waiting), default=None)


def text_argument(arguments_json: str, name: str) -> str | None:
    """Return a call's text argument, or None when it is absent, empty or no text."""
    value = _argument(arguments_json, name)
    return value.strip() or None if isinstance(value, str) else None


def is_true_argument(arguments_json: str, name: str) -> bool:
    """Return whether a call's argument is JSON's ``true``; nothing else counts as it."""
    return _argument(arguments_json, name) is True


def _argument(arguments_json: str, name: str) -> object:
    try:
        arguments = json.loads(arguments_json)
    except ValueError:
        return None
    return arguments.get(name) if isinstance(arguments, dict) else None
