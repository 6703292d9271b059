"""Watches one lease: writes its metrics, and the times of its turns into the log."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from repartee.application.serving.lease_keeper import LEASE_MS
from repartee.application.serving.session_ports import SessionPorts
from repartee.application.tracing.trace_turns import TurnTraces
from repartee.domain.conversation.conversation import Memory
from repartee.domain.cost.usage import Bill
from repartee.domain.live.model import LiveOpened
from repartee.domain.protocol.frames import ReplyAudio, TurnRestarted
from repartee.domain.protocol.messages import Audio, MailboxEntry, Numbered, SpeechEnd, Text
from repartee.domain.session.effects import (
    AskCoreAgent,
    CommitTurn,
    Effect,
    PostFrame,
    SetConnection,
    Work,
)
from repartee.domain.session.events import (
    ConversationLost,
    CoreAnswered,
    Event,
    FramePosted,
    FromLive,
    MailboxRead,
    Started,
    TurnCommitted,
)
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.state import Lease
from repartee.domain.session.turn_timing import ToolTiming, TurnMarks, TurnTiming
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from repartee.ports.metrics import Metric, Metrics, spending

MINUTE_MS = 60_000
# WebSocket close codes of Gemini. Each value of a dimension is a metric that costs money.
_CLOSE_CODES = frozenset({1000, 1001, 1006, 1007, 1008, 1011, 1012, 1013})
# More than a minute of input; a turn is committed at most that long after it.
_MAX_INPUTS = 1_000


def count_lease(lease: Lease, metrics: Metrics, woken_at_ms: int | None) -> None:
    """Count a lease, and how long the session had no worker before it.

    Args:
        lease: The lease.
        metrics: The metrics.
        woken_at_ms: When its worker was requested, None for a lease without a request.
    """
    values: dict[Metric, float | Decimal] = {Metric.TAKEOVERS: int(lease.is_takeover)}
    if lease.state.epoch == 1:
        values[Metric.SESSIONS_OPENED] = 1
    if lease.is_takeover:
        renewed_at_ms = lease.previous_until_ms - LEASE_MS
        values[Metric.TAKEOVER_GAP_MS] = lease.taken_at_ms - renewed_at_ms
    if woken_at_ms is not None:
        # The clocks of two machines may disagree.
        values[Metric.WAKE_TO_LEASE_MS] = max(0, lease.taken_at_ms - woken_at_ms)
    metrics.record(values)


class TurnTimer:
    """Collects the times that the shell knows of a lease's turns.

    Args:
        lease: The lease.
        woken_at_ms: When its worker was requested, None for a lease without a request.
        unix_offset_ms: Unix time minus the monotonic time of the other methods.
    """

    def __init__(self, lease: Lease, woken_at_ms: int | None, unix_offset_ms: int):
        self._session_id, self._epoch = lease.state.session_id, lease.state.epoch
        self._wake = (woken_at_ms, lease.taken_at_ms if woken_at_ms is not None else None)
        self._offset_ms = unix_offset_ms
        self._inputs: deque[tuple[int, int]] = deque(maxlen=_MAX_INPUTS)
        self._newest_seq = 0
        self._setups: list[tuple[int, int]] = []
        self._setup_began_ms: int | None = None
        self._posting: PostFrame | None = None
        self._posted_ms: dict[int, int] = {}
        self._tools: dict[ToolCallKey, ToolTiming] = {}

    def begin_setup(self, now_ms: int) -> None:
        """Note that the set-up of a Live session begins."""
        self._setup_began_ms = now_ms

    def end_setup(self, now_ms: int) -> int | None:
        """Note that the Live session is open; return how long its set-up took."""
        began_ms, self._setup_began_ms = self._setup_began_ms, None
        if began_ms is None:
            return None
        self._setups.append((began_ms, now_ms))
        return now_ms - began_ms

    def read(self, entries: Sequence[MailboxEntry], now_ms: int) -> None:
        """Note when input was received; entries may come repeatedly."""
        for entry in entries:
            if isinstance(entry, Numbered) and entry.seq > self._newest_seq:
                self._newest_seq = entry.seq
                if isinstance(entry.message, Audio | SpeechEnd | Text):
                    self._inputs.append((now_ms, entry.received_at_ms))

    def post(self, post: PostFrame) -> None:
        """Note the frame that is being posted; there is one at a time."""
        self._posting = post

    def note_posted(self, now_ms: int) -> bool:
        """Note that API Gateway has the frame; return whether it was audio of a reply."""
        frame = self._posting.frame.frame if self._posting else None
        if isinstance(frame, TurnRestarted):
            self._posted_ms = {one: at for one, at in self._posted_ms.items() if one < frame.turn}
        if isinstance(frame, ReplyAudio):
            self._posted_ms.setdefault(frame.turn, now_ms)
        return isinstance(frame, ReplyAudio)

    def ask(self, key: ToolCallKey, now_ms: int) -> None:
        """Note that core_agent is asked."""
        self._tools[key] = ToolTiming(str(key), now_ms + self._offset_ms)

    def answer(self, key: ToolCallKey, status: ToolCallStatus, now_ms: int) -> None:
        """Note that core_agent has answered."""
        if (asked := self._tools.get(key)) is not None:
            at_ms = now_ms + self._offset_ms
            self._tools[key] = replace(asked, answered_at_ms=at_ms, status=status.value)

    def take(self, marks: TurnMarks) -> TurnTiming:
        """Return a turn's times; forget those that no later turn needs."""
        wake, self._wake = self._wake, (None, None)
        setup = self._take_setup(marks)
        ended_ms = marks.input_ended_ms
        received_ms = None
        while ended_ms is not None and self._inputs and self._inputs[0][0] <= ended_ms:
            received_ms = self._inputs.popleft()[1]
        tools = {key: one for key, one in self._tools.items() if key.turn <= marks.number}
        for key in tools:
            del self._tools[key]
        posted_ms = self._posted_ms.pop(marks.number, None)
        return TurnTiming(
            session_id=self._session_id,
            turn=marks.number,
            epoch=self._epoch,
            woken_at_ms=wake[0],
            leased_at_ms=wake[1],
            live_opening_at_ms=self._unix(setup[0]),
            live_ready_at_ms=self._unix(setup[1]),
            started_at_ms=marks.started_ms + self._offset_ms,
            input_received_at_ms=received_ms,
            input_ended_at_ms=self._unix(ended_ms),
            model_began_at_ms=self._unix(marks.model_began_ms),
            audio_received_at_ms=self._unix(marks.first_audio_ms),
            audio_posted_at_ms=self._unix(posted_ms),
            ended_at_ms=marks.ended_ms + self._offset_ms,
            tools=tuple(one for key, one in tools.items() if key.turn == marks.number),
        )

    def _take_setup(self, marks: TurnMarks) -> tuple[int | None, int | None]:
        """Return the newest set-up before the model's first output, once."""
        by_ms = marks.ended_ms if marks.model_began_ms is None else marks.model_began_ms
        before = [one for one in self._setups if one[1] <= by_ms]
        del self._setups[: len(before)]
        return before[-1] if before else (None, None)

    def _unix(self, at_ms: int | None) -> int | None:
        return None if at_ms is None else at_ms + self._offset_ms


