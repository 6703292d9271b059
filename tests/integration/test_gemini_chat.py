"""generateContent through the real ChatGoogleGenerativeAI and LangChain's agent loop, over TLS."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool
from langchain_google_genai import ChatGoogleGenerativeAI

from tests.integration.simulator_process import SimulatorProcess, running_simulator

pytestmark = pytest.mark.integration

SYSTEM = "You are a front desk. Today is Sunday 2026-11-22 and the time is 17:00, Europe/London."
WISH = "i'd like to see the doctor on friday at three in the afternoon"
MODEL = "gemini-3.8-flash"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
BOOKED = "Your appointment is booked for Friday the 27th of November at 3 p.m."


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini"), "--decoders", "1") as running:
        yield running


@pytest.fixture
def model(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> ChatGoogleGenerativeAI:
    return make_model(simulator, monkeypatch)


def make_model(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> ChatGoogleGenerativeAI:
    monkeypatch.setenv("SSL_CERT_FILE", simulator.ca_file)
    given = {"api_key": "a-key", "max_retries": 1, **settings}
    return ChatGoogleGenerativeAI(model=MODEL, base_url=simulator.base_url, **given)


def desk(booked: list[tuple[str, str]]) -> list[BaseTool]:
    """Return a desk whose three o'clock is taken if ``booked`` holds it."""

    @tool
    def free_slots(date: str) -> str:
        """List the free slots of a date (YYYY-MM-DD)."""
        return json.dumps({"date": date, "free": ["14:00", "16:00"]})

    @tool
    def book(date: str, time: str, reason: str = "") -> str:
        """Book an appointment on a date (YYYY-MM-DD) at a time (HH:MM)."""
        if (date, time) in booked:
            free = [{"time": "14:00", "spoken": "2 p.m."}, {"time": "16:00", "spoken": "4 p.m."}]
            refusal = {"status": "refused", "message": "That time is taken.", "free": free}
            return json.dumps(refusal)
        booked.append((date, time))
        return json.dumps({"status": "done", "date": date, "time": time})

    return [free_slots, book]


def ask(model: ChatGoogleGenerativeAI, tools: list[BaseTool], *messages: Any) -> list[Any]:
    agent = create_agent(model, tools, system_prompt=SYSTEM)
    return list(agent.invoke({"messages": list(messages)}, {"recursion_limit": 20})["messages"])


def test_the_agent_books_through_its_tool_and_answers_in_one_sentence(model):
    booked: list[tuple[str, str]] = []
    messages = ask(model, desk(booked), HumanMessage(WISH))
    assert booked == [("2026-11-27", "15:00")]
    assert messages[-1].text == BOOKED
    assert [one.name for one in messages if isinstance(one, ToolMessage)] == ["book"]
    assert messages[-1].usage_metadata["input_tokens"] > 0


def test_a_taken_slot_leads_to_an_offer_that_the_next_turn_accepts(model):
    booked = [("2026-11-27", "15:00")]
    messages = ask(model, desk(booked), HumanMessage(WISH))
    assert messages[-1].text == (
        "That time is taken. I can offer 2 p.m. and 4 p.m. Which would you like?"
    )
    messages = ask(model, desk(booked), *messages, HumanMessage("at four please"))
    assert booked[-1] == ("2026-11-27", "16:00")
    assert "4 p.m." in messages[-1].text


def test_missing_arguments_are_asked_for_without_a_call(model):
    messages = ask(model, desk([]), HumanMessage("i would like to book an appointment"))
    assert messages[-1].text == "Which day would you like to come?"
    assert len(messages) == 2


def test_an_answer_can_be_streamed(model):
    chunks = list(model.stream([SystemMessage(SYSTEM), HumanMessage("book an appointment")]))
    assert len([one for one in chunks if one.text]) == 2
    assert "".join(one.text for one in chunks) == "I am sorry, I cannot do that."
    assert sum(bool(one.usage_metadata) for one in chunks) > 0


def test_a_step_without_its_thought_signature_is_refused(simulator):
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": WISH}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
        ]
    }
    assert "thought_signature" in refusal(simulator, body)["message"]


def refusal(simulator: SimulatorProcess, body: Any, headers: Any = (), model: str = MODEL) -> Any:
    """Return the error of a request as Google's client gets it."""
    request = urllib.request.Request(  # noqa: S310
        f"{simulator.base_url}/v1beta/models/{model}:generateContent",
        json.dumps(body).encode(),
        {"x-goog-api-key": "a-key", **dict(headers)},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=simulator.tls)  # noqa: S310
    return json.load(refused.value)["error"]


def test_a_deadline_below_ten_seconds_is_refused_as_google_refuses_it(simulator):
    assert refusal(simulator, HELLO, {"X-Server-Timeout": "8"}) == {
        "code": 400,
        "message": "Manually set deadline 8s is too short. Minimum allowed deadline is 10s.",
        "status": "INVALID_ARGUMENT",
    }


def test_a_model_before_gemini_3_refuses_a_thinking_level(simulator):
    body = {**HELLO, "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
    assert refusal(simulator, body, model="gemini-2.5-flash") == {
        "code": 400,
        "message": "Thinking level is not supported for this model.",
        "status": "INVALID_ARGUMENT",
    }


@pytest.mark.parametrize("change", [{"api_key": "bad-key"}, {"model": "gemini-3.8-live"}])
def test_bad_keys_and_models_are_refused(simulator, monkeypatch, change):
    model = make_model(
        simulator, monkeypatch, **{k: v for k, v in change.items() if k == "api_key"}
    )
    if "model" in change:
        model.model = change["model"]
    with pytest.raises(Exception, match=r"API key not valid|not found"):
        model.invoke("hello")


@pytest.mark.parametrize("status", [429, 503])
def test_a_temporary_error_is_retried_by_the_client(simulator, monkeypatch, status):
    simulator.control("faults", {"kind": "rest_error", "status": status})
    model = make_model(simulator, monkeypatch, max_retries=3)
    answer = model.invoke([SystemMessage(SYSTEM), HumanMessage("hello")])
    assert isinstance(answer, AIMessage)
    assert answer.text
    assert simulator.control("faults")["waiting"] == []
