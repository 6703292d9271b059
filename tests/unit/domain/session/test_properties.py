"""Rules that hold for any session and any order of events.

``SessionInvariants`` fails on a gap in the output's numbers, one number for two
frames, two commits in flight, a gap in the committed turns, a cursor that moves back, a deadline
that lies behind, and on anything sent to a model that is not open.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.limits import DailyLimits, DayUsage
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveFailure,
    LiveGoAway,
    LiveInterrupted,
    LiveText,
    LiveToolCallsCancelled,
    LiveUsage,
    ToolDeclaration,
)
from repartee.domain.protocol.frames import Accepted, ReplyAudio
from repartee.domain.protocol.messages import (
    STOP,
    Audio,
    Bye,
    Detached,
    Hello,
    Message,
    NoteForgotten,
    Numbered,
    OutputPosition,
    PreferencesChanged,
    SpeechEnd,
    SpeechStart,
    Stop,
    Superseded,
    Text,
)
from repartee.domain.session.effects import (
    CommitTurn,
    Effect,
    EndGreeting,
    FinishReason,
    OpenLive,
    PostFrame,
    RespondToTool,
    SendAudio,
    SendText,
)
from repartee.domain.session.events import (
    ConversationLost,
    LeaseWasLost,
    PostRefused,
    SummaryRead,
    TimeRunningOut,
    UsageRead,
)
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS
from repartee.domain.session.model.link import MAX_FAILURES
from repartee.domain.session.state import PendingCall, UndeliveredTurn
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.upkeep.agent_greeting import MAX_CUES
from repartee.domain.tools.core_calls import ASK_CORE_AGENT, END_CALL, SET_PREFERENCES, ToolCallKey
from repartee.domain.users.preferences import PreferenceChanges
from tests.fakes.clock import NOON_MS
from tests.personas import TOOLS
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    IDLE,
    IN_PROGRESS,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    pending,
    remembering,
    said,
    started,
)

pytestmark = pytest.mark.unit

LIMITS = DailyLimits(cost_usd=Decimal(5))
USED_UP = DayUsage(date(2026, 11, 20), cost_usd=Decimal(5))
LIVE_BILL = TokenUsage(1, 2, 3, 4)
STATE_CURSOR = 7
CORE_BILL = Bill(TokenUsage(text_out=1_000), Decimal("0.001"))


def speech(seq: int) -> Audio:
    """Audio whose samples hold the number of its message."""
    return Audio(seq.to_bytes(2, "little") + b"\x01\x01")


def heard_seqs(effects: Iterable[Effect]) -> list[int]:
    """Which messages with speech a model was given."""
    audio = [effect.pcm for effect in effects if isinstance(effect, SendAudio)]
    return [int.from_bytes(pcm[:2], "little") for pcm in audio if any(pcm)]


def earlier_turn() -> Turn:
    call = started()
    call.send(Text("x"))
    call.reply()
    call.ack()
    return call.turns[0]


EARLIER = earlier_turn()
LIVE_EVENTS = st.sampled_from(
    [
        LiveAudio(SECOND),
        LiveAudio(SECOND),
        LiveAudio(bytes(960)),
        LiveText("Good morning"),
        heard("Hello"),
        said("Good morning"),
        LiveInterrupted(),
        COMPLETE,
        IDLE,
        IN_PROGRESS,
        LiveUsage(LIVE_BILL),
        LiveGoAway(0),
        LiveGoAway(30_000),
    ]
)


class AnySession(RuleBasedStateMachine):
    """Client, model, tools, tables and time, each with events in any order."""

    tools: tuple[ToolDeclaration, ...] = TOOLS
    greeting = ""

    def __init__(self) -> None:
        super().__init__()
        unheard = (UndeliveredTurn(EARLIER.number, OutputPosition(EPOCH - 1, 9)),)
        state = replace(
            STATE,
            pending_calls=(pending(),),
            cursor=STATE_CURSOR,
            undelivered=unheard,
            features=(STOP,),
        )
        self.call = SessionHarness(
            state=state,
            memory=remembering(EARLIER),
            settings=replace(
                SETTINGS,
                linger_ms=20_000,
                grace_ms=10_000,
                limits=LIMITS,
                tools=self.tools,
                greeting=self.greeting,
            ),
            takes_posts=False,
            takes_commits=False,
            opens_live=False,
        )
        self.call.start()
        self.delayed: list[Numbered] = []
        self.sent: list[Numbered] = []
        self.arrived_ms: dict[int, int] = {}
        self.sent_ms: dict[int, int] = {}
        self.refused: set[int] = set()
        self.made: dict[str, tuple[int, int]] = {}
        self.effects_before: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.told_to_go: set[int] = set()
        self.typed: list[str] = []
        self.is_ending = False
        self.live_bill = TokenUsage()
        self.core_bills: set[tuple[ToolCallKey, str]] = set()
        self.refused_bill = TokenUsage()

    # Conditions

    @property
    def post(self) -> PostFrame | None:
        posts = self.call.all(PostFrame)
        return posts[-1] if posts and not self.call.finish() else None

    @property
    def is_writing(self) -> bool:
        return self.call.is_committing

    @property
    def left_pending(self) -> tuple[PendingCall, ...]:
        """The calls that the session's state keeps for the next worker."""
        commits = self.call.all(CommitTurn)
        return commits[-1].pending_calls if commits else self.call.state.pending_calls

    # The client

    @rule(
        kind=st.sampled_from([speech, speech, SpeechStart, SpeechEnd, Text, Stop, "silence"]),
        is_delayed=st.integers(0, 4).map(lambda number: number == 0),
    )
    def say(self, kind, is_delayed):
        seq = self.call.next_seq
        message: Message
        if kind is speech:
            message = speech(seq)
        elif kind == "silence":
            message = Audio(bytes(640))
        else:
            message = Text(f"<{seq}>") if kind is Text else kind()
        numbered = self.call.numbered(message)
        self.sent.append(numbered)
        self.sent_ms[seq] = self.call.now_ms
        if is_delayed:
            self.delayed.append(numbered)
        else:
            if kind is Text and self.call.finish() is None:
                self.typed.append(f"<{seq}>")
            self.arrive(numbered)

    def arrive(self, numbered: Numbered) -> None:
        self.arrived_ms.setdefault(numbered.seq, self.call.now_ms)
        deleted = set(self.call.deleted)
        self.call.read(numbered)
        if numbered.seq in set(self.call.deleted) - deleted:
            # Its number was given up, so the client is asked to send it under another one.
            assert self.call.now_ms >= self.sent_ms[numbered.seq] + GIVE_UP_AFTER_MS
            self.refused.add(numbered.seq)

    @precondition(lambda self: self.delayed)
    @rule(data=st.data())
    def arrive_late(self, data):
        index = data.draw(st.integers(0, len(self.delayed) - 1))
        self.arrive(self.delayed.pop(index))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def arrive_twice(self, data):
        numbered = data.draw(st.sampled_from(self.sent))
        if numbered not in self.delayed:
            self.call.read(numbered)

    @rule(connection=st.sampled_from("AB"), received=st.none() | st.integers(0, 30))
    def greet(self, connection, received):
        position = None if received is None else OutputPosition(EPOCH, received)
        self.arrive(self.call.numbered(Hello(position, features=(STOP,)), connection=connection))

    @rule(connection=st.sampled_from("AB"))
    def hang(self, connection):
        self.call.notice(Detached(connection))

    @rule(
        voice=st.sampled_from(["Kore", "Puck", ""]), language=st.sampled_from(["es-ES", "", None])
    )
    def settle_elsewhere(self, voice, language):
        changes = PreferenceChanges(language, voice)
        self.call.notice(PreferencesChanged(changes, NOON_MS + self.call.now_ms))

    @rule(number=st.integers(0, 3))
    def forget_note(self, number):
        self.call.notice(NoteForgotten(f"note-{number}"))

    @rule(through=st.none() | st.integers(0, 30), turn=st.integers(0, 4))
    def acknowledge(self, through, turn):
        self.call.ack(through, turn, 500)

    @precondition(lambda self: len(self.sent) > 15)
    @rule()
    def say_bye(self):
        self.is_ending = True
        self.arrive(self.call.numbered(Bye()))

    # The gateway and the tables

    @precondition(lambda self: self.post is not None)
    @rule(times=st.integers(1, 20))
    def take_posts(self, times):
        for _ in range(times):
            before = self.post
            if before is not None:
                self.call.take_post(before)
            if self.post is before:
                break

    @precondition(lambda self: self.post is not None)
    @rule(is_gone=st.booleans())
    def refuse_post(self, is_gone):
        post = self.post
        assert post is not None
        self.call.feed(PostRefused(post.connection_id, post.frame.seq, is_gone=is_gone))

    @precondition(lambda self: self.is_writing)
    @rule()
    def write(self):
        self.call.take_commit()

    @precondition(lambda self: self.is_writing and len(self.sent) > 15)
    @rule(is_erased=st.booleans())
    def refuse_to_write(self, is_erased):
        self.is_ending = True
        refused = self.call.all(CommitTurn)[-1]
        self.refused_bill = refused.turn.usage - refused.core_bill.usage
        self.call.end_commit(ConversationLost(is_erased=is_erased))

    @precondition(lambda self: len(self.sent) > 25)
    @rule(what=st.sampled_from([LeaseWasLost(), TimeRunningOut(90_000), TimeRunningOut(20_000)]))
    def run_out(self, what):
        self.is_ending = True
        self.call.feed(what)

    @precondition(lambda self: len(self.sent) > 25)
    @rule()
    def supersede(self):
        self.is_ending = True
        self.call.notice(Superseded("S2"))

    @precondition(lambda self: len(self.sent) > 15)
    @rule(used=st.sampled_from([USED_UP, replace(USED_UP, cost_usd=Decimal(4))]))
    def count_the_day(self, used):
        self.is_ending |= used is USED_UP
        self.call.feed(UsageRead(used))

    @rule(through=st.integers(0, 3))
    def sum_up(self, through):
        self.call.feed(SummaryRead("They greeted.", through))

    # The model and its tools

    @precondition(lambda self: self.call.awaits_live)
    @rule()
    def set_up(self):
        self.call.open_live()

    @precondition(lambda self: self.call.awaits_live)
    @rule(failure=st.sampled_from(LiveFailure), code=st.sampled_from([1006, 1007]))
    def fail_to_set_up(self, failure, code):
        self.is_ending = True
        self.call.lose_live(failure, code)

    @precondition(lambda self: self.call.is_live_open)
    @rule(event=LIVE_EVENTS)
    def hear(self, event: LiveEvent):
        if isinstance(event, LiveGoAway):
            self.told_to_go.add(self.call.generation)
            self.is_ending |= len(self.call.all(OpenLive)) > MAX_FAILURES
        if isinstance(event, LiveUsage):
            self.live_bill += event.usage
        self.call.live(event)

    @precondition(lambda self: self.call.is_live_open)
    @rule(
        number=st.integers(0, 5),
        name=st.sampled_from([ASK_CORE_AGENT] * 4 + [SET_PREFERENCES, "unknown", END_CALL]),
        arguments=st.sampled_from(
            ['{"question":"a"}', '{"question":"b"}', '{"language":"de"}', '{"voice":"Puck"}']
        ),
    )
    def use_a_tool(self, number, name, arguments):
        self.is_ending |= name == END_CALL
        call_id = f"{self.call.generation}/{number}"
        self.made.setdefault(call_id, (self.call.generation, self.call.now_ms))
        if name == ASK_CORE_AGENT:
            self.effects_before.setdefault(call_id, len(self.call.effects))
        self.call.call_tool(call_id, arguments, name)

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def cancel(self, data):
        call_id = data.draw(st.sampled_from(sorted(self.made)))
        self.cancelled.add(call_id)
        if self.call.is_live_open:
            self.call.live(LiveToolCallsCancelled((call_id,)))

    @precondition(lambda self: self.call.asked)
    @rule(data=st.data())
    def answer(self, data):
        key = data.draw(st.sampled_from(self.call.asked)).key
        newest = next(one for one in reversed(self.call.asked) if one.key == key)
        self.core_bills.add((key, newest.arguments_hash))
        self.call.answer_tool("At three.", key.turn, key.index, CORE_BILL)

    @precondition(lambda self: self.call.is_live_open)
    @rule(code=st.sampled_from([1006, 1007]))
    def drop_live(self, code):
        self.is_ending |= len(self.call.all(OpenLive)) > MAX_FAILURES
        self.call.lose_live(code=code)

    # Time

    @rule(duration_ms=st.sampled_from([1, 50, 300, 1_000, 3_000, 9_000, 26_000]))
    def wait(self, duration_ms):
        self.call.pass_ms(duration_ms)

    # Invariants

    @invariant()
    def every_call_is_answered_at_most_once(self) -> None:
        answered = [call_id for call_id, _ in self.call.responses]
        assert len(answered) == len(set(answered))

    @invariant()
    def no_call_stays_unanswered_beyond_its_deadline(self):
        if self.is_ending or self.call.finish() is not None:
            return
        answered = {call_id for call_id, _ in self.call.responses}
        for call_id, (generation, made_ms) in self.made.items():
            is_due = self.call.now_ms >= made_ms + TOOL_CALL_TIMEOUT_MS
            is_wanted = call_id not in self.cancelled and generation not in self.told_to_go
            if is_due and generation == self.call.generation and is_wanted:
                assert call_id in answered

    @invariant()
    def each_model_hears_each_message_in_order_and_a_short_utterance_twice_at_most(self):
        for effects in self.call.to_model.values():
            seqs = heard_seqs(effects)
            assert list(dict.fromkeys(seqs)) == sorted(set(seqs))
            assert max(Counter(seqs).values(), default=0) <= 2

    @invariant()
    def nothing_is_accepted_that_may_still_be_lost(self) -> None:
        """A missing message may be skipped after a wait of 3 s."""
        accepted = max((frame.through for frame in self.call.frames(Accepted)), default=0)
        waited_since_ms = self.call.now_ms
        for seq in range(accepted, STATE_CURSOR, -1):
            if seq in self.arrived_ms:
                waited_since_ms = min(waited_since_ms, self.arrived_ms[seq])
            else:
                assert self.call.now_ms >= waited_since_ms + GIVE_UP_AFTER_MS

    @invariant()
    def everything_is_paid_for_once(self) -> None:
        """By a turn that is written, or by the worker as it leaves; core_agent pays for itself."""
        commits = self.call.all(CommitTurn)
        paid = self.call.machine.uncommitted_bill.usage
        for commit in commits:
            paid += commit.turn.usage - commit.core_bill.usage
        assert paid == self.live_bill + self.refused_bill
        recorded = sum(commit.core_bill.usage.text_out for commit in commits)
        assert recorded <= len(self.core_bills) * CORE_BILL.usage.text_out

    @invariant()
    def nothing_is_deleted_that_is_not_committed(self):
        deleted = set(self.call.deleted) - self.refused
        assert max(deleted, default=0) <= self.call.machine.cursor

    def teardown(self):
        """A session that is left alone ends, if all pending work succeeds."""
        call = self.call
        call.takes_posts = call.takes_commits = call.opens_live = True
        if call.awaits_live:
            call.open_live()
        if self.is_writing:
            call.take_commit()
        if self.post is not None:
            call.take_post(self.post)
        assert call.wait_for_end() is not None
        self.every_call_is_answered_at_most_once()
        self.everything_is_paid_for_once()
        # A model that repeatedly cannot be opened ends the session.
        is_given_up = len(call.all(OpenLive)) > MAX_FAILURES
        if not (self.is_ending or is_given_up):
            remembered = " ".join(turn.heard for turn in call.turns)
            # Input that arrives while the client is gone waits in the mailbox.
            taken = [text for text in self.typed if int(text[1:-1]) <= call.machine.cursor]
            assert [remembered.count(text) for text in taken] == [1] * len(taken)
            outcomes = {one.key for turn in call.turns for one in turn.tool_calls}
            if call.finish() is FinishReason.IDLE:
                # After a stop an outcome waits for the user. The next worker asks for it again.
                outcomes |= {one.key for one in self.left_pending}
            assert {asked.key for asked in call.asked} <= outcomes
            self.what_was_accepted_was_heard_or_is_told_as_skipped()

    def what_was_accepted_was_heard_or_is_told_as_skipped(self) -> None:
        """A model also hears no utterance with an unrecorded gap."""
        accepted = max((frame.through for frame in self.call.frames(Accepted)), default=0)
        if self.call.finish() is FinishReason.IDLE:
            accepted = min(accepted, self.call.machine.cursor)
        spoken = {
            one.seq
            for one in self.sent
            if isinstance(one.message, Audio) and any(one.message.pcm) and one.seq <= accepted
        }
        gaps = [gap for turn in self.call.turns for gap in turn.skipped]
        recorded = {seq for gap in gaps for seq in range(gap.first_seq, gap.last_seq + 1)}
        heard = [heard_seqs(effects) for effects in self.call.to_model.values()]
        assert spoken <= recorded.union(*heard)
        for seqs in heard:
            between = {seq for seq in spoken - recorded if seqs and seqs[0] < seq < seqs[-1]}
            assert between <= set(seqs)


