"""Runs a program's work until it ends or a signal stops it."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


async def run_until_signal(work: Coroutine[Any, Any, int]) -> int | None:
    """Run ``work``, and cancel it at the first SIGINT or SIGTERM.

    Later signals do not disturb the clean-up of a work that is being cancelled.

    Returns:
        The result of the work; None when a signal stopped it.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    task = asyncio.create_task(work)
    signalled = asyncio.create_task(stopping.wait())
    await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None
