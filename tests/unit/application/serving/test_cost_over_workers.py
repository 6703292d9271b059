"""The cost of one question is counted once, even if workers die or hand over."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.application.serving.lease_keeper import LEASE_MS
from repartee.config import LIVE_PRICES
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.live.model import LiveToolCall, LiveUsage
from repartee.domain.protocol.messages import Bye
from repartee.domain.session.effects import FinishReason
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest
from repartee.ports.metrics import Metric
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.notes import FakeNotes
from tests.fakes.reasoner import FakeReasoner
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.personas import FRONT_DESK
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    PLENTY_MS,
    USER,
    WorkerHarness,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

CORE = Bill(TokenUsage(text_in=900, text_out=40), Decimal("0.5"))
HEARD = TokenUsage(audio_in=1_000)
# The live model's bill for ``WorkerHarness.answer``.
ANSWERED = TokenUsage(text_in=100, audio_in=50, audio_out=25)


class PaidScene(WorkerHarness):
    """A session whose questions are answered by core_agent itself, for money."""

    def __init__(self) -> None:
        super().__init__()
        self.reasoner = FakeReasoner(lambda _request, _call: "You are booked.", bill=CORE)
        self.answers_arrive = True
        self.ports = replace(self.ports, core=self)

    def ask(self, request: CoreRequest) -> CoreAnswer:
        answerer = QuestionAnswerer(
            calls=FakeToolCallStore(self.tables),
            conversations=FakeConversationStore(self.tables),
            notes=FakeNotes(self.tables),
            usage=self.usage,
            metrics=self.metrics,
            reasoner=self.reasoner,
            make_tools=lambda _context: (),
            clock=self.clock,
            wait=lambda _duration_s: None,
            persona=FRONT_DESK,
            zone=ZoneInfo("Europe/London"),
            memory=MemoryBudget(),
        )
        answer = answerer.answer(request).answer
        if not self.answers_arrive:
            raise CoreAgentFailed("the answer was lost on its way", retryable=True)
        return answer

    def used(self) -> DayUsage:
        """Return the user's counter of the day, which agrees with the metrics."""
        used = self.usage.of_day(USER, utc_day(self.clock.now_ms()))
        metrics = (Metric.INPUT_TOKENS, Metric.OUTPUT_TOKENS, Metric.COST_USD)
        written = [sum(self.metrics.of(metric)) for metric in metrics]
        assert written == [used.tokens.tokens_in, used.tokens.tokens_out, used.cost_usd]
        return used

    async def heard(self) -> FakeLiveSession:
        """The next Live session transcribes the user's speech."""
        session = await self.live.opened.get()
        await self.until(lambda: len(session.sent) >= 3)
        return session

    async def call_tool(self, session: FakeLiveSession, call_id: str, question: str) -> None:
        arguments = f'{{"question":"{question}"}}'
        session.emit(LiveUsage(HEARD), LiveToolCall(call_id, "ask_core_agent", arguments))
        await self.until(lambda: call_id in [one.call_id for one in self.tool_responses()])


async def replay_a_question(it: PaidScene, question: str) -> None:
    """A turn is cut off after its question was answered; the next worker has it asked again."""
    left_ms = PLENTY_MS
    serving = it.serve(remaining_ms=lambda: left_ms)
    it.speak()
    await it.call_tool(await it.heard(), "first", "book")
    left_ms = 15_000
    assert await serving is FinishReason.HAND_OVER

    serving = it.serve()
    session = await it.heard()
    await it.call_tool(session, "second", question)
    await it.answer(session, "book me in", "You are booked.")
    await it.until(lambda: it.frames("turn_end"))
    it.acknowledge_all()
    assert await serving is FinishReason.IDLE


@in_virtual_time
async def test_an_answer_that_a_turn_gets_again_after_a_hand_over_is_billed_once() -> None:
    it = PaidScene()
    await replay_a_question(it, "book")

    live = HEARD + HEARD + ANSWERED
    assert len(it.reasoner.requests) == 1
    assert it.used().tokens == live + CORE.usage
    assert it.used().cost_usd == LIVE_PRICES.cost_usd(live) + CORE.cost_usd
    assert it.state().cost_usd == it.used().cost_usd
    turn = it.tables.turns[CONVERSATION][1]
    assert turn.usage == HEARD + ANSWERED + CORE.usage


@in_virtual_time
async def test_both_runs_are_billed_where_a_replayed_turn_asks_in_other_words() -> None:
    it = PaidScene()
    await replay_a_question(it, "book, please")

    live = HEARD + HEARD + ANSWERED
    assert len(it.reasoner.requests) == 2
    assert it.used().cost_usd == LIVE_PRICES.cost_usd(live) + 2 * CORE.cost_usd
    assert it.state().cost_usd == it.used().cost_usd


@in_virtual_time
async def test_an_answer_that_a_dead_worker_had_is_billed_once() -> None:
    it = PaidScene()
    serving = it.serve()
    it.speak()
    await it.call_tool(await it.heard(), "first", "book")
    serving.cancel()
    await asyncio.wait({serving})
    await asyncio.sleep(LEASE_MS / 1000)

    serving = it.serve()
    session = await it.heard()
    await it.call_tool(session, "second", "book")
    await it.answer(session, "book me in", "You are booked.")
    await it.until(lambda: it.frames("turn_end"))
    it.acknowledge_all()
    assert await serving is FinishReason.IDLE

    assert it.metrics.of(Metric.TAKEOVERS) == [0, 1]
    assert len(it.reasoner.requests) == 1
    # The cost of the dead worker's Live session is lost.
    assert it.used().cost_usd == LIVE_PRICES.cost_usd(HEARD + ANSWERED) + CORE.cost_usd
    assert it.state().cost_usd == it.used().cost_usd


@in_virtual_time
async def test_a_question_whose_answer_never_reaches_its_session_is_billed() -> None:
    it = PaidScene()
    it.answers_arrive = False
    serving = it.serve()
    it.speak()
    await it.call_tool(await it.heard(), "first", "book")
    it.send(Bye())
    assert await serving is FinishReason.ENDED

    assert it.state().ended
    assert it.used().cost_usd == LIVE_PRICES.cost_usd(HEARD) + CORE.cost_usd
    assert it.state().cost_usd == it.used().cost_usd