class SessionObserver:
    """Watches the events and the work of one lease, and changes nothing.

    Args:
        machine: The session's machine.
        lease: The lease.
        memory: The conversation at the start of the lease.
        ports: The metrics and the log.
        timer: Collects the times of the turns.
        traces: Posts the spans of the turns.
    """

    def __init__(
        self,
        machine: SessionMachine,
        lease: Lease,
        memory: Memory,
        ports: SessionPorts,
        timer: TurnTimer,
        traces: TurnTraces,
    ):
        session_id = lease.state.session_id
        self._machine = machine
        self._ports = ports
        self._timer = timer
        self._traces = traces
        self._is_heard = any(one.said for one in memory.turns if one.session_id == session_id)
        self._detached_ms: int | None = None
        self._committing: CommitTurn | None = None
        self._talked_minute = 0

    def note(self, event: Event, work: Work, now_ms: int) -> None:
        """Note an event and the work that followed from it."""
        self._note_event(event, now_ms)
        for effect in work.in_lane_order:
            self._note_effect(effect, now_ms)

    def _note_event(self, event: Event, now_ms: int) -> None:
        timer = self._timer
        match event:
            case MailboxRead(entries=entries) | Started(unread=MailboxRead(entries=entries)):
                timer.read(entries, now_ms)
            case FromLive(event=LiveOpened()):
                if (setup_ms := timer.end_setup(now_ms)) is not None:
                    self._ports.metrics.record({Metric.SETUP_MS: setup_ms})
            case FramePosted():
                self._note_posted(now_ms)
            case CoreAnswered(key=key, answer=answer):
                timer.answer(key, answer.status, now_ms)
                self._traces.note_answer(key, answer.timing)
            case TurnCommitted():
                self._note_committed()
            case ConversationLost():
                # The turn's usage counts as uncommitted again.
                self._committing = None
            case _:
                pass

    def _note_effect(self, effect: Effect, now_ms: int) -> None:
        match effect:
            case CommitTurn():
                self._committing = effect
            case SetConnection(connection_id=connection_id):
                self._note_connection(connection_id, now_ms)
            case PostFrame():
                self._timer.post(effect)
            case AskCoreAgent(key=key):
                self._timer.ask(key, now_ms)
            case _:
                pass

    def traceparent_of(self, key: ToolCallKey) -> str:
        """Return the trace context for a question to core_agent, "" without tracing."""
        return self._traces.traceparent_of(key)

    def begin_setup(self) -> None:
        """Note that the set-up of a Live session begins."""
        self._timer.begin_setup(self._ports.clock.monotonic_ms())

    def count_refusal(self, code: int, *, is_final: bool) -> None:
        """Count a Live session that could not be opened.

        Args:
            code: The close code or HTTP status; 0 if the server did not answer.
            is_final: Whether another try cannot help.
        """
        answered = "refused" if is_final else "busy"
        self._ports.metrics.record({Metric.LIVE_REFUSED: 1}, by=answered if code else "unreachable")

    def count_drop(self, code: int) -> None:
        """Count a Live session that broke off."""
        known = str(code) if code in _CLOSE_CODES else "other"
        self._ports.metrics.record({Metric.LIVE_DROPPED: 1}, by=known)

    def leave(self) -> None:
        """Count the usage that no committed turn has counted, and a session that was closed."""
        metrics, machine = self._ports.metrics, self._machine
        metrics.record({Metric.LIMITS_REACHED: int(machine.limit_reached is not None)})
        if (reason := machine.closed_as) is not None:
            metrics.record({Metric.SESSIONS_ENDED: 1}, by=reason)
        bill = machine.uncommitted_bill
        if self._committing is not None:
            # Whether this turn was written is not known. Gemini bills it in any case.
            bill += _live_bill(self._committing)
        if bill:
            metrics.record(spending(bill))

    def _note_posted(self, now_ms: int) -> None:
        if self._timer.note_posted(now_ms) and not self._is_heard:
            self._is_heard = True
            self._ports.metrics.record({Metric.SESSIONS_HEARD: 1})

    def _note_connection(self, connection_id: str | None, now_ms: int) -> None:
        if connection_id is None:
            self._detached_ms = now_ms
        elif self._detached_ms is not None:
            gap_ms, self._detached_ms = now_ms - self._detached_ms, None
            self._ports.metrics.record({Metric.RECONNECT_GAP_MS: gap_ms})

    def _note_committed(self) -> None:
        effect, self._committing = self._committing, None
        if effect is None:
            return
        turn, marks = effect.turn, self._machine.marks_of(effect.turn.number)
        values: dict[Metric, float | Decimal] = {
            Metric.TURNS: 1,
            Metric.TURN_ERRORS: len(turn.skipped)
            + sum(call.status is ToolCallStatus.FAILED for call in turn.tool_calls),
            Metric.TOOL_CALLS: len(turn.tool_calls),
            Metric.NO_ANSWER: int(marks is not None and marks.is_unanswered),
            **spending(_live_bill(effect)),
        }
        if turn.first_audio_ms is not None:
            values[Metric.FIRST_AUDIO_MS] = turn.first_audio_ms
        minute = self._ports.clock.now_ms() // MINUTE_MS
        if minute != self._talked_minute:
            self._talked_minute = minute
            values[Metric.TALKING_WORKERS] = 1
        self._ports.metrics.record(values)
        if marks is not None:
            timing = self._timer.take(marks)
            self._ports.log.info(
                "turn timed",
                extra={
                    "session_id": timing.session_id,
                    "turn": timing.turn,
                    "epoch": timing.epoch,
                    **timing.parts_ms(),
                },
            )
            self._traces.post(timing, effect, is_unanswered=marks.is_unanswered)


def _live_bill(commit: CommitTurn) -> Bill:
    """Return the live model's part of a turn's bill; core_agent writes its own part."""
    return Bill(commit.turn.usage, commit.turn.cost_usd) - commit.core_bill
