"""Waits for the complete answer to what a user has said."""

import asyncio
from collections.abc import Callable
from typing import Self

from repartee_client.call import Call
from repartee_client.commands.presentation import Show
from repartee_client.errors import NoAnswerError, VoiceClientError
from repartee_client.events import (
    Closed,
    Event,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)

ANSWER_TIMEOUT_S = 60.0
AFTER_TOOL_S = 1.5
"""How long to wait for a further reply after a turn that used a tool.

The turn may end before the tool's result arrives; another turn then speaks the result.
"""

_REASONS = {
    "end_call": "the agent hung up",
    "superseded": "another call of this user has taken over the conversation: try again when it is "
    "over, or use --conversation new",
    "erased": "the user or the conversation was erased",
    "refused": "the model refused the session: its key or a setting is wrong",
    "busy": "the model's quota is used up: try again in a minute",
    "limit_reached": "a daily limit is used up",
    "unavailable": "the model failed several times: try again later",
    "stopped": "the operator has stopped all calls: try again later",
    "session_ended": "the session ended while the line was lost",
}


class CallOverError(VoiceClientError):
    """The call ended without an answer; the message gives the reason in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the call is over: {_REASONS.get(reason, reason)}")


class Listener:
    """Shows the events of a call in its block, and waits for complete answers.

    Args:
        call: The call.
        show: Shows each event.

    Attributes:
        closed_reason: The reason of the session's end; None before it.
        has_replied: Whether the agent has said anything.
    """

    def __init__(self, call: Call, show: Show) -> None:
        self.closed_reason: str | None = None
        self.has_replied = False
        self._call = call
        self._show = show
        self._is_waiting = False
        self._open_turns: set[int] = set()
        self._ended_turns: set[int] = set()
        self._last_tool_turn: int | None = None
        self._is_over = False
        self._failure: Exception | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])

    async def end(self) -> None:
        """Wait for the end of the call."""
        await asyncio.wait([self._listening])
        self._listening.result()

    async def _listen(self) -> None:
        try:
            async for event in self._call:
                self._show(event)
                self._take(event)
                self._changed.set()
        except Exception as error:  # noqa: BLE001 - raised by ``check_open``; showing may fail too
            self._failure = error
        finally:
            self._is_over = True
            self._changed.set()

    def check_open(self) -> None:
        """Raise if the call is over.

        Raises:
            VoiceClientError: The call failed, or one of the two sides has hung up.
        """
        if self._failure is not None:
            raise self._failure
        if self._is_over:
            raise CallOverError(self.closed_reason or "session_ended")

    def check_end(self) -> None:
        """Raise unless one of the two sides has hung up.

        Raises:
            VoiceClientError: The call failed, or the server closed the session.
        """
        if self._failure is not None:
            raise self._failure
        if self.closed_reason not in ("bye", "end_call"):
            raise CallOverError(self.closed_reason or "session_ended")

    def _take(self, event: Event) -> None:
        match event:
            case ReplyAudio(turn=turn) | Transcript(turn=turn, role="model"):
                self.has_replied = True
                self._open_turns |= {turn} - self._ended_turns
                if turn != self._last_tool_turn:
                    self._last_tool_turn = None
            case ToolUsed(turn=turn):
                self._last_tool_turn = turn
            case TurnRestarted(turn=turn):
                self._ended_turns = {other for other in self._ended_turns if other < turn}
                self._open_turns = {other for other in self._open_turns if other < turn} | {turn}
            case TurnEnded(turn=turn) | ReplyLost(turn=turn):
                self._open_turns.discard(turn)
                self._ended_turns.add(turn)
                self.has_replied |= isinstance(event, ReplyLost)
            case Closed(reason=reason):
                self.closed_reason = reason
            case _:
                pass
        self._is_waiting &= self._call.is_waiting_for_answer

    async def greeting(self, timeout_s: float) -> None:
        """Wait until the agent has spoken first.

        Raises:
            NoAnswerError: The agent has not spoken in time.
            VoiceClientError: The call is over.
        """
        await self._until(lambda: bool(self._ended_turns), timeout_s, "complete greeting")

    async def answer(self, timeout_s: float) -> None:
        """Wait until the answer to the input that was sent last is complete.

        Raises:
            NoAnswerError: The answer is not complete in time.
            VoiceClientError: The call is over.
        """
        self._is_waiting = self._call.is_waiting_for_answer
        while True:
            await self._until(lambda: not self._is_open, timeout_s, "complete answer")
            if self._last_tool_turn is None:
                return
            self._last_tool_turn = None
            try:
                await self._until(lambda: self._is_open, AFTER_TOOL_S, "further reply")
            except NoAnswerError:
                return

    @property
    def _is_open(self) -> bool:
        return self._is_waiting or bool(self._open_turns)

    async def _until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self.check_open()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise NoAnswerError(f"no {what} within {timeout_s:g} s") from None
