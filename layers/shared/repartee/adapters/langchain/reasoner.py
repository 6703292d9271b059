"""Reasons with LangChain's agent loop over Gemini."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from google.genai.errors import APIError
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
)
from langchain.agents.middleware.model_call_limit import ModelCallLimitExceededError
from langchain.agents.middleware.types import InputAgentState
from langchain_core.exceptions import ModelError
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from langgraph.errors import GraphRecursionError

from repartee.adapters.langchain.middleware import (
    EmptyReply,
    ModelDeadline,
    ModelFallback,
    PricedModel,
    RefuseEmptyReply,
    ThinkingLevel,
    UsageMeter,
    is_transient,
)
from repartee.domain.cost.usage import Bill
from repartee.domain.text.characters import cleaned, is_visible
from repartee.domain.tools.tool import OUT_OF_REACH, Tool, ToolResult, ToolStatus
from repartee.observability import get_logger
from repartee.ports.answers import ReasoningFailed, ReasoningRequest, ReasoningResult
from repartee.ports.runtime import Clock


@dataclass(frozen=True, slots=True)
class ReasonerLimits:
    """Limits for one question.

    Attributes:
        model_calls: The most calls of the model; one more ends the loop.
        tool_calls: The most calls of tools; further ones are answered with an error.
        retries: Further attempts at a model call after a transient failure.
        retry_delay_s: The wait before the first of them; it doubles each time, with jitter.
    """

    model_calls: int = 8
    tool_calls: int = 12
    retries: int = 1
    retry_delay_s: float = 0.3

    @property
    def recursion(self) -> int:
        """The limit of the graph's steps; LangChain's default of 9,999 would not stop a loop.

        Each round has at most six steps: the model, the tools, and the hooks of two middlewares
        before and after the model; retries and the other model are within the model's step. The
        call limits stop a loop long before.
        """
        return 6 * (self.model_calls + 1)


class LangchainReasoner:
    """A ``Reasoner`` on ``create_agent``.

    Args:
        model: The model that answers; it keeps its HTTP connections for the life of the process.
        clock: Reads the time.
        limits: The limits for one question.
        fallback: The model that is asked when ``model`` fails and another model may succeed.
        thinking: Sets how much the models think; None leaves it to them.
    """

    def __init__(
        self,
        model: PricedModel,
        clock: Clock,
        limits: ReasonerLimits | None = None,
        fallback: PricedModel | None = None,
        thinking: ThinkingLevel | None = None,
    ):
        self._model = model
        self._clock = clock
        self._limits = limits or ReasonerLimits()
        self._fallback = fallback
        self._thinking = thinking

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        """Think, call tools, and answer.

        Raises:
            ReasoningFailed: There is no answer; tools may have run.
        """
        history = read_history(request.history_json)
        models = (model for model in (self._model, self._fallback) if model is not None)
        meter = UsageMeter(self._clock, request.on_step, *models)
        agent = create_agent(
            self._model.chat,
            [self._bind(tool, request.deadline_ms) for tool in tools],
            system_prompt=request.system_text,
            middleware=[*self._middleware(request.deadline_ms), meter],
        )
        asked: list[AnyMessage | dict[str, Any]] = [
            *history,
            HumanMessage(request.question, id=request.question_id),
        ]
        try:
            with _failures():
                state = agent.invoke(
                    InputAgentState(messages=asked),
                    RunnableConfig(recursion_limit=self._limits.recursion),
                )
            known = {message.id for message in history}
            # New messages are found by id, because middleware may reorder or replace messages.
            added = [message for message in state["messages"] if message.id not in known]
            return _result(added, meter.bill)
        except ReasoningFailed as failure:
            failure.bill = meter.bill
            raise

    def _middleware(self, deadline_ms: int) -> list[AgentMiddleware[Any, Any, Any]]:
        limits = self._limits
        other = self._fallback
        # The first is the outermost: the other model is asked after the retries of the first one,
        # and has its own retries. Each attempt passes the deadline again.
        fallback = [] if other is None else [ModelFallback(other.chat, self._clock, deadline_ms)]
        return [
            ModelCallLimitMiddleware(run_limit=limits.model_calls, exit_behavior="error"),
            ToolCallLimitMiddleware(run_limit=limits.tool_calls, exit_behavior="continue"),
            *fallback,
            ModelRetryMiddleware(
                max_retries=limits.retries,
                retry_on=is_transient,
                on_failure="error",
                initial_delay=limits.retry_delay_s,
            ),
            *([] if self._thinking is None else [self._thinking]),
            ModelDeadline(self._clock, deadline_ms, None if other is None else self._model.chat),
            RefuseEmptyReply(),
        ]

    def _bind(self, tool: Tool[Any], deadline_ms: int) -> BaseTool:
        def run(arguments: Mapping[str, object]) -> str:
            if self._clock.now_ms() >= deadline_ms:
                return ToolResult(ToolStatus.FAILED, "Too late: the deadline has passed.").to_json()
            log = get_logger()
            try:
                return tool.call(arguments).to_json()
            except Exception:  # a fault of one tool; the outcomes of the others must not be lost
                log.exception("tool crashed", extra={"tool": tool.name})
                return OUT_OF_REACH.to_json()

        # A plain schema instead of the model class, because the tool itself checks the arguments,
        # and Gemini's function declarations have no additionalProperties.
        schema = tool.arguments.model_json_schema()
        schema.pop("additionalProperties", None)
        return _BoundTool(
            name=tool.name, description=tool.description, args_schema=schema, run_bound=run
        )


class _BoundTool(BaseTool):
    """Passes on all arguments of the model; LangChain's own class reserves some names."""

    run_bound: Callable[[Mapping[str, object]], str]

    def _run(self, /, **arguments: object) -> str:
        return self.run_bound(arguments)


