"""Tests the chat model of core_agent through the product's adapter."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, Field

from ops.finding import Finding, compared, judged
from ops.smoke.check_context import NEW_USER
from repartee.adapters.clock import SystemClock
from repartee.adapters.langchain.middleware import PricedModel, ThinkingLevel
from repartee.adapters.langchain.reasoner import LangchainReasoner, gemini_model
from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA, PRICE_LIST
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SUMMARY_INSTRUCTION, summary_material
from repartee.domain.tools.core_prompt import core_prompt
from repartee.domain.tools.tool import Tool, ToolResult, ToolStatus
from repartee.ports.answers import Reasoner, ReasoningFailed, ReasoningRequest, ReasoningResult

NO_MODEL = "no-such-model"
_DEADLINE_S = 25
_HURRY_S = 8
_LEVEL = "low"
_QUESTION = "When is the desk open tomorrow?"


class _Arguments(BaseModel):
    date: Annotated[str, Field(description="The date, YYYY-MM-DD.")]


class _MeteredReasoner:
    """A reasoner that reports the cost of its answers."""

    def __init__(self, reasoner: Reasoner, spend: Callable[[Decimal], None]) -> None:
        self._reasoner = reasoner
        self._spend = spend

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        try:
            result = self._reasoner.answer(request, tools)
        except ReasoningFailed as failed:
            self._spend(failed.bill.cost_usd)
            raise
        self._spend(result.bill.cost_usd)
        return result


def findings(
    api_key: str, name: str, base_url: str, spend: Callable[[Decimal], None]
) -> list[Finding]:
    """Ask for opening hours without and with history, use a fallback, and request a summary.

    Args:
        api_key: The Gemini API key.
        name: The model.
        base_url: The API's address; empty for Google's servers.
        spend: Called with the cost of each answer in USD.

    Raises:
        ReasoningFailed: The model gave no answer.
    """
    today = datetime.now(UTC).date()
    with ExitStack() as clients:

        def model_of(one: str) -> PricedModel:
            chat = gemini_model(one, api_key, base_url)
            if chat.client is not None:
                clients.callback(chat.client.close)
            return PricedModel(chat, PRICE_LIST.quote(one, today).prices)

        return _findings(model_of(name), model_of(NO_MODEL), spend)


def _findings(
    model: PricedModel, missing: PricedModel, spend: Callable[[Decimal], None]
) -> list[Finding]:
    clock = SystemClock()
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    refusals: list[str] = []
    thinking = ThinkingLevel(_LEVEL, refusals.append)
    reasoner = _MeteredReasoner(LangchainReasoner(model, clock, thinking=thinking), spend)
    with_fallback = _MeteredReasoner(LangchainReasoner(missing, clock, fallback=model), spend)
    asked: list[str] = []
    first = reasoner.answer(_request(now), [_opening_hours(asked)])
    again = reasoner.answer(_request(now, first), [_opening_hours([])])
    summary = reasoner.answer(
        ReasoningRequest(
            SUMMARY_INSTRUCTION,
            (),
            summary_material("", [Turn(1, "smoke", 0, 0, heard="Hello, my name is Robert.")]),
            "summary",
            clock.now_ms() + _DEADLINE_S * 1000,
        ),
        [],
    )
    return [
        compared("the tool is called with the date", asked[:1], [_tomorrow(now)]),
        judged("the answer contains the tool's result", "9" in first.text, first.text),
        judged(f"it thinks at level {_LEVEL}", not refusals, "refused" if refusals else "taken"),
        judged("its calls are billed", bool(first.bill), f"{first.bill.cost_usd} USD"),
        judged("its messages are accepted as history", bool(again.text), again.text),
        judged(
            f"a call with {_HURRY_S} s left is answered",
            *_outcome(reasoner, now, is_answer=True, within_s=_HURRY_S),
        ),
        judged(
            "an unknown model fails",
            *_outcome(LangchainReasoner(missing, clock), now, is_answer=False),
        ),
        judged(
            "the fallback answers instead of an unknown model",
            *_outcome(with_fallback, now, is_answer=True),
        ),
        judged("a summary keeps names", "Robert" in summary.text, summary.text),
    ]


def _outcome(
    reasoner: Reasoner, now: datetime, *, is_answer: bool, within_s: int = _DEADLINE_S
) -> tuple[bool, str]:
    try:
        text = reasoner.answer(_request(now, within_s=within_s), [_opening_hours([])]).text
    except ReasoningFailed as failed:
        return not is_answer, failed.reason
    return is_answer, text


def _request(
    now: datetime, earlier: ReasoningResult | None = None, within_s: int = _DEADLINE_S
) -> ReasoningRequest:
    persona = load_persona(DEFAULT_PERSONA)
    return ReasoningRequest(
        system_text=core_prompt(persona=persona, now=now, language="en-US", memory=NEW_USER),
        history_json=(earlier.messages_json,) if earlier else (),
        question=_QUESTION,
        question_id="again" if earlier else "first",
        deadline_ms=SystemClock().now_ms() + within_s * 1000,
    )


def _opening_hours(asked: list[str]) -> Tool[Any]:
    def run(arguments: _Arguments) -> ToolResult:
        asked.append(arguments.date)
        spoken = "from 9 a.m. to 5 p.m."
        return ToolResult(
            ToolStatus.DONE,
            f"Open {spoken}",
            {"date": arguments.date, "open": True, "spoken_hours": spoken},
        )

    return Tool(
        name="opening_hours",
        description="Return the opening hours of the desk on one day, or that it is closed.",
        arguments=_Arguments,
        run=run,
        is_read_only=True,
    )


def _tomorrow(now: datetime) -> str:
    return (now.date() + timedelta(days=1)).isoformat()
