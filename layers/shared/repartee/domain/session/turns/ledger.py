"""Keeps the turns: the one being answered, the one after it, and those that wait for commit."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from repartee.domain.conversation.conversation import Memory, SkippedInput, ToolCall
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.messages import Numbered
from repartee.domain.session.events import CoreAnswered
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.text.words import words_of
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus

# A late transcript belongs to one of the last turns.
MAX_COMMITTED_KEPT = 4
# A reply to speech that the worker did not detect begins within this time after its transcript.
KEEP_TRANSCRIPT_MS = 3_000
# Gemini may send a transcript twice within this time. Later, equal words are a new reply.
REPEATS_WITHIN_MS = 1_000
_NO_TRANSCRIPT = ("", -KEEP_TRANSCRIPT_MS)


@dataclass(slots=True)
class TurnLedger:
    """The turns of one session that are not in memory yet.

    Costs, tool calls and gaps that belong to no open turn are carried over to the next turn. Such
    are late bills, answers that came after their turn, and speech lost between two turns.

    Attributes:
        next_number: The number that the next turn gets.
        current: The turn that the model works on.
        upcoming: The turn of the speech that the user began during the current reply.
        finished: Turns that are over and wait for delivery and commit, oldest first.
        newest_committed: The newest turns that this worker has committed, oldest first.
        is_committing: Whether the oldest finished turn is being written.
        stopped_through: The number of the newest ``Stop``. Replies to input that ended before it
            are silent.
    """

    next_number: int
    current: TurnInProgress | None = None
    upcoming: TurnInProgress | None = None
    finished: deque[TurnInProgress] = field(default_factory=deque)
    newest_committed: deque[TurnInProgress] = field(
        default_factory=lambda: deque(maxlen=MAX_COMMITTED_KEPT)
    )
    is_committing: bool = False
    stopped_through: int = 0
    _carried_usage: TokenUsage = field(default_factory=TokenUsage)
    _carried_core_bill: Bill = field(default_factory=Bill)
    _billed_calls: set[tuple[ToolCallKey, str]] = field(default_factory=set)
    _known_calls: set[tuple[ToolCallKey, str, ToolCallStatus]] = field(default_factory=set)
    _carried_calls: list[ToolCall] = field(default_factory=list)
    _carried_gaps: list[SkippedInput] = field(default_factory=list)
    _kept_transcript: tuple[str, int] = _NO_TRANSCRIPT

    @classmethod
    def from_memory(cls, memory: Memory) -> Self:
        """Return the ledger of the turns that follow those in memory.

        The calls in memory are billed already. Answers that were not spoken are requested again,
        and must not be billed twice.
        """
        calls = [call for one in memory.turns for call in one.tool_calls]
        paid = {(call.key, call.arguments_hash) for call in calls}
        known = {(call.key, call.arguments_hash, call.status) for call in calls}
        return cls(memory.conversation.turn_count + 1, _billed_calls=paid, _known_calls=known)

    def __bool__(self) -> bool:
        return bool(self.current or self.upcoming or self.finished)

    @property
    def newest(self) -> TurnInProgress | None:
        """Return the newest turn in progress, None if there is none."""
        return self.upcoming or self.current

    @property
    def is_newest_replied(self) -> bool:
        """Return whether the model has begun to answer the user's newest input."""
        return self.newest is not None and self.newest.has_reply

    @property
    def is_replying(self) -> bool:
        """Return whether the model has begun to answer the current turn."""
        return self.current is not None and self.current.has_reply

    @property
    def speaking_number(self) -> int:
        """Return the number of the turn in which the model speaks; the last one between turns."""
        return self.next_number - 1 if self.current is None else self.current.number

    @property
    def silent_from_ms(self) -> int:
        """Return since when neither side speaks, according to the turns not in memory yet."""
        turns = (*self.finished, self.current, self.upcoming)
        return max([turn.silent_from_ms for turn in turns if turn], default=0)

    @property
    def is_user_speaking(self) -> bool:
        """Return whether the user is speaking."""
        turn = self.newest
        return turn is not None and turn.is_being_spoken

    @property
    def newest_speech_seq(self) -> int:
        """Return where the user's newest speech begins, 0 if no turn is in progress."""
        turn = self.newest
        return 0 if turn is None else turn.speech_from_seq

    @property
    def has_carried_calls(self) -> bool:
        """Return whether finished calls wait for the next turn to record them."""
        return bool(self._carried_calls)

    def has_user_moved_on(self, number: int) -> bool:
        """Return whether the user speaks, or waits for the reply of a turn other than this one."""
        turn = self.newest
        if turn is None:
            return False
        return turn.is_being_spoken or not (turn.number == number or turn.has_reply)

    def is_reply_awaited_before(self, seq: int) -> bool:
        """Return whether input before ``seq`` is complete and its turn is not over.

        Sound that may be noise does not delay later input. Nor does a reply that the user stopped,
        once the model has begun it.
        """
        turn = self.newest
        if turn is None or turn.may_be_noise or (turn.has_reply and turn.reply.is_stopped):
            return False
        return turn.input_ended_ms is not None and seq > turn.speech_from_seq

    def begin_input(self, seq: int, now_ms: int) -> TurnInProgress:
        """Return the turn that input from ``seq`` on belongs to.

        Speech before the reply begins belongs to the current turn. A text is a separate turn.
        """
        if self.current is None:
            self.current = self._new(now_ms)
        elif self.upcoming is None and (self.current.reply.takes_no_input or self.current.is_typed):
            self.upcoming = self._new(now_ms)
        turn = self.upcoming or self.current
        turn.begin_stretch(seq)
        return turn

    def turn_for_reply(self, now_ms: int) -> TurnInProgress:
        """Return the turn that the model answers, or begin a turn without input.

        Speech that has not been sent to the model becomes the next turn.
        """
        if self.current is None:
            self.current = self._new(now_ms)
            text, kept_at_ms = self._kept_transcript
            if now_ms <= kept_at_ms + KEEP_TRANSCRIPT_MS:
                self.current.add_user_transcript(text, now_ms)
            self._kept_transcript = _NO_TRANSCRIPT
        elif self.current.is_unsent and self.current.is_being_spoken:
            self.postpone_speech(self.current, now_ms)
        return self.current

    def postpone_speech(self, turn: TurnInProgress, now_ms: int) -> None:
        """Move the newest speech of the current turn into a new turn."""
        first_seq, is_unsent = turn.speech_from_seq, turn.is_unsent
        turn.retract_stretch(now_ms)
        self.upcoming = self._new(now_ms)
        self.upcoming.begin_stretch(first_seq)
        self.upcoming.mark_unsent(is_unsent=is_unsent)
        if turn.first_seq is None:
            self.upcoming.late.extend(turn.take_late_controls())

    def is_repeat_of_last_reply(self, text: str, now_ms: int) -> bool:
        """Return whether a transcript without a turn repeats the end of the previous reply."""
        if self.current is not None or not (ended_turns := self.ended_turns):
            return False
        last, words = ended_turns[-1], words_of(text)
        is_soon = now_ms <= last.ended_at_ms + REPEATS_WITHIN_MS
        return is_soon and bool(words) and words_of(last.said).endswith(words)

    def keep_unmatched_transcript(self, text: str, now_ms: int) -> None:
        """Keep a transcript that fits no turn for the turn of the next reply."""
        self._kept_transcript = (text, now_ms)

    @property
    def ended_turns(self) -> list[TurnInProgress]:
        """Return the turns that are over, oldest first, including the newest committed ones."""
        return [*self.newest_committed, *self.finished]

    @property
    def open_turns(self) -> list[TurnInProgress]:
        """Return the turns that can still change, oldest first."""
        return [*self._open(), *(turn for turn in (self.current, self.upcoming) if turn)]

    @property
    def all_turns(self) -> list[TurnInProgress]:
        """Return ``ended_turns`` and the turns in progress."""
        return [*self.ended_turns, *(turn for turn in (self.current, self.upcoming) if turn)]

    def end_input(self, seq: int, now_ms: int) -> bool:
        """End the user's speech at ``seq``; return False if the user was not speaking there."""
        turn = self.newest
        if turn is None or not turn.is_being_spoken or seq < turn.speech_from_seq:
            return False
        turn.end_stretch(now_ms)
        if seq < self.stopped_through:
            turn.reply.stop()
        return True

    def stop_before(self, seq: int) -> None:
        """Make the replies to input that ended before ``seq`` silent."""
        self.stopped_through = seq

    def retract_stretch(self, now_ms: int) -> None:
        """Remove the newest stretch of speech, and its turn if nothing else is in it."""
        turn = self.newest
        if turn is None or turn.retract_stretch(now_ms):
            return
        if turn is self.upcoming:
            self.upcoming = None
        else:
            self.current = None
        self.next_number = turn.number
        self._carried_usage += turn.usage
        self._carried_core_bill += turn.core_bill
        self._carried_calls += turn.tool_calls
        self._carried_gaps += turn.skipped

    def end_current(self, now_ms: int) -> TurnInProgress | None:
        """End the current turn; the upcoming turn becomes the current one."""
        turn = self.current
        if turn is None:
            return None
        turn.end(now_ms)
        self.current, self.upcoming = self.upcoming, None
        self.finished.append(turn)
        return turn

    def end_all(self, now_ms: int) -> None:
        """End all turns in progress."""
        while self.end_current(now_ms) is not None:
            pass

    def carry_speech_over(self, turn: TurnInProgress, now_ms: int) -> None:
        """Move the speech that continues after this turn's reply into the next turn.

        It is not answered yet, so a successor must replay it.
        """
        if self.current is None:
            self.current = self._new(now_ms)
            self.current.take_over_speech(turn.give_up_speech())

    def restart(self, turn: TurnInProgress) -> list[Numbered]:
        """Restart the current turn; the speech of an upcoming turn is replayed too.

        Returns:
            Control messages with numbers before the turn's first message, to be applied again.
        """
        late = turn.late
        if self.upcoming is not None:
            first = turn.first_seq or 0
            late = late + [control for control in self.upcoming.late if control.seq < first]
            turn.take_over_costs(self.upcoming)
            self.upcoming = None
        self.current = turn.restarted()
        self.next_number = turn.number + 1
        return late

    def add_usage(self, usage: TokenUsage) -> None:
        """Add the live model's usage to the turn that it worked on."""
        turn = self.current or self._last_open()
        if turn is None:
            self._carried_usage += usage
        else:
            turn.add_usage(usage)

    def bill_tool_call(self, answered: CoreAnswered) -> None:
        """Add the cost of a call of core_agent to its turn, or to the turn with its answer.

        A restarted turn keeps its costs and gets the same answer again, so each call is counted
        once. core_agent counts the cost for the user's day and the session.
        """
        asked = (answered.key, answered.arguments_hash)
        if asked in self._billed_calls or not answered.answer.bill:
            return
        self._billed_calls.add(asked)
        turn = self.find_uncommitted(answered.key.turn) or self.current or self._last_open()
        if turn is None:
            self._carried_core_bill += answered.answer.bill
        else:
            turn.add_core_bill(answered.answer.bill)

    def record_tool_call(self, call: ToolCall, asked_in: int) -> None:
        """Record a finished call in the turn that made it, or in the current turn.

        Args:
            call: The call. An answer that comes after an apology replaces it.
            asked_in: The newest turn that requested the call.
        """
        asked = (call.key, call.arguments_hash)
        if (*asked, call.status) in self._known_calls:
            # An earlier worker has recorded the call, and its answer was not spoken.
            return
        turn = (
            self.find_uncommitted(call.key.turn) or self.find_uncommitted(asked_in) or self.current
        )
        calls = self._carried_calls if turn is None else turn.tool_calls
        calls[:] = [one for one in calls if (one.key, one.arguments_hash) != asked]
        calls.append(call)

    def record_gap(self, gap: SkippedInput) -> None:
        """Record a part of the input that never arrived."""
        turn = self.newest
        gaps = self._carried_gaps if turn is None else turn.skipped
        gaps.append(gap)

    def find_uncommitted(self, number: int) -> TurnInProgress | None:
        """Return the turn with this number, None if it is committed or being written."""
        return next((turn for turn in self.open_turns if turn.number == number), None)

    def begin_commit(self) -> TurnInProgress:
        """Mark the oldest finished turn as being written, and return it."""
        self.is_committing = True
        return self.finished[0]

    def cancel_commit(self) -> None:
        """Note that the write of the oldest finished turn failed."""
        self.is_committing = False

    def mark_committed(self) -> TurnInProgress:
        """Note that the oldest finished turn is in memory, and return it."""
        self.is_committing = False
        self.newest_committed.append(turn := self.finished.popleft())
        return turn

    def drop_finished(self) -> None:
        """Drop all finished turns except one that is being written; keep their usage."""
        while len(self.finished) > self.is_committing:
            self._carried_usage += self.finished.pop().usage

    @property
    def finished_ms(self) -> int:
        """Return how long the finished turns took in total."""
        return sum(turn.talk_ms for turn in self.finished)

    @property
    def finished_usage(self) -> TokenUsage:
        """Return the live model's usage in the finished turns, and that of no turn yet."""
        return self._usage_of(self.finished)

    @property
    def uncommitted_usage(self) -> TokenUsage:
        """Return the live model's usage outside turns that are committed or being written."""
        begun = [turn for turn in (self.current, self.upcoming) if turn]
        return self._usage_of([*self._open(), *begun])

    def _usage_of(self, turns: Iterable[TurnInProgress]) -> TokenUsage:
        return sum((turn.usage for turn in turns), start=self._carried_usage)

    def cursor(self, settled: int, *, after_commit: bool) -> int:
        """Return the last input message that no later worker needs.

        Args:
            settled: The last message that was sent to the model and cannot be part of an utterance
                whose start is yet to be found.
            after_commit: Whether to count the oldest finished turn as committed.
        """
        turns = [*self.finished, self.current, self.upcoming]
        if after_commit:
            del turns[0]
        firsts = [turn.first_seq for turn in turns if turn and turn.first_seq is not None]
        return min([settled, *(first - 1 for first in firsts)])

    def _open(self) -> list[TurnInProgress]:
        """Return the finished turns that can still change."""
        return [turn for turn in self.finished if not self._is_being_written(turn)]

    def _last_open(self) -> TurnInProgress | None:
        turns = self._open()
        return turns[-1] if turns else None

    def _is_being_written(self, turn: TurnInProgress) -> bool:
        return self.is_committing and turn is self.finished[0]

    def _new(self, now_ms: int) -> TurnInProgress:
        turn = TurnInProgress(
            self.next_number,
            now_ms,
            usage=self._carried_usage,
            core_bill=self._carried_core_bill,
            tool_calls=self._carried_calls,
            skipped=self._carried_gaps,
        )
        self.next_number += 1
        self._carried_usage, self._carried_core_bill = TokenUsage(), Bill()
        self._carried_calls, self._carried_gaps = [], []
        return turn
