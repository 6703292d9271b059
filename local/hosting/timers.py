"""Time as something that is passed in, so that tests move it by hand."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol


class Timers(Protocol):
    """The clock and the waits of the local servers."""

    def now_s(self) -> float:
        """Seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed."""


class SystemTimers:
    """The machine's own time."""

    def now_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualTimers:
    """Time that stands still until ``advance`` moves it."""

    def __init__(self, start_s: float = 1_800_000_000.0) -> None:
        self._now_s = start_s
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_s + seconds, woken))
        self._changed.set()
        try:
            await woken
        finally:
            self._sleepers = [entry for entry in self._sleepers if entry[1] is not woken]

    def advance(self, seconds: float) -> None:
        """Move time and wake, in order of their deadlines, the sleepers that are due."""
        self._now_s += seconds
        for deadline_s, woken in sorted(self._sleepers, key=lambda entry: entry[0]):
            if deadline_s <= self._now_s and not woken.done():
                woken.set_result(None)

    def waits_s(self) -> list[float]:
        """Seconds that each sleeper still has to wait, shortest first."""
        return sorted(deadline_s - self._now_s for deadline_s, _ in self._sleepers)

    async def until_sleeping(self, count: int) -> None:
        """Return as soon as at least ``count`` sleepers wait."""
        while len(self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()


async def within[T](timers: Timers, seconds: float, work: Awaitable[T]) -> T:
    """Await ``work`` for at most ``seconds`` of ``timers``.

    Raises:
        TimeoutError: The time is over; ``work`` has been cancelled.
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
