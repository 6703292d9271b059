"""An event loop whose clock jumps to the next timer, so that a 30 s wait takes no time.

Work given to threads is done at once, in place: nothing real is ever waited for.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.fakes.clock import NOON_MS


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: lets the time pass that it was asked to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen: no timer and no ready callback")
            self.now_s += max(0.0, timeout)
        return ready


class _InPlaceExecutor(ThreadPoolExecutor):
    def submit[T](self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits the future
            future.set_exception(error)
        return future


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._in_place = _InPlaceExecutor(1)
        self.set_default_executor(self._in_place)

    def time(self) -> float:
        return self._jumping.now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Shut it down in place; asyncio does so in a thread, and waits for that by this clock."""
        self._in_place.shutdown()


class LoopClock:
    """The loop's time as a Clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic_ms(self) -> int:
        return round(self._loop.time() * 1000)

    def now_ms(self) -> int:
        return NOON_MS + self.monotonic_ms()


def run_in_virtual_time[T](main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main`` to its end; hours of it take moments."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