class AnyBlockingSession(AnySession):
    """The same, with a model that awaits core_agent's answers in silence."""

    tools = tuple(replace(tool, blocking=tool.name == ASK_CORE_AGENT) for tool in TOOLS)

    @invariant()
    def no_audio_reaches_a_model_that_awaits_an_answer_in_silence(self) -> None:
        effects = self.call.effects
        answered_at = {
            effect.response.call_id: index
            for index, effect in enumerate(effects)
            if isinstance(effect, RespondToTool)
        }
        for call_id, begin in self.effects_before.items():
            if self.made[call_id][0] == self.call.generation and call_id not in self.cancelled:
                meanwhile = effects[begin : answered_at.get(call_id)]
                assert not [one for one in meanwhile if isinstance(one, SendAudio)]


class AnyGreetedSession(AnySession):
    """The same, with a model that greets first."""

    greeting = "Front desk, good morning."

    @invariant()
    def the_model_is_asked_to_greet_until_a_turn_begins(self) -> None:
        effects = self.call.effects
        cued_at = [
            index
            for index, effect in enumerate(effects)
            if isinstance(effect, SendText) and self.greeting in effect.text
        ]
        over_at = [index for index, effect in enumerate(effects) if isinstance(effect, EndGreeting)]
        replied_at = [
            index
            for index, effect in enumerate(effects)
            if isinstance(effect, PostFrame) and isinstance(effect.frame.frame, ReplyAudio)
        ]
        assert len(cued_at) <= MAX_CUES
        assert len(over_at) <= 1
        assert max(cued_at, default=-1) < min(over_at + replied_at, default=len(effects))


AnySession.TestCase.settings = settings(
    stateful_step_count=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
AnyBlockingSession.TestCase.settings = AnySession.TestCase.settings
AnyGreetedSession.TestCase.settings = AnySession.TestCase.settings
TestAnySession = pytest.mark.unit(AnySession.TestCase)
TestAnyBlockingSession = pytest.mark.unit(AnyBlockingSession.TestCase)
TestAnyGreetedSession = pytest.mark.unit(AnyGreetedSession.TestCase)


@pytest.mark.parametrize("takes_posts", [True, False])
@pytest.mark.parametrize("opens_live", [True, False])
def test_a_session_to_which_nothing_happens_ends(takes_posts, opens_live):
    call = SessionHarness(takes_posts=takes_posts, opens_live=opens_live)
    call.start()
    call.utter()

    assert call.wait_for_end() is not None
