import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from core_agent.handler import Deps, handle
from repartee.adapters.aws.core_agent_event import AnswerEvent, RequestEvent, SummaryEvent
from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.application.answers.summarise_conversation import ConversationSummariser
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallKey, ToolCallStatus
from repartee.observability import get_logger
from tests.fakes.clock import FakeClock
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notes import FakeNotes
from tests.fakes.reasoner import FakeReasoner
from tests.fakes.tables import FakeTables
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.fakes.usage_store import FakeUsageStore
from tests.personas import FRONT_DESK

pytestmark = pytest.mark.unit

EVENTS = Path(__file__).resolve().parents[4] / "events"
REQUEST = CoreRequest(
    user_id="u1",
    conversation_id="c1",
    session_id="s1",
    epoch=2,
    key=ToolCallKey(3, 1),
    arguments_hash="ab" * 32,
    question="when are you open",
    language="en-US",
    deadline_ms=1,
)


def _deps(event: RequestEvent, service: str = "core-agent") -> Deps:
    tables = FakeTables(clock=FakeClock(unix_ms=event.deadline_ms - 20_000))
    tables.states[event.session_id] = SessionState(
        event.session_id, event.user_id, event.conversation_id, connection_id="k", epoch=event.epoch
    )
    reasoner = FakeReasoner(lambda request, _call: f"You asked: {request.question}", tables.clock)
    conversations = FakeConversationStore(tables)
    use_case = QuestionAnswerer(
        calls=FakeToolCallStore(tables),
        conversations=conversations,
        notes=FakeNotes(tables),
        usage=FakeUsageStore(tables),
        metrics=FakeMetrics(),
        reasoner=reasoner,
        make_tools=lambda _context: (),
        clock=tables.clock,
        wait=lambda duration_s: tables.clock.advance(int(duration_s * 1000)),
        persona=FRONT_DESK,
        zone=ZoneInfo("Europe/London"),
        memory=MemoryBudget(),
    )
    summarise = ConversationSummariser(
        conversations,
        conversations,
        FakeUsageStore(tables),
        FakeMetrics(),
        reasoner,
        tables.clock,
        MemoryBudget(),
    )
    return Deps(use_case, summarise, get_logger(service))


def test_a_request_survives_the_way_to_core_agent():
    text = RequestEvent.of(REQUEST).model_dump_json()

    assert RequestEvent.model_validate_json(text).request() == REQUEST


def test_a_user_may_have_as_long_an_id_as_openid_connect_allows():
    request = replace(REQUEST, user_id="u" * 255)

    assert RequestEvent.of(request).request() == request


def test_an_answer_survives_the_way_back():
    answer = CoreAnswer(ToolCallStatus.FAILED, "Not now.", retryable=True)

    assert AnswerEvent.model_validate(AnswerEvent.of(answer)).reply() == answer


@pytest.mark.parametrize(
    "path", sorted(EVENTS.glob("core_agent.*.json")), ids=lambda path: path.stem
)
def test_each_example_event_is_answered(path):
    event = json.loads(path.read_text())

    reply = handle(event, _deps(RequestEvent.model_validate(event)))

    assert reply["status"] == "done"
    assert reply["answer"] == f"You asked: {event['question']}"
    assert reply["retryable"] is False


def test_there_are_example_events():
    assert {path.stem for path in EVENTS.glob("core_agent.*.json")} == {
        "core_agent.book",
        "core_agent.opening_hours",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("user_id", ""), ("turn", 0), ("index", 0), ("epoch", -1), ("question", None)],
)
def test_an_event_that_is_no_request_is_refused(field, value):
    event = {**RequestEvent.of(REQUEST).model_dump(), field: value}

    with pytest.raises(ValidationError, match=field):
        handle(event, _deps(RequestEvent.of(REQUEST)))


def test_a_refused_request_does_not_repeat_the_question():
    with pytest.raises(ValidationError) as refused:
        RequestEvent.model_validate({"user_id": "u1", "question": "is my test back"})

    assert "my test" not in str(refused.value)


def test_a_summary_is_written_when_its_event_comes_and_is_never_logged(capsys):
    deps = _deps(RequestEvent.of(REQUEST), service="core-agent-summary-read-by-test")
    store = deps.summariser.summaries
    assert isinstance(store, FakeConversationStore)
    tables = store._tables
    tables.conversations["u1", "c1"] = Conversation("u1", "c1", "", 0, 0, turn_count=3)
    tables.turns["c1"] = {
        number: Turn(number, "s1", 0, 0, heard="secret " * 500) for number in (1, 2, 3)
    }
    event = SummaryEvent.of(SummaryRequest("u1", "c1", "s1")).model_dump()

    assert handle(event, deps) == {}

    header = tables.conversations["u1", "c1"]
    assert header.summary_through == 2
    assert header.summary
    line = json.loads(capsys.readouterr().out)
    assert (line["turns"], line["through"], line["trouble"]) == (2, 2, "")
    assert "secret" not in json.dumps(line)


def test_an_event_of_a_kind_that_only_a_later_version_knows_changes_nothing(capsys):
    deps = _deps(RequestEvent.of(REQUEST), service="core-agent-of-unknown-kind")
    event = {**RequestEvent.of(REQUEST).model_dump(), "kind": "translate"}

    assert handle(event, deps) == {}

    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["kind"]) == ("event of an unknown kind", "translate")


def test_the_log_holds_neither_question_nor_answer(capsys):
    event = RequestEvent.of(REQUEST).model_copy(update={"deadline_ms": 9_000_000_000_000})

    # A logger keeps the standard output of its creation, so this test needs a separate logger.
    handle(event.model_dump(), _deps(event, service="core-agent-read-by-test"))

    line = json.loads(capsys.readouterr().out)
    assert (line["call"], line["status"]) == ("turn#00000003/1", "done")
    assert "when are you open" not in json.dumps(line)
    assert "You asked" not in json.dumps(line)
