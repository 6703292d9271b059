"""An event loop whose clock jumps to the next timer, so that a 30 s wait takes no time.

Work for threads runs at once, in place, so nothing waits for real time.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.fakes.clock import NOON_MS


class _JumpingSelector(selectors.SelectSelector):
    """Never waits. Advances the clock by the timeout instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("the loop would wait for ever: no timer and no ready callback")
            self.now_s += max(0.0, timeout)
        return ready


class _InPlaceExecutor(ThreadPoolExecutor):
    def submit[T](self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - passed to the code that awaits the future
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
        """Shut the executor down in place. asyncio would use a thread and wait by this clock."""
        self._in_place.shutdown()


class LoopClock:
    """A Clock that shows the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic_ms(self) -> int:
        return round(self._loop.time() * 1000)

    def now_ms(self) -> int:
        return NOON_MS + self.monotonic_ms()


def run_in_virtual_time[T](main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``main`` to its end. Hours of virtual time take moments."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def in_virtual_time[**P, T](test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make a plain test of an asynchronous one: it runs in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_in_virtual_time(lambda: test(*args, **kwargs))

    return run
