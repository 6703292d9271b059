"""The clock that jumps runs ahead of nothing that happens in real time."""

import asyncio
import threading

import pytest

from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit


def test_a_loop_in_virtual_time_waits_for_no_thread_from_begin_to_end(monkeypatch):
    def refuse(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread.name} would run in real time")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    async def work() -> float:
        await asyncio.sleep(30)
        return await asyncio.to_thread(asyncio.get_running_loop().time)

    assert run_in_virtual_time(work) == 30
