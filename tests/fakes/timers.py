"""A clock that tests move by hand."""

import asyncio


class ManualTimers:
    """A clock that stands still until ``advance`` moves it."""

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
        """Move the clock and wake the sleepers that are due, in the order of their deadlines."""
        self._now_s += seconds
        for deadline_s, woken in sorted(self._sleepers, key=lambda entry: entry[0]):
            if deadline_s <= self._now_s and not woken.done():
                woken.set_result(None)

    def waits_s(self) -> list[float]:
        """Return the remaining seconds of each sleeper, shortest first."""
        return sorted(deadline_s - self._now_s for deadline_s, _ in self._sleepers)

    async def until_sleeping(self, count: int) -> None:
        """Wait until there are at least ``count`` sleepers."""
        while len(self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()
