"""The clock and the timeouts of the local servers; tests pass a clock that they move by hand."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol


class Timers(Protocol):
    """A clock and a way to wait."""

    def now_s(self) -> float:
        """Return seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed."""


class SystemTimers:
    """The clock of the machine."""

    def now_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def within[T](timers: Timers, seconds: float, work: Awaitable[T]) -> T:
    """Await ``work`` for at most ``seconds`` of ``timers``.

    Raises:
        TimeoutError: The time has passed; ``work`` is cancelled.
    """
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(timers.sleep(seconds))
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        for pending in (task, alarm):
            pending.cancel()
