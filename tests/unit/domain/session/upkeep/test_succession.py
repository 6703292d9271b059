"""One session and a series of workers. Each may die at any moment, and the next continues from
the state in the tables.

The client is the real one (``repartee_client.protocol.session``), the mailbox and the lane to the
tables keep the rules of ``run_session`` and ``table_lane``, and the model writes down exactly what
it hears. The harness checks ``SessionInvariants`` for each worker.
"""

import re
from collections import Counter, deque
from dataclasses import replace
from math import inf

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from repartee.adapters.wire.encoding import encode
from repartee.adapters.wire.parsing import parse
from repartee.application.serving.lease_keeper import LEASE_MS
from repartee.domain.conversation.conversation import Memory, Turn
from repartee.domain.live.model import LiveAudio, LiveGoAway, LiveInterrupted
from repartee.domain.protocol.answers import Ready
from repartee.domain.protocol.frames import Missing
from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    Hello,
    Notified,
    Numbered,
    Ping,
    Sequenced,
)
from repartee.domain.session.effects import (
    AmendTurn,
    AskCoreAgent,
    CommitTurn,
    DeleteInput,
    Effect,
    FinishReason,
    PostFrame,
    SendAudio,
    SendText,
    SetConnection,
    SetUndelivered,
)
from repartee.domain.session.events import PostRefused, TimeRunningOut
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS
from repartee.domain.session.model.link import MAX_FAILURES
from repartee_client.protocol.session import ClientSession
from tests.fakes.clock import NOON_MS
from tests.session_harness import (
    COMPLETE,
    IDLE,
    MEMORY,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    remembering,
    said,
)

pytestmark = pytest.mark.unit

SILENCE = bytes(4)
TRANSIT_MS = 2_000
READY = encode(Ready("S", "C", chunk_ms=200, grace_s=10))
WRITES = CommitTurn | AmendTurn | SetConnection | SetUndelivered | DeleteInput


