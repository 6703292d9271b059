"""A call whose server answers each input with the next part of a script."""

import asyncio
from typing import Self, cast

from repartee_client import Call
from repartee_client.errors import VoiceClientError
from repartee_client.events import Closed, Event, ToolUsed, TurnEnded

Step = Event | VoiceClientError | float
"""An event, a failure of the call, or a pause in s."""


def ended(turn: int, *, first_audio_ms: int | None = 300) -> TurnEnded:
    return TurnEnded(turn, 100, 50, 0.001, first_audio_ms, 0)


class FakeCall:
    """The methods of ``Call`` that commands use.

    Attributes:
        said: The texts that were sent.
        has_hung_up: Whether the client has hung up.
    """

    def __init__(self, *answers: list[Step], at_the_start: list[Step] | None = None) -> None:
        self.said: list[str] = []
        self.has_hung_up = False
        self.is_waiting_for_answer = False
        self._answers = list(answers)
        self._open_tools = 0
        self._steps: asyncio.Queue[Step] = asyncio.Queue()
        self._is_over = False
        self.play(at_the_start or [])

    @property
    def as_call(self) -> Call:
        return cast("Call", self)

    def play(self, steps: list[Step]) -> None:
        for step in steps:
            self._steps.put_nowait(step)

    def closed(self) -> None:
        """Take the end of the call."""

    def say(self, text: str) -> None:
        self.said.append(text)
        self.answer()

    def answer(self) -> None:
        self.is_waiting_for_answer = True
        self.play(self._answers.pop(0))

    async def hang_up(self, timeout_s: float = 30.0) -> None:
        self.has_hung_up = True
        self.play([Closed("bye")])
        await asyncio.sleep(0)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._is_over:
            raise StopAsyncIteration
        step = await self._steps.get()
        if isinstance(step, float):
            await asyncio.sleep(step)
            return await FakeCall.__anext__(self)
        match step:
            case VoiceClientError():
                raise step
            case Closed():
                self._is_over = True
                self.closed()
            case ToolUsed(phase=phase):
                self._open_tools += 1 if phase == "started" else -1
            case TurnEnded() if not self._open_tools:
                self.is_waiting_for_answer = False
            case _:
                pass
        return step
