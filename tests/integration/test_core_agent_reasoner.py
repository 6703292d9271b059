"""The reasoner on LangChain: its waits between attempts, and the new messages of a question."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware, model_retry
from langchain_core.messages import RemoveMessage

from repartee.adapters.langchain.middleware import PricedModel
from repartee.adapters.langchain.reasoner import LangchainReasoner, ReasonerLimits, gemini_model
from repartee.config import LIVE_PRICES
from repartee.ports.answers import ReasoningRequest
from tests.fakes.clock import NOON_MS, FakeClock
from tests.integration.scripted_gemini import ScriptedGemini, say, serving

pytestmark = pytest.mark.integration


def model(gemini: ScriptedGemini) -> PricedModel:
    return PricedModel(gemini_model("gemini-3.8-flash", "made-up", gemini.base_url), LIVE_PRICES)


def asked(question: str, *history_json: str) -> ReasoningRequest:
    return ReasoningRequest(
        "Be brief.", history_json, question, f"id of {question}", NOON_MS + 9_000
    )


def test_each_further_attempt_waits_longer_than_the_one_before(monkeypatch: pytest.MonkeyPatch):
    waits_s: list[float] = []
    monkeypatch.setattr(model_retry, "time", SimpleNamespace(sleep=waits_s.append))
    limits = ReasonerLimits(retries=3, retry_delay_s=0.4)

    with serving([503, 503, 503, say("Here I am.")]) as gemini:
        reasoner = LangchainReasoner(model(gemini), FakeClock(), limits)
        assert reasoner.answer(asked("hello"), ()).text == "Here I am."

    # The wait doubles each time, with a random change of up to a quarter, so that retries spread.
    assert waits_s == [pytest.approx(wait_s, rel=0.25) for wait_s in (0.4, 0.8, 1.6)]


class DropOldest(AgentMiddleware[Any, Any, Any]):
    """Drops the oldest message, as a summarising middleware does."""

    def before_agent(self, state: Any, runtime: object) -> dict[str, Any]:
        return {"messages": [RemoveMessage(state["messages"][0].id)]}


class Forgetful(LangchainReasoner):
    def _middleware(self, deadline_ms: int) -> list[AgentMiddleware[Any, Any, Any]]:
        return [*super()._middleware(deadline_ms), DropOldest()]


def test_new_messages_are_distinguished_from_the_history_by_their_ids():
    with serving([say("One."), say("Two.")]) as gemini:
        first = LangchainReasoner(model(gemini), FakeClock()).answer(asked("first"), ())
        forgetful = Forgetful(model(gemini), FakeClock())
        second = forgetful.answer(asked("second", first.messages_json), ())

    added = [message["data"] for message in json.loads(second.messages_json)]
    assert [message["type"] for message in added] == ["human", "ai"]
    assert added[0]["content"] == "second"
    assert "Two." in json.dumps(added[1]["content"])
