"""The events of a call, for readers that are slow, many, or cancelled."""

import asyncio

import pytest

from repartee_client.errors import ConnectionLostError
from repartee_client.event_queue import MAX_UNREAD_EVENTS, EventQueue
from repartee_client.events import EventsDropped, Interrupted
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_slow_reader_loses_the_oldest_events_and_hears_of_it():
    queue = EventQueue()
    for turn in range(MAX_UNREAD_EVENTS + 5):
        queue.put(Interrupted(turn))

    assert await queue.get() == EventsDropped(5)
    assert await queue.get() == Interrupted(5)


@in_virtual_time
async def test_two_readers_at_once_are_refused():
    queue = EventQueue()
    first = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="only one at a time may"):
        await queue.get()
    queue.put(Interrupted(1))
    assert await first == Interrupted(1)


@in_virtual_time
async def test_a_cancelled_reader_takes_no_event():
    queue = EventQueue()
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    queue.put(Interrupted(1))
    assert await queue.get() == Interrupted(1)


@in_virtual_time
async def test_a_failure_comes_after_the_last_event_and_again():
    queue = EventQueue()
    queue.put(Interrupted(1))
    queue.end(ConnectionLostError("gone"))
    queue.end()

    assert await queue.get() == Interrupted(1)
    for _ in range(2):
        with pytest.raises(ConnectionLostError, match="gone"):
            await queue.get()
