"""Middleware around each call of a model: fallback, thinking level, deadline, bill."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.exceptions import (
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.ports.answers import ReasoningFailed
from repartee.ports.runtime import Clock

MIN_MODEL_CALL_MS = 250
"""With less time than this left, no model call is worth starting."""

MIN_SERVER_DEADLINE_S = 10
"""Gemini refuses a call whose client announces less, with status 400 (livekit/agents#3723)."""

type Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A chat model, and what its tokens cost."""

    chat: BaseChatModel
    prices: Prices


def is_transient(error: Exception) -> bool:
    """Tell whether the same call of the same model may succeed a moment later."""
    if isinstance(error, ModelError):
        return error.is_retryable
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)


class ModelFallback(AgentMiddleware[Any, Any, Any]):
    """Asks another model when the first one fails, after its retries.

    Only where the other one may do better: it is not so when the request itself, or our key, is
    refused. LangChain's own middleware falls back after any exception.
    """

    def __init__(self, other: BaseChatModel, clock: Clock, deadline_ms: int):
        super().__init__()
        self._other = other
        self._clock = clock
        self._deadline_ms = deadline_ms

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call; after a failure that the other model need not share, make it there."""
        try:
            return handler(request)
        except (ModelError, httpx.TransportError) as error:
            has_time = self._deadline_ms - self._clock.now_ms() >= MIN_MODEL_CALL_MS
            if not (has_time and _may_succeed_elsewhere(error)):
                raise
            return handler(request.override(model=self._other))


def _may_succeed_elsewhere(error: Exception) -> bool:
    return is_transient(error) or isinstance(error, httpx.TimeoutException | ModelNotFoundError)


class ThinkingLevel(AgentMiddleware[Any, Any, Any]):
    """Asks for a level of thinking, and does without it where a model refuses it.

    Models before Gemini 3 know no levels, and newer ones do not know all of them. They answer with
    status 400 and name the level. One instance serves a process and remembers such models.

    Args:
        level: ``minimal``, ``low``, ``medium`` or ``high``.
        on_refusal: Called once with the name of each model that refuses the level.
    """

    def __init__(self, level: str, on_refusal: Callable[[str], object]):
        super().__init__()
        self._level = level
        self._on_refusal = on_refusal
        self._refusing: list[BaseChatModel] = []

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call at the level; if the model refuses the level, make it without."""
        if request.model in self._refusing:
            return handler(request)
        settings = {**request.model_settings, "thinking_level": self._level}
        try:
            return handler(request.override(model_settings=settings))
        except ModelInvalidRequestError as error:
            if "thinking" not in str(error).lower():
                raise
        self._refusing.append(request.model)
        self._on_refusal(str(getattr(request.model, "model", "")))
        return handler(request)


class ModelDeadline(AgentMiddleware[Any, Any, Any]):
    """Gives each model call the time that is left, and starts none when too little is.

    The client itself ends a call that takes longer. The server is not asked to end it before
    ``MIN_SERVER_DEADLINE_S``. google-genai announces the client's timeout to the server unless the
    header is there already.

    Args:
        clock: Tells the present.
        deadline_ms: Unix time in ms.
        shares: The model that may take half of the time only, because another one waits to be
            asked if it keeps silent; None when there is no other.
    """

    def __init__(self, clock: Clock, deadline_ms: int, shares: BaseChatModel | None = None):
        super().__init__()
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._shares = shares

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call with the time that is left as the client's timeout.

        Raises:
            ReasoningFailed: There is no time left.
        """
        left_ms = self._deadline_ms - self._clock.now_ms()
        if left_ms < MIN_MODEL_CALL_MS:
            raise ReasoningFailed("deadline", retryable=True)
        if request.model is self._shares:
            left_ms //= 2
        left_s = left_ms / 1000
        server_s = max(MIN_SERVER_DEADLINE_S, math.ceil(left_s))
        settings = {
            **request.model_settings,
            "timeout": left_s,
            "http_options": {"headers": {"X-Server-Timeout": str(server_s)}},
        }
        return handler(request.override(model_settings=settings))


class UsageMeter(AgentMiddleware[Any, Any, Any]):
    """Adds up what each answered model call used; a call that fails reports nothing.

    Attributes:
        bill: The sum so far.
    """

    def __init__(self, *models: PricedModel):
        super().__init__()
        self._models = models
        self.bill = Bill()

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call and add what it used."""
        response = handler(request)
        prices = next(one.prices for one in self._models if one.chat is request.model)
        for message in response.result:
            if isinstance(message, AIMessage) and message.usage_metadata is not None:
                # Input counts cached tokens too, which cost less; output counts thoughts.
                counted = message.usage_metadata
                usage = TokenUsage(
                    text_in=counted["input_tokens"], text_out=counted["output_tokens"]
                )
                self.bill += prices.bill(usage)
        return response
