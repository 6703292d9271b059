"""Middleware around each model call of LangChain's agent: the other model, the time, the bill."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.exceptions import ModelError, ModelNotFoundError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from repartee.domain.usage import Bill, Prices, TokenUsage
from repartee.ports.clock import Clock
from repartee.ports.reasoner import ReasoningFailed

SHORTEST_CALL_MS = 250
"""With less time than this left, no model call is worth starting."""

type Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A chat model, and what its tokens cost."""

    chat: BaseChatModel
    prices: Prices


def may_pass(error: Exception) -> bool:
    """Tell whether the same call of the same model may succeed a moment later."""
    if isinstance(error, ModelError):
        return error.is_retryable
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)


class Fallback(AgentMiddleware[Any, Any, Any]):
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
            has_time = self._deadline_ms - self._clock.now_ms() >= SHORTEST_CALL_MS
            if not (has_time and _may_pass_elsewhere(error)):
                raise
            return handler(request.override(model=self._other))


def _may_pass_elsewhere(error: Exception) -> bool:
    return may_pass(error) or isinstance(error, httpx.TimeoutException | ModelNotFoundError)


class Deadline(AgentMiddleware[Any, Any, Any]):
    """Gives each model call the time that is left, and starts none when too little is.

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
        """Make the call with the time that is left as its timeout.

        Raises:
            ReasoningFailed: There is no time left.
        """
        left_ms = self._deadline_ms - self._clock.now_ms()
        if left_ms < SHORTEST_CALL_MS:
            raise ReasoningFailed("deadline", retryable=True)
        if request.model is self._shares:
            left_ms //= 2
        settings = {**request.model_settings, "timeout": left_ms / 1000}
        return handler(request.override(model_settings=settings))


class Meter(AgentMiddleware[Any, Any, Any]):
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
