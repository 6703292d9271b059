"""Functions that run inside the test, behind the gateway's ``Invoker`` port."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from local.lambdas.hosting_types import InvocationResult, ThrottledError

PATIENCE_S = 60.0
"""Time after which a wait fails. Even on a busy machine, what a test waits for comes earlier."""

Handler = Callable[[dict[str, Any]], Any]


class FakeFunctions:
    """Calls Python callables by function name and records their events.

    An exception becomes a function error; ``ThrottledError`` is passed on.
    """

    def __init__(self, **handlers: Handler | Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
        self.handlers = handlers
        self.events: dict[str, list[dict[str, Any]]] = {name: [] for name in handlers}
        self._changed = asyncio.Event()

    async def invoke(self, function: str, payload: bytes) -> InvocationResult:
        event = json.loads(payload)
        self.events.setdefault(function, []).append(event)
        self._changed.set()
        try:
            answer = self.handlers[function](event)
            if inspect.isawaitable(answer):
                answer = await answer
        except ThrottledError:
            raise
        except Exception as error:  # noqa: BLE001 - the runtime reports whatever a handler raises
            body = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return InvocationResult(json.dumps(body).encode(), "Unhandled")
        return InvocationResult(json.dumps(answer).encode())

    async def wait_until_called(self, function: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait until a function has this many events, and return them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.events[function]) < times:
                self._changed.clear()
                await self._changed.wait()
        return self.events[function]


async def until(condition: Callable[[], bool]) -> None:
    """Poll until the condition holds; for changes without a notification."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)