def gemini_model(model: str, api_key: str, base_url: str) -> ChatGoogleGenerativeAI:
    """Return the chat model; ``base_url`` is empty for Google's own servers.

    The client makes one attempt only, because the agent's retries know the deadline.
    """
    return ChatGoogleGenerativeAI(
        model=model, api_key=api_key, base_url=base_url or None, max_retries=1
    )


@contextmanager
def _failures() -> Iterator[None]:
    """Translate the errors of LangChain and Google's client; others are faults of this code."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ReasoningFailed("deadline", retryable=True) from error
    except httpx.TransportError as error:
        raise ReasoningFailed("model_unavailable", retryable=True) from error
    except (ModelCallLimitExceededError, GraphRecursionError) as error:
        raise ReasoningFailed("too_many_steps", retryable=False) from error
    except EmptyReply as error:
        raise ReasoningFailed("no_text", retryable=True) from error
    except (ModelError, APIError, ChatGoogleGenerativeAIError) as error:
        retryable = is_transient(error)
        reason = "model_unavailable" if retryable else "model_refused"
        raise ReasoningFailed(reason, retryable=retryable) from error


def read_history(history_json: Sequence[str]) -> list[AnyMessage]:
    """Return the messages of the exchanges, without exchanges that only a later version can read.

    One exchange that cannot be read must not fail every question of its conversation.
    """
    history: list[AnyMessage] = []
    for messages_json in history_json:
        try:
            history += _messages(messages_json)
        except (ValueError, KeyError, TypeError) as error:
            log = get_logger()
            log.warning("exchange left out of history", extra={"reason": type(error).__name__})
    return history


def _messages(messages_json: str) -> list[AnyMessage]:
    # The declared type is the base class, but only members of AnyMessage are made.
    return cast("list[AnyMessage]", messages_from_dict(json.loads(messages_json)))


def _result(added: Sequence[BaseMessage], bill: Bill) -> ReasoningResult:
    last = added[-1] if added else None
    # Gemini 3 answers in content blocks; ``text`` joins them.
    text = " ".join(cleaned(last.text).split()) if isinstance(last, AIMessage) else ""
    if not is_visible(text):
        raise ReasoningFailed("no_text", retryable=True)
    return ReasoningResult(
        text=text,
        messages_json=cleaned(json.dumps(messages_to_dict(added), ensure_ascii=False)),
        tools_called=tuple(
            message.name or "" for message in added if isinstance(message, ToolMessage)
        ),
        bill=bill,
    )
