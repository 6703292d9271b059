"""``QuestionAnswerer`` on fakes, with the session that asks it, and minds that answer."""

from dataclasses import replace
from datetime import date, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from core_agent.tools.catalogue import make_tools
from repartee.application.answers.answer_question import QuestionAnswerer, QuestionResult
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.errors import StoreUnavailable
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import CoreRequest, ToolCallKey, arguments_hash
from repartee.ports.answers import ReasoningFailed
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notes import FakeNotes
from tests.fakes.reasoner import FakeReasoner, Mind
from tests.fakes.tables import FakeTables
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.fakes.tool_stores import fake_tool_stores
from tests.fakes.usage_store import FakeUsageStore
from tests.personas import FRONT_DESK

ZONE = ZoneInfo("Europe/London")


# The day of the fakes' clock, a Friday.
TODAY = date(2026, 11, 20)
AT_THREE = {"date": "2026-11-20", "time": "15:00"}


class AnswerQuestionHarness:
    """An ``QuestionAnswerer`` on fakes, with the session that asks it."""

    def __init__(self, mind: Mind | ReasoningFailed) -> None:
        self.tables = FakeTables()
        self.clock = self.tables.clock
        self.tables.states["s1"] = SessionState(
            session_id="s1", user_id="u1", conversation_id="c1", connection_id="k1", epoch=4
        )
        self.calls = FakeToolCallStore(self.tables)
        self.reasoner = FakeReasoner(mind, self.clock)
        self.metrics = FakeMetrics()
        self.usage = FakeUsageStore(self.tables)
        self.desk = FakeDesk({TODAY: OpeningHours(time(9), time(17))}, ZONE)
        self.waits: list[float] = []

    def wait(self, duration_s: float) -> None:
        self.waits.append(duration_s)
        self.clock.advance(int(duration_s * 1000))

    def request(
        self, question: str = "is there a slot", *, index: int = 1, epoch: int = 4
    ) -> CoreRequest:
        return CoreRequest(
            user_id="u1",
            conversation_id="c1",
            session_id="s1",
            epoch=epoch,
            key=ToolCallKey(3, index),
            arguments_hash=arguments_hash("ask_core_agent", question),
            question=question,
            language="en-US",
            deadline_ms=self.clock.now_ms() + 20_000,
        )

    def ask(self, request: CoreRequest | None = None) -> QuestionResult:
        return self.use_case().answer(request or self.request())

    def use_case(self, **changes: Any) -> QuestionAnswerer:
        whole = QuestionAnswerer(
            calls=self.calls,
            conversations=FakeConversationStore(self.tables),
            notes=FakeNotes(self.tables),
            usage=self.usage,
            metrics=self.metrics,
            reasoner=self.reasoner,
            make_tools=partial(make_tools, fake_tool_stores(self.tables, desk=self.desk)),
            clock=self.clock,
            wait=self.wait,
            persona=FRONT_DESK,
            zone=ZONE,
            memory=MemoryBudget(),
        )
        return replace(whole, **changes)


def say_yes(_request, _call):
    return "Yes."


def book_at_three(_request, call):
    return call("book", **AT_THREE).fields["spoken"]


class FailingStore:
    """A store of which some methods are out of reach."""

    def __init__(self, working: object, *failing: str) -> None:
        self._working = working
        self._failing = failing

    def __getattr__(self, name):
        if name not in self._failing:
            return getattr(self._working, name)

        def fail(*_args, **_kwargs):
            raise StoreUnavailable("throttled")

        return fail
