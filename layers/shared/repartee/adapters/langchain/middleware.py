"""Middleware around each call of a model: fallback, thinking level, deadline, empty reply, bill."""

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
from repartee.domain.text.characters import is_visible
from repartee.domain.tracing.agent_timing import AgentStep, StepKind
from repartee.ports.answers import ReasoningFailed
from repartee.ports.runtime import Clock

MIN_MODEL_CALL_MS = 250
"""With less time left, no model call is started."""

MIN_SERVER_DEADLINE_S = 10
"""Gemini refuses shorter deadlines with status 400 (livekit/agents#3723)."""

type Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A chat model and its prices."""

    chat: BaseChatModel
    prices: Prices


def is_transient(error: Exception) -> bool:
    """Return whether a retry of the same call may succeed."""
    if isinstance(error, ModelError):
        return error.is_retryable
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)


class ModelFallback(AgentMiddleware[Any, Any, Any]):
    """Asks another model when the first one fails, after its retries.

    It does so only if the other model may succeed. After a refusal of the request or the key it may
    not. LangChain's own middleware falls back after any exception.
    """

    def __init__(self, other: BaseChatModel, clock: Clock, deadline_ms: int):
        super().__init__()
        self._other = other
        self._clock = clock
        self._deadline_ms = deadline_ms

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call; after a failure of this model only, make it with the other one."""
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
    """Requests a level of thinking, except from models that refuse it.

    Models before Gemini 3 know no levels, and newer ones do not know all levels. They answer with
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
    """Gives each model call the remaining time, and starts none if too little is left.

    The client itself ends a call that takes longer. The server is not asked to end it before
    ``MIN_SERVER_DEADLINE_S``. google-genai announces the client's timeout to the server unless the
    header is there already.

    Args:
        clock: Reads the time.
        deadline_ms: Unix time in ms.
        shares: The model that may use only half of the time, because the fallback model needs the
            other half; None without a fallback model.
    """

    def __init__(self, clock: Clock, deadline_ms: int, shares: BaseChatModel | None = None):
        super().__init__()
        self._clock = clock
        self._deadline_ms = deadline_ms
        self._shares = shares

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call with the remaining time as the client's timeout.

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


class EmptyReply(ModelError):
    """The model replied with neither text nor tool calls."""

    is_retryable = True


class RefuseEmptyReply(AgentMiddleware[Any, Any, Any]):
    """Raises ``EmptyReply`` for a reply without text and tool calls.

    Gemini sends such replies at random, also after tools (googleapis/python-genai#2667), and where
    it fails to write a tool call (langchain-ai/langchain-google#1207). The same request is often
    answered when it is sent again.
    """

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call.

        Raises:
            EmptyReply: The reply is empty.
        """
        response = handler(request)
        reply = response.result[-1]
        if isinstance(reply, AIMessage) and not (reply.tool_calls or is_visible(reply.text)):
            raise EmptyReply(str(reply.response_metadata.get("finish_reason", "")))
        return response


class UsageMeter(AgentMiddleware[Any, Any, Any]):
    """Adds up the usage of answered model calls, and times all; a failed call reports no usage.

    Args:
        clock: Reads the time.
        on_step: Called after each call.
        models: The models that are called.

    Attributes:
        bill: The sum so far.
    """

    def __init__(self, clock: Clock, on_step: Callable[[AgentStep], object], *models: PricedModel):
        super().__init__()
        self._clock = clock
        self._on_step = on_step
        self._models = models
        self.bill = Bill()

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """Make the call and add its usage."""
        started_ms, before, error_type = self._clock.now_ms(), self.bill.usage, ""
        try:
            return self._counted(request, handler)
        except Exception as error:
            error_type = type(error).__name__
            raise
        finally:
            usage = self.bill.usage
            self._on_step(
                AgentStep(
                    StepKind.MODEL,
                    str(getattr(request.model, "model", "")).removeprefix("models/"),
                    started_ms,
                    self._clock.now_ms(),
                    usage.tokens_in - before.tokens_in,
                    usage.tokens_out - before.tokens_out,
                    error_type,
                )
            )

    def _counted(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        response = handler(request)
        prices = next(one.prices for one in self._models if one.chat is request.model)
        for message in response.result:
            if isinstance(message, AIMessage) and message.usage_metadata is not None:
                # Input includes cached tokens, which cost less. Output includes thoughts.
                counted = message.usage_metadata
                usage = TokenUsage(
                    text_in=counted["input_tokens"], text_out=counted["output_tokens"]
                )
                self.bill += prices.bill(usage)
        return response
