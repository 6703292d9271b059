"""The tool rules: every call id is answered exactly once, by a deadline, unless cancelled."""

import json
from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CallStatus, CoreAnswer
from repartee.domain.live import LiveToolCall
from repartee.domain.session.call_in_progress import CallInProgress
from repartee.domain.session.turn_in_progress import TurnInProgress
from repartee.domain.session.unspoken_answers import UnspokenAnswers
from repartee.domain.session_state import PendingCall

CALL_TIMEOUT_MS = 25_000
NO_ANSWER = CoreAnswer(
    CallStatus.FAILED, "I could not find that out just now. Please ask me again.", retryable=True
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
    _open: dict[CallKey, CallInProgress] = field(default_factory=dict)
    _count: dict[int, int] = field(default_factory=dict)
    _seen_ids: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self._open or self.unspoken)

    @property
    def is_waiting(self) -> bool:
        """Tell whether any call still waits for its answer."""
        return bool(self.waiting)

    @property
    def waiting(self) -> list[CallInProgress]:
        """Return the calls that still wait for their answer."""
        return [call for call in self._open.values() if call.owed is None]

    @property
    def is_blocking(self) -> bool:
        """Tell whether the model awaits an answer in silence; audio could close the session."""
        return any(
            call.name in self.blocking and not call.is_orphan for call in self._open.values()
        )

    @property
    def open_characters(self) -> int:
        """How long the arguments are of all calls that are not answered and spoken yet."""
        calls = (*self._open.values(), *self.unspoken.calls)
        return sum(len(call.arguments_json) for call in calls)

    def has_begun(self, turn: int) -> bool:
        """Tell whether the turn has called any tool."""
        return self._count.get(turn, 0) > 0

    def awaits_answer(self, turn: int) -> bool:
        """Tell whether a call of the turn still waits for its answer."""
        return any(call.key.turn == turn for call in self.waiting)

    def keep_open(self, turn: TurnInProgress, *, is_idle: bool) -> bool:
        """Tell whether a turn goes on although the model calls it complete.

        A model that sends no status completes a turn with its call, before it knows the answer.

        Args:
            turn: The current turn.
            is_idle: The model says that nothing follows.
        """
        if turn.is_silenced:
            # The user interrupted it. The answer comes in a later turn.
            return False
        if self.unspoken.holds(turn.number):
            return True
        is_called_only = self.has_begun(turn.number) and not turn.has_reply
        return not is_idle and (is_called_only or self.awaits_answer(turn.number))

    def begin(self, call: LiveToolCall, turn: int, now_ms: int) -> CallInProgress | None:
        """Take up a call; None when there is nothing new to run.

        A call id that comes twice is one call; two ids that ask the same share one run. An empty
        id identifies no call.
        """
        if call.name not in self.blocking:
            # It may say that it looks, and only then completes the generation that called.
            self.unspoken.is_generating = True
        if call.call_id and call.call_id in self._seen_ids:
            return None
        self._seen_ids.add(call.call_id)
        for running in self._open.values():
            same = (running.name, running.arguments_json) == (call.name, call.arguments_json)
            if same and running.key.turn == turn:
                running.call_ids.append(call.call_id)
                return None
        index = self._count.get(turn, 0) + 1
        self._count[turn] = index
        begun = CallInProgress(
            CallKey(turn, index),
            call.name,
            call.arguments_json,
            now_ms + CALL_TIMEOUT_MS,
            [call.call_id],
        )
        self._open[begun.key] = begun
        return begun

    def adopt(self, pending: PendingCall, now_ms: int) -> CallInProgress:
        """Take over a call that a worker before this one left open."""
        adopted = CallInProgress(
            pending.key,
            pending.name,
            pending.arguments_json,
            now_ms + CALL_TIMEOUT_MS,
            is_orphan=True,
        )
        self._open[pending.key] = adopted
        return adopted

    def awaits(self, key: CallKey, asked_hash: str) -> bool:
        """Tell whether the open call at this place is the one that asked this."""
        call = self._open.get(key)
        return call is not None and call.arguments_hash == asked_hash

    def end(self, key: CallKey, answer: CoreAnswer) -> CallInProgress | None:
        """Take a call's answer; None when it had one before, or nobody awaits it.

        The call is closed, unless it is an orphan: that one stays open until it is told.
        """
        call = self._open.get(key)
        if call is None or call.owed is not None:
            return None
        if call.is_orphan:
            call.owed = answer
        else:
            del self._open[key]
        return call

    def take_owed(self, now_ms: int) -> list[CoreAnswer]:
        """Return the answers of orphans, which the model gets now."""
        taken = []
        for call in list(self._open.values()):
            if call.owed is not None:
                taken.append(call.owed)
                self.unspoken.add(call, call.owed, now_ms, comes_later=False)
                del self._open[call.key]
        return taken

    def take_unspoken(self) -> list[CoreAnswer]:
        """Return and forget the answers that nobody is going to speak, also those of orphans."""
        owed = [(call, call.owed) for call in self._open.values() if call.owed is not None]
        for call, _ in owed:
            del self._open[call.key]
        return [answer for _, answer in (*self.unspoken.take(), *owed)]

    def cancel(self, call_ids: tuple[str, ...]) -> list[CallInProgress]:
        """Drop ids that the model wants no answer to; return the calls that nobody awaits now."""
        ended = []
        for call in list(self._open.values()):
            had_ids = bool(call.call_ids)
            call.call_ids = [one for one in call.call_ids if one not in call_ids]
            if had_ids and not call.call_ids:
                ended.append(self._open.pop(call.key))
        return ended

    def expired(self, now_ms: int) -> list[CallInProgress]:
        """Return the calls whose deadline has passed, still open."""
        return [call for call in self.waiting if call.deadline_ms <= now_ms]

    def lose_session(self, restarted_turn: int | None) -> None:
        """The live session is gone: a restarted turn will call again, the rest is orphaned.

        What the session has and has not spoken is owed again.
        """
        self._seen_ids.clear()
        for call, answer in self.unspoken.take():
            call.owed = answer
            self._open[call.key] = call
        if restarted_turn is not None:
            self._count.pop(restarted_turn, None)
        for key in list(self._open):
            if key.turn == restarted_turn:
                del self._open[key]
            else:
                self._open[key].is_orphan = True
                self._open[key].call_ids.clear()

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
    """Tell whether a call's argument is JSON's ``true``; nothing else counts as it."""
    return _argument(arguments_json, name) is True


def _argument(arguments_json: str, name: str) -> object:
    try:
        arguments = json.loads(arguments_json)
    except ValueError:
        return None
    return arguments.get(name) if isinstance(arguments, dict) else None
