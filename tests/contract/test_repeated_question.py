"""A question whose run and worker die together, on every store of calls."""

from datetime import date, time
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.tools.core_calls import (
    CoreRequest,
    ToolCallKey,
    ToolCallStatus,
    arguments_hash,
)
from repartee.ports.answers import ReasoningRequest
from tests.contract.scenes import CONVERSATION, LEASE_MS, SESSION, USER, served_session
from tests.contract.stores import Stores
from tests.fakes.desk import FakeDesk
from tests.fakes.metrics import FakeMetrics
from tests.fakes.reasoner import CallTool, FakeReasoner, Mind
from tests.fakes.tool_stores import fake_tool_stores
from tests.personas import FRONT_DESK

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ZONE = ZoneInfo("Europe/London")
# The day of the fakes' clock, a Friday.
TODAY = date(2026, 11, 20)
QUESTION = "book me in at three"


def book_at_three(_request: ReasoningRequest, call: CallTool) -> str:
    return str(call("book", date=f"{TODAY}", time="15:00").fields["spoken"])


def book_and_die(request: ReasoningRequest, call: CallTool) -> str:
    book_at_three(request, call)
    raise KeyboardInterrupt


def test_a_repeated_question_has_time_to_run_and_books_once(stores: Stores) -> None:
    desk = FakeDesk({TODAY: OpeningHours(time(9), time(17))}, ZONE)

    def ask(mind: Mind, epoch: int) -> tuple[ToolCallStatus, FakeReasoner]:
        reasoner = FakeReasoner(mind, stores.clock)
        use_case = QuestionAnswerer(
            calls=stores.calls,
            conversations=stores.reader,
            notes=stores.notes,
            usage=stores.usage,
            metrics=FakeMetrics(),
            reasoner=reasoner,
            make_tools=partial(make_tools, fake_tool_stores(desk=desk, notes=stores.notes)),
            clock=stores.clock,
            wait=lambda wait_s: stores.clock.advance(round(wait_s * 1000)),
            persona=FRONT_DESK,
            zone=ZONE,
            memory=MemoryBudget(),
        )
        request = CoreRequest(
            USER,
            CONVERSATION,
            SESSION,
            epoch,
            ToolCallKey(3, 1),
            arguments_hash("ask_core_agent", QUESTION),
            QUESTION,
            "en-US",
            stores.clock.now_ms() + TOOL_CALL_TIMEOUT_MS,
        )
        return use_case.answer(request).answer.status, reasoner

    served_session(stores)
    with pytest.raises(KeyboardInterrupt):
        ask(book_and_die, 1)
    stores.clock.advance(LEASE_MS)
    now_ms = stores.clock.now_ms()
    lease = stores.sessions.acquire_lease(
        SESSION, owner="successor", now_ms=now_ms, until_ms=now_ms + 60_000
    )
    assert lease is not None
    assert lease.is_takeover

    status, reasoner = ask(book_at_three, lease.state.epoch)

    assert status is ToolCallStatus.DONE
    assert reasoner.requests[0].deadline_ms - stores.clock.now_ms() >= 4_000
    assert "outcome is unknown" in reasoner.requests[0].system_text
    assert len(desk.bookings(USER)) == 1
