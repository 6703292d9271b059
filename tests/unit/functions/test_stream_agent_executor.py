"""A worker's threads at its end, with real threads."""

import asyncio
import threading

import pytest

from stream_agent.handler import NonJoiningExecutor

pytestmark = pytest.mark.unit


def test_a_loop_ends_while_a_call_that_it_gave_up_still_runs():
    may_end, has_ended = threading.Event(), threading.Event()

    def call() -> None:
        may_end.wait(30)
        has_ended.set()

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(NonJoiningExecutor(2))
        calling = asyncio.create_task(asyncio.to_thread(call))
        await asyncio.sleep(0)
        calling.cancel()

    asyncio.run(main())

    assert not has_ended.is_set()
    may_end.set()
    assert has_ended.wait(30)
