"""core_agent with the real LangChain and Google's real client, and a scripted model."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.handler import Deps, handle
from core_agent.tools.catalogue import CATALOGUE, make_tools
from repartee.adapters.aws.core_agent_event import RequestEvent
from repartee.adapters.langchain.middleware import PricedModel
from repartee.adapters.langchain.reasoner import LangchainReasoner, ReasonerLimits, gemini_model
from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.application.answers.summarise_conversation import ConversationSummariser
from repartee.config import PRICE_LIST
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import CoreRequest, ToolCallKey, arguments_hash
from repartee.observability import get_logger
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notes import FakeNotes
from tests.fakes.tables import FakeTables
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.fakes.tool_stores import fake_tool_stores
from tests.fakes.usage_store import FakeUsageStore
from tests.integration.scripted_gemini import (
    ScriptedGemini,
    Step,
    blocked,
    call,
    nothing,
    say,
    serving,
)
from tests.personas import FRONT_DESK

pytestmark = pytest.mark.integration

ZONE = ZoneInfo("Europe/London")
# The day of the fakes' clock, a Friday.
TODAY = date(2026, 11, 20)
OTHER = "gemini-3.5-flash-lite"
LIMITS = ReasonerLimits(model_calls=4, tool_calls=6, retries=1, retry_delay_s=0)
SPOKEN_THREE = "Booked: Friday the 20th of November at 3 p.m."
BOOK_AT_THREE = call("book", date="2026-11-20", time="15:00", reason="check-up")


@dataclass
class CoreAgentUnderTest:
    """The function on fakes of its stores and a scripted model."""

    gemini: ScriptedGemini
    fallback: str = ""
    tables: FakeTables = field(default_factory=FakeTables)
    desk: FakeDesk = field(
        default_factory=lambda: FakeDesk({TODAY: OpeningHours(time(9), time(17))}, ZONE)
    )

    def __post_init__(self) -> None:
        self.tables.states["s1"] = SessionState("s1", "ann", "c1", connection_id="k", epoch=1)
        other = self._model(self.fallback) if self.fallback else None
        self.calls = FakeToolCallStore(self.tables)
        reasoner = LangchainReasoner(
            self._model("gemini-3.8-flash"), self.tables.clock, LIMITS, other
        )
        conversations = FakeConversationStore(self.tables)
        self.deps = Deps(
            QuestionAnswerer(
                calls=self.calls,
                conversations=conversations,
                notes=FakeNotes(self.tables),
                usage=FakeUsageStore(self.tables),
                metrics=FakeMetrics(),
                reasoner=reasoner,
                make_tools=partial(make_tools, fake_tool_stores(self.tables, desk=self.desk)),
                clock=self.tables.clock,
                wait=lambda duration_s: self.tables.clock.advance(int(duration_s * 1000)),
                persona=FRONT_DESK,
                zone=ZONE,
                memory=MemoryBudget(),
            ),
            ConversationSummariser(
                conversations,
                conversations,
                FakeUsageStore(self.tables),
                FakeMetrics(),
                reasoner,
                self.tables.clock,
                MemoryBudget(200),
            ),
            get_logger("core-agent"),
        )

    def _model(self, name: str) -> PricedModel:
        return PricedModel(
            gemini_model(name, "made-up-key", self.gemini.base_url),
            PRICE_LIST.quote(name, date(2026, 11, 22)).prices,
        )

    def ask(self, question: str, *, index: int = 1, within_ms: int = 20_000) -> dict[str, Any]:
        request = CoreRequest(
            user_id="ann",
            conversation_id="c1",
            session_id="s1",
            epoch=1,
            key=ToolCallKey(2, index),
            arguments_hash=arguments_hash("ask_core_agent", question),
            question=question,
            language="en-US",
            deadline_ms=self.tables.clock.now_ms() + within_ms,
        )
        return handle(RequestEvent.of(request).model_dump(mode="json"), self.deps)

    def booked(self, user_id: str = "ann") -> list[Slot]:
        return [booking.slot for booking in self.desk.bookings(user_id)]


@contextmanager
def core_agent(*script: Step, fallback: str = "") -> Iterator[CoreAgentUnderTest]:
    with serving(script) as gemini:
        yield CoreAgentUnderTest(gemini, fallback)


def test_an_appointment_is_booked_from_question_to_answer():
    with core_agent([BOOK_AT_THREE], say("You are booked for 3 p.m.")) as function:
        answer = function.ask("book me in at three today")

        assert (answer["status"], answer["retryable"]) == ("done", False)
        assert answer["answer"] == "You are booked for 3 p.m."
        assert function.booked() == [Slot(TODAY, time(15))]
        (result,) = function.gemini.answers_to_functions()
        assert result["status"] == "done"
        assert result["spoken"] == "Friday the 20th of November at 3 p.m."


def test_the_model_is_told_the_day_and_the_tools_with_their_arguments():
    with core_agent(say("Yes.")) as function:
        function.ask("are you open")

        (request,) = function.gemini.requests
        assert "2026-11-20" in request["systemInstruction"]["parts"][0]["text"]
        declared = {
            one["name"]: one for tool in request["tools"] for one in tool["functionDeclarations"]
        }
        assert set(declared) == {maker.__name__ for maker in CATALOGUE}
        parameters = declared["book"]["parameters"]
        assert parameters["required"] == ["date", "time"]
        assert parameters["properties"]["date"]["description"] == "The date, YYYY-MM-DD."


def test_a_model_that_calls_a_tool_by_a_former_name_learns_the_present_names():
    """The history of a conversation with version 0.1.0 holds such calls."""
    former = call("book_appointment", date="2026-11-20", time="15:00")
    with core_agent([former], [BOOK_AT_THREE], say("You are booked.")) as function:
        answer = function.ask("book me in at three today")

        assert (answer["status"], answer["answer"]) == ("done", "You are booked.")
        assert function.booked() == [Slot(TODAY, time(15))]
        refused = str(function.gemini.requests[1]["contents"][-1])
        assert "book_appointment is not a valid tool" in refused
        assert "book, my_bookings, cancel_booking, move_booking" in refused


def test_each_declared_argument_has_a_type_and_nothing_that_gemini_refuses():
    with core_agent(say("Yes.")) as function:
        function.ask("are you open")

        (request,) = function.gemini.requests
        declared = [one for tool in request["tools"] for one in tool["functionDeclarations"]]
        for one in declared:
            parameters = one.get("parameters", {"properties": {}})
            assert "additionalProperties" not in parameters
            for name, schema in parameters["properties"].items():
                assert schema.get("type"), f"{one['name']}.{name}: {schema}"
                assert not schema.keys() & {"anyOf", "$ref", "additionalProperties"}


def test_a_tool_without_arguments_is_declared_without_parameters():
    with core_agent(say("Yes.")) as function:
        function.ask("are you open")

        (request,) = function.gemini.requests
        declared = [one for tool in request["tools"] for one in tool["functionDeclarations"]]
        bare = {one["name"] for one in declared if "parameters" not in one}
        assert bare == {"my_bookings", "recall_notes"}
        assert all(one["parameters"]["properties"] for one in declared if one["name"] not in bare)


def test_a_repeated_call_key_runs_neither_the_model_nor_a_tool():
    with core_agent([BOOK_AT_THREE], say("You are booked.")) as function:
        first = function.ask("book me in at three today")
        function.desk.cancel("ann", Slot(TODAY, time(15)))

        again = function.ask("book me in at three today")

        assert again == first
        assert function.booked() == []
        assert len(function.gemini.requests) == 2


def test_two_bookings_of_one_question_both_happen():
    at_four = call("book", date="2026-11-20", time="16:00")
    with core_agent([BOOK_AT_THREE, at_four], say("Both are booked.")) as function:
        function.ask("book three and four")

        assert function.booked() == [Slot(TODAY, time(15)), Slot(TODAY, time(16))]


def test_an_endless_loop_ends_with_a_sentence():
    with core_agent([call("my_bookings")]) as function:
        answer = function.ask("what now")

        assert (answer["status"], answer["retryable"]) == ("failed", False)
        assert answer["answer"] == FRONT_DESK.phrases.no_answer
        assert len(function.gemini.requests) == LIMITS.model_calls


def test_too_many_tool_calls_are_refused_and_the_model_goes_on():
    with core_agent(
        [call("my_bookings")] * 5, [call("my_bookings")] * 5, say("Enough.")
    ) as function:
        answer = function.ask("what now")

        assert answer["answer"] == "Enough."
        ran = [result for result in function.gemini.answers_to_functions() if "status" in result]
        assert len(ran) == LIMITS.tool_calls


def test_an_id_among_the_models_arguments_is_refused():
    smuggled = call("book", date="2026-11-20", time="15:00", user_id="ben")
    with core_agent([smuggled], say("I cannot.")) as function:
        function.ask("book it for ben, his user id is ben")

        (result,) = function.gemini.answers_to_functions()
        assert result["status"] == "invalid"
        assert function.booked("ben") == function.booked("ann") == []


@pytest.mark.parametrize("name", ["self", "config", "run_manager", "callbacks", "state", "args"])
def test_no_name_that_a_model_gives_an_argument_gets_past_the_tool(name: str):
    steps = [[call("my_bookings", **{name: "x"})], say("One moment.")]
    with core_agent(*steps) as agent:
        assert agent.ask("when is my appointment")["answer"] == "One moment."

        (answer,) = agent.gemini.answers_to_functions()
        assert answer["status"] == "invalid"
        assert f"{name}: Extra inputs are not permitted" in answer["message"]


def test_a_tool_that_does_not_exist_is_answered_and_the_model_goes_on():
    with core_agent([call("read_all_users")], say("I cannot do that.")) as function:
        answer = function.ask("list all users")

        assert answer["answer"] == "I cannot do that."


def test_earlier_exchanges_include_their_thought_signatures():
    with core_agent([BOOK_AT_THREE], say("Booked."), say("At three.")) as function:
        function.ask("book me in at three", index=1)
        function.ask("when is it", index=2)

        contents = function.gemini.requests[-1]["contents"]
        assert contents[0]["parts"] == [{"text": "book me in at three"}]
        assert contents[1]["parts"][0]["thoughtSignature"] == "c2lnbmVk"
        assert contents[1]["parts"][0]["functionCall"]["name"] == "book"
        assert contents[2]["parts"][0]["functionResponse"]["response"]["status"] == "done"
        assert contents[3]["parts"] == [{"text": "Booked."}]
        assert contents[4]["parts"] == [{"text": "when is it"}]


def test_an_exchange_stores_its_own_messages_only():
    with core_agent([BOOK_AT_THREE], say("Booked."), say("At three.")) as function:
        function.ask("book me in at three", index=1)
        function.ask("when is it", index=2)

        exchanges = function.calls.recent("c1", limit=10)
        stored = [json.loads(exchange.messages_json) for exchange in exchanges]
        assert [[message["type"] for message in messages] for messages in stored] == [
            ["human", "ai", "tool", "ai"],
            ["human", "ai"],
        ]


def test_a_temporary_failure_is_retried_once():
    with core_agent(503, say("Here I am.")) as function:
        assert function.ask("hello")["answer"] == "Here I am."


@pytest.mark.parametrize(
    ("status", "retryable", "attempts"),
    [(503, True, 2), (429, True, 2), (400, False, 1), (403, False, 1), (404, False, 1)],
)
def test_a_model_that_refuses_becomes_a_sentence(status: int, retryable: bool, attempts: int):
    with core_agent(status) as function:
        answer = function.ask("hello")

        assert (answer["status"], answer["retryable"]) == ("failed", retryable)
        # The answer asks for no retry that would not help.
        assert ("try again" in answer["answer"]) is retryable
        assert len(function.gemini.requests) == attempts


@pytest.mark.parametrize(("status", "tries"), [(503, 2), (429, 2), (404, 1)])
def test_the_fallback_model_answers_when_the_first_fails(status: int, tries: int):
    # A temporary failure is retried with the first model before the other model is asked.
    with core_agent(*[status] * tries, say("Here I am."), fallback=OTHER) as function:
        answer = function.ask("hello")

        assert answer["answer"] == "Here I am."
        assert function.gemini.models == ["gemini-3.8-flash"] * tries + [OTHER]


@pytest.mark.parametrize("status", [400, 403])
def test_a_permanent_refusal_is_not_sent_to_the_fallback_model(status: int):
    with core_agent(status, fallback=OTHER) as function:
        answer = function.ask("hello")

        assert (answer["status"], answer["retryable"]) == ("failed", False)
        assert function.gemini.models == ["gemini-3.8-flash"]


def test_the_fallback_model_has_half_of_the_time_when_the_first_is_silent():
    silence = threading.Event()
    with core_agent(silence, say("Here I am."), fallback=OTHER) as function:
        # The other model gets as many seconds as the first had, and answers at once.
        answer = function.ask("hello", within_ms=6_000)
        silence.set()

        assert answer["answer"] == "Here I am."
        assert function.gemini.models == ["gemini-3.8-flash", OTHER]


def test_each_attempt_gets_the_remaining_time_and_the_first_model_half_of_it():
    with core_agent(503, 503, say("Here I am."), fallback=OTHER) as function:
        clock = function.tables.clock
        function.gemini.on_request = lambda: clock.advance(4_000)

        assert function.ask("hello", within_ms=20_300)["answer"] == "Here I am."

        # Half of 20 s; then half of 16 s, which is below Gemini's 10; then all that is left.
        assert function.gemini.server_timeouts_s == [10, 10, 12]


def test_no_other_model_is_asked_after_the_deadline():
    with core_agent(503, fallback=OTHER) as function:
        function.gemini.on_request = lambda: function.tables.clock.advance(30_000)

        assert function.ask("hello")["status"] == "failed"
        assert function.gemini.models == ["gemini-3.8-flash"]


def test_every_answered_model_call_of_a_question_is_billed():
    with core_agent([BOOK_AT_THREE], 503, say("Booked.")) as function:
        answer = function.ask("book me in at three")

        # 9 tokens in and 3 out of each of the two calls that were answered.
        assert (answer["tokens_text_in"], answer["tokens_text_out"]) == (18, 6)
        assert Decimal(answer["cost_usd"]) == (18 * Decimal("0.75") + 6 * Decimal("3.75")) / 10**6


def test_a_call_that_another_model_answers_is_billed_at_that_models_price():
    with core_agent(404, say("Here I am."), fallback=OTHER) as function:
        answer = function.ask("hello")

        assert Decimal(answer["cost_usd"]) == (9 * Decimal("0.30") + 3 * Decimal("2.50")) / 10**6


def test_a_failed_question_is_billed_too():
    with core_agent([call("my_bookings")], 403) as function:
        answer = function.ask("what have I booked")

        assert answer["status"] == "failed"
        assert (answer["tokens_text_in"], answer["tokens_text_out"]) == (9, 3)


def test_a_booking_is_mentioned_and_billed_although_the_model_is_refused_after_it():
    with core_agent([BOOK_AT_THREE], 403) as function:
        answer = function.ask("book me in at three")

        assert (answer["status"], answer["answer"]) == ("done", SPOKEN_THREE)
        assert (answer["tokens_text_in"], answer["tokens_text_out"]) == (9, 3)


def test_an_unreachable_model_becomes_a_sentence():
    with core_agent(say("never said")) as function:
        pass

    answer = function.ask("hello")

    assert (answer["status"], answer["retryable"]) == ("failed", True)


@pytest.mark.parametrize(
    "empty",
    [nothing("STOP"), nothing("MALFORMED_FUNCTION_CALL"), blocked("OTHER"), say(" ")],
    ids=["STOP", "MALFORMED_FUNCTION_CALL", "blocked", "white space"],
)
def test_a_model_that_says_nothing_is_asked_once_more(empty: Step):
    with core_agent(empty, say("Here I am.")) as function:
        assert function.ask("hello")["answer"] == "Here I am."


def test_a_model_that_says_nothing_after_its_tools_is_asked_again_and_no_tool_runs_twice():
    with core_agent([BOOK_AT_THREE], nothing("STOP"), say("Booked.")) as function:
        answer = function.ask("book me in at three")

        assert answer["answer"] == "Booked."
        assert len(function.gemini.answers_to_functions()) == 1
        # The input of the empty reply is billed too.
        assert answer["tokens_text_in"] == 27


def test_the_fallback_model_answers_when_the_first_replies_with_nothing():
    steps = [nothing("MALFORMED_FUNCTION_CALL")] * 2
    with core_agent(*steps, say("Here I am."), fallback=OTHER) as function:
        answer = function.ask("hello")

        assert answer["answer"] == "Here I am."
        assert function.gemini.models == ["gemini-3.8-flash"] * 2 + [OTHER]


def test_the_models_thoughts_are_not_spoken_and_do_not_disturb_the_next_question():
    thinking = [{"text": "The caller greets me.", "thought": True}, *say("Here I am.")]
    with core_agent(thinking, say("Still here.")) as function:
        assert function.ask("hello", index=1)["answer"] == "Here I am."
        assert function.ask("are you there", index=2)["answer"] == "Still here."


def test_a_model_that_says_nothing_becomes_a_sentence():
    with core_agent([{"text": ""}]) as function:
        answer = function.ask("hello")

        assert answer["answer"] == FRONT_DESK.phrases.no_answer
        assert answer["retryable"] is True


def test_a_model_that_keeps_silent_is_given_up_at_the_deadline():
    silence = threading.Event()
    with core_agent(silence) as function:
        answer = function.ask("hello", within_ms=1_000)
        silence.set()

    assert (answer["status"], answer["retryable"]) == ("failed", True)
    assert answer["answer"] == FRONT_DESK.phrases.no_answer
    assert len(function.gemini.requests) == 1


def test_no_tool_runs_after_the_deadline():
    with core_agent([BOOK_AT_THREE], say("never said")) as function:
        # The model takes longer than the deadline.
        function.gemini.on_request = lambda: function.tables.clock.advance(30_000)

        answer = function.ask("book me in")

        assert answer["status"] == "failed"
        assert function.booked() == []
        assert len(function.gemini.requests) == 1
