"""Middleware of LangChain's agent that treats an empty reply of the model as a failure."""

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.exceptions import ModelError
from langchain_core.messages import AIMessage


class EmptyReply(ModelError):
    """The model replied with neither text nor tool calls."""

    is_retryable = True


class RefuseEmptyReply(AgentMiddleware[Any, Any, Any]):
    """Raises ``EmptyReply`` for a reply without text and tool calls.

    Gemini sends such replies at random, also after tools (googleapis/python-genai#2667), and where
    it fails to write a tool call (langchain-ai/langchain-google#1207). The same request is often
    answered when it is sent again.
    """

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Make the call.

        Raises:
            EmptyReply: The reply is empty.
        """
        response = handler(request)
        reply = response.result[-1]
        if isinstance(reply, AIMessage) and not (reply.tool_calls or reply.text.strip()):
            raise EmptyReply(str(reply.response_metadata.get("finish_reason", "")))
        return response