class Succession(RuleBasedStateMachine):
    """A client, a line, the tables, a model, and whichever worker lives just now."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000
        self.settings = replace(SETTINGS, linger_ms=8_000, grace_ms=10_000)
        self.state = replace(STATE, epoch=0, owner=None, connection_id="A0")
        self.turns: list[Turn] = []
        self.mailbox: dict[int, Numbered] = {}
        self.notices: dict[str, Notified] = {}
        self.client = ClientSession()
        self.line: str | None = None
        self.lines = 0
        self.in_transit: list[tuple[str, str, int]] = []
        self.said: list[int] = []
        self.arrived_ms: dict[int, int] = {}
        self.is_speaking = False
        self.worker: SessionHarness | None = None
        self.is_crash = False
        self.lease_until_ms = 0
        self.connect()

    # The client and its line

    def connect(self) -> None:
        self.line = f"A{self.lines}"
        self.lines += 1
        self.client.connected(self.now_ms)
        self.pump()

    def pump(self) -> None:
        """Send the client's outgoing messages."""
        texts = self.client.outgoing(self.now_ms)
        if self.line is not None:
            self.in_transit += [(self.line, text, self.now_ms) for text in texts]

    def arrive(self, index: int) -> None:
        """A message function takes one message."""
        line, text, _ = self.in_transit.pop(index)
        content = parse(text).content
        match content:
            case Acknowledged():
                old = self.notices.get("ack")
                position = (content.received.epoch, content.received.seq)
                if old is None or position > _position(old):
                    self.notices["ack"] = Notified("ack", content)
            case Ping(owed=owed):
                if owed:
                    self.wake()
            case Sequenced(seq=seq, message=message):
                numbered = Numbered(seq, message, line, NOON_MS + self.now_ms)
                self.mailbox.setdefault(seq, numbered)
                self.arrived_ms.setdefault(seq, self.now_ms)
                if isinstance(message, Hello) and line == self.line:
                    self.client.receive(READY, self.now_ms)
                if seq > self.state.cursor:
                    self.wake()

    # The workers

    def wake(self) -> None:
        if self.worker is not None or self.now_ms < self.lease_until_ms:
            return
        self.begin(self.memory()).start()
        self.take_effects()

    def memory(self) -> Memory:
        return remembering(*self.turns) if self.turns else MEMORY

    def begin(self, memory: Memory) -> SessionHarness:
        """A worker has taken the lease."""
        self.state = replace(self.state, epoch=self.state.epoch + 1)
        self.worker = call = SessionHarness(
            state=self.state,
            memory=memory,
            settings=self.settings,
            is_takeover=self.is_crash,
            takes_posts=False,
            takes_commits=False,
            opens_live=False,
            now_ms=self.now_ms,
        )
        self.is_crash = False
        self.carried = 0
        self.lane: deque[Effect] = deque()
        self.safe_cursor = self.state.cursor
        self.posts: deque[PostFrame] = deque()
        self.asked: deque[AskCoreAgent] = deque()
        self.model_read = 0
        self.model_generation = self.losses = 0
        self.model_hears = self.model_owes = self.model_speaks = False
        return call

    def leave(self) -> None:
        """The worker is gone, by a release or by its death."""
        self.worker = None

    def take_effects(self) -> None:
        """Sort the worker's effects into lanes; let it leave when it has finished."""
        call = self.worker
        assert call is not None
        for effect in call.effects[self.carried :]:
            match effect:
                case CommitTurn() | AmendTurn() | SetConnection() | DeleteInput():
                    self.lane.append(effect)
                case PostFrame():
                    self.posts.append(effect)
                case AskCoreAgent():
                    self.asked.append(effect)
                case _:
                    pass
        self.carried = len(call.effects)
        if (reason := call.finish()) is not None:
            while self.lane:
                self.write()
            while self.posts:
                self.post()
            self.release(reason)

    def release(self, reason: FinishReason) -> None:
        call = self.worker
        assert call is not None
        self.state = replace(self.state, cursor=max(self.state.cursor, call.machine.cursor))
        self.leave()
        assert reason in (FinishReason.IDLE, FinishReason.HAND_OVER)
        if reason is FinishReason.HAND_OVER or max(self.mailbox, default=0) > self.state.cursor:
            self.wake()

    def look(self) -> None:
        """The worker reads its mailbox."""
        call = self.worker
        if call is None:
            return
        call.now_ms = self.now_ms
        after = call.machine.read_after
        entries: list[Numbered | Notified] = [
            one for seq, one in sorted(self.mailbox.items()) if seq > after
        ]
        entries += self.notices.values()
        if entries:
            call.read(*entries)
            self.take_effects()

    def write(self) -> None:
        """One write of the worker reaches the tables."""
        call = self.worker
        assert call is not None
        effect = self.lane.popleft()
        match effect:
            case CommitTurn(turn=turn, cursor=cursor):
                assert cursor >= self.state.cursor, "the cursor moved back"
                self.turns.append(turn)
                self.state = replace(
                    self.state,
                    cursor=cursor,
                    pending_calls=effect.pending_calls,
                    undelivered=effect.undelivered,
                )
                self.safe_cursor = cursor
                call.take_commit()
                self.lane.extend(one for one in call.effects[self.carried :] if _is_write(one))
                self.keep_others()
            case AmendTurn(turn=turn):
                self.turns[turn.number - 1] = turn
            case SetConnection(connection_id=connection_id):
                self.state = replace(self.state, connection_id=connection_id)
            case SetUndelivered(turns=turns):
                self.state = replace(self.state, undelivered=turns)
            case DeleteInput(seqs=seqs, notice_ids=notice_ids):
                for seq in seqs:
                    self.mailbox.pop(seq, None)
                for notice_id in notice_ids:
                    self.notices.pop(notice_id, None)

    def keep_others(self) -> None:
        call = self.worker
        assert call is not None
        for effect in call.effects[self.carried :]:
            if isinstance(effect, PostFrame):
                self.posts.append(effect)
            elif isinstance(effect, AskCoreAgent):
                self.asked.append(effect)
        self.carried = len(call.effects)

    def post(self, *, is_lost: bool = False) -> None:
        """One frame reaches the client, or the post is refused."""
        call = self.worker
        assert call is not None
        post = self.posts.popleft()
        if post.connection_id != self.line or is_lost:
            call.feed(PostRefused(post.connection_id, post.frame.seq, is_gone=not is_lost))
        else:
            if isinstance(post.frame.frame, Missing):
                asked, safe = post.frame.frame.first_seq, self.client.outbox.accepted_through
                assert asked > safe, "asked for a message that was accepted"
            self.client.receive(encode(post.frame), self.now_ms)
            call.take_post(post)
        if call.finish() is None:
            self.take_effects()
        else:
            self.keep_others()

    # The model

    def listen(self) -> None:
        """The model reads its inputs: it stops speaking for them, and transcribes all speech."""
        call = self.worker
        if call is None or not call.is_live_open:
            return
        if self.model_generation != call.generation:
            self.model_generation, self.model_read = call.generation, 0
            self.model_hears = self.model_owes = self.model_speaks = False
        inputs = call.to_model[call.generation]
        while self.model_read < len(inputs) and call.is_live_open:
            effect = inputs[self.model_read]
            self.model_read += 1
            seq = int.from_bytes(effect.pcm, "little") if isinstance(effect, SendAudio) else 0
            if (seq or isinstance(effect, SendText)) and self.model_speaks:
                self.model_speaks = False
                call.live(LiveInterrupted(), COMPLETE)
            if seq:
                self.model_hears, self.model_owes = True, False
                call.live(heard(f"<{seq}>"))
            elif isinstance(effect, SendText) or self.model_hears:
                self.model_hears, self.model_owes = False, True
        self.take_effects()

    # Rules

    @initialize(marks_speech=st.booleans())
    def choose_a_client(self, marks_speech) -> None:
        self.marks_speech = marks_speech

    @precondition(lambda self: not self.is_speaking)
    @rule()
    def type(self) -> None:
        seq = self.client.outbox.last_place + 1
        self.said.append(seq)
        assert self.client.text(f"<{seq}>", self.now_ms) == seq

    @rule(chunks=st.integers(1, 6))
    def speak(self, chunks) -> None:
        if not self.is_speaking and self.marks_speech:
            self.client.speech_start()
        self.is_speaking = True
        for _ in range(chunks):
            seq = self.client.outbox.last_place + 1
            self.said.append(seq)
            self.client.audio(seq.to_bytes(4, "little"))

    @precondition(lambda self: self.is_speaking)
    @rule()
    def fall_silent(self) -> None:
        self.is_speaking = False
        if self.marks_speech:
            self.client.speech_end(self.now_ms)
        else:
            self.client.audio(SILENCE)

    @precondition(lambda self: not self.is_speaking)
    @rule(chunks=st.integers(1, 6))
    def keep_the_microphone_open(self, chunks) -> None:
        for _ in range(chunks):
            self.client.audio(SILENCE)

    @rule()
    def send(self) -> None:
        self.pump()

    @precondition(lambda self: self.in_transit)
    @rule(data=st.data())
    def arrive_somehow(self, data) -> None:
        self.arrive(data.draw(st.integers(0, len(self.in_transit) - 1)))

    @rule()
    def arrive_all(self) -> None:
        while self.in_transit:
            self.arrive(0)
        self.look()

    @rule()
    def read(self) -> None:
        self.look()

    @precondition(lambda self: self.worker is not None and self.lane)
    @rule()
    def write_one(self) -> None:
        self.write()
        self.take_effects()

    @precondition(lambda self: self.worker is not None)
    @rule()
    def renew(self) -> None:
        call = self.worker
        assert call is not None
        cursor = self.safe_cursor if self.lane else call.machine.cursor
        self.state = replace(self.state, cursor=max(self.state.cursor, cursor))

    @precondition(lambda self: self.worker is not None and self.posts)
    @rule(is_slow=st.integers(0, 9))
    def post_one(self, is_slow) -> None:
        self.post(is_lost=is_slow == 0)

    @precondition(lambda self: self.worker is not None and self.worker.awaits_live)
    @rule()
    def set_up(self) -> None:
        assert self.worker is not None
        self.worker.open_live()
        self.take_effects()
        self.listen()

    @precondition(lambda self: self.worker is not None and self.worker.is_live_open)
    @rule()
    def begin_reply(self) -> None:
        self.listen()
        if self.worker is not None and self.model_owes:
            self.model_owes, self.model_speaks = False, True
            self.worker.live(LiveAudio(SECOND[:960]), said("Yes."))
            self.take_effects()

    @precondition(lambda self: self.worker is not None and self.worker.is_live_open)
    @rule()
    def end_reply(self) -> None:
        self.listen()
        if self.worker is not None and self.model_speaks:
            self.model_speaks = False
            self.worker.live(IDLE)
            self.take_effects()

    @precondition(lambda self: self.worker is not None and self.worker.is_live_open)
    @rule()
    def call_a_tool(self) -> None:
        self.listen()
        if self.worker is not None and self.model_owes:
            self.worker.call_tool(f"{self.worker.generation}/{self.worker.now_ms}")
            self.take_effects()

    @precondition(lambda self: self.worker is not None and self.asked)
    @rule()
    def answer_a_tool(self) -> None:
        assert self.worker is not None
        self.worker.answer_late(self.asked.popleft(), "At three.")
        self.take_effects()

    @precondition(
        lambda self: (
            self.worker is not None and self.worker.is_live_open and self.losses < MAX_FAILURES
        )
    )
    @rule(time_left_ms=st.none() | st.sampled_from([0, 30_000]))
    def lose_live(self, time_left_ms) -> None:
        assert self.worker is not None
        self.losses += 1
        if time_left_ms is None:
            self.worker.lose_live()
        else:
            self.worker.live(LiveGoAway(time_left_ms))
        self.take_effects()

    @rule(duration_ms=st.sampled_from([1, 100, 700, 1_500, 4_000, 12_000]))
    def wait(self, duration_ms) -> None:
        self.pass_ms(duration_ms)

    @rule(is_reported=st.booleans())
    def lose_the_line(self, is_reported) -> None:
        if self.line is not None and is_reported:
            notice_id = f"gone/{self.line}"
            self.notices[notice_id] = Notified(notice_id, Detached(self.line))
        self.connect()

    @precondition(lambda self: self.worker is not None)
    @rule()
    def die(self) -> None:
        self.is_crash = True
        self.lease_until_ms = self.now_ms + LEASE_MS
        self.leave()

    @precondition(lambda self: self.worker is not None)
    @rule(remaining_ms=st.sampled_from([90_000, 20_000]))
    def run_out_of_time(self, remaining_ms) -> None:
        assert self.worker is not None
        self.worker.feed(TimeRunningOut(remaining_ms))
        self.take_effects()

    @rule(rounds=st.integers(1, 8))
    def go_well(self, rounds) -> None:
        for _ in range(rounds):
            self.one_good_round()

    def one_good_round(self) -> None:
        self.pump()
        while self.in_transit:
            self.arrive(0)
        self.look()
        if self.worker is not None and self.worker.awaits_live:
            self.set_up()
        while self.worker is not None and self.posts:
            self.post()
        while self.worker is not None and self.lane:
            self.write_one()
        self.listen()
        if self.worker is not None and self.asked:
            self.answer_a_tool()
        if self.worker is not None and self.worker.is_live_open:
            self.begin_reply() if self.model_owes else self.end_reply()
        self.pass_ms(100)

    def pass_ms(self, duration_ms: int) -> None:
        """Let time pass. Messages arrive and models open after a while."""
        while duration_ms > 0:
            step_ms = min(duration_ms, 500)
            duration_ms -= step_ms
            self.pass_step(step_ms)
            self.pump()
            while self.in_transit and self.in_transit[0][2] + TRANSIT_MS <= self.now_ms:
                self.arrive(0)
            self.look()
            if self.worker is not None and self.worker.awaits_live:
                self.set_up()
            self.listen()

    def pass_step(self, duration_ms: int) -> None:
        end_ms = self.now_ms + duration_ms
        while self.worker is not None:
            at_ms = self.worker.machine.next_deadline_ms()
            if at_ms is None or at_ms > end_ms:
                break
            self.now_ms = max(self.now_ms, at_ms)
            self.worker.pass_ms(self.now_ms - self.worker.now_ms)
            self.take_effects()
        self.now_ms = end_ms
        if self.worker is not None:
            self.worker.now_ms = end_ms

    # Invariants

    @invariant()
    def nothing_is_remembered_twice(self) -> None:
        assert max(Counter(tokens(self.turns)).values(), default=0) <= 1

    @invariant()
    def turns_are_numbered_in_order(self) -> None:
        assert [turn.number for turn in self.turns] == list(range(1, len(self.turns) + 1))

    def may_be_skipped(self, seq: int) -> bool:
        """Return whether a message came so long after a later one that it was skipped."""
        later = [at_ms for other, at_ms in self.arrived_ms.items() if other > seq]
        came_ms = self.arrived_ms.get(seq, inf)
        return bool(later) and came_ms >= min(later) + GIVE_UP_AFTER_MS

    def teardown(self) -> None:
        """In the end all that was said in time is in exactly one turn."""
        if self.is_speaking:
            self.fall_silent()
        for _ in range(600):
            self.one_good_round()
            client, outbox = self.client, self.client.outbox
            is_content = outbox.is_drained and outbox.unaccepted_since_ms is None
            if self.worker is None and is_content and not client.is_waiting_for_answer:
                break
        remembered = tokens(self.turns)
        lost = [seq for seq in self.said if seq not in remembered]
        assert not [seq for seq in lost if not self.may_be_skipped(seq)]
        self.nothing_is_remembered_twice()


def _is_write(effect: Effect) -> bool:
    return isinstance(effect, WRITES)


def _position(notified: Notified) -> tuple[int, int]:
    ack = notified.notice
    assert isinstance(ack, Acknowledged)
    return ack.received.epoch, ack.received.seq


def tokens(turns) -> list[int]:
    return [int(token) for turn in turns for token in re.findall(r"<(\d+)>", turn.heard)]


Succession.TestCase.settings = settings(
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestSuccession = pytest.mark.unit(Succession.TestCase)
