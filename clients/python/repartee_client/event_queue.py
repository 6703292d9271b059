"""The events of a call that wait for the application."""

import asyncio
from collections import deque

from repartee_client.events import Event, EventsDropped

MAX_UNREAD_EVENTS = 2_000
"""How many events wait for the application before the oldest ones are dropped.

They hold up to 36 MB: more than 12 minutes of audio.
"""


class EventQueue:
    """Keeps events in order, for one task at a time.

    Attributes:
        failure: The error that ended the call; None if there is none.
        is_over: Whether the queue has ended.
    """

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.is_over = False
        self._events: deque[Event] = deque()
        self._dropped_count = 0
        self._is_read = False
        self._changed = asyncio.Event()

    def put(self, event: Event) -> None:
        """Append an event; drop the oldest one if too many wait."""
        self._events.append(event)
        if len(self._events) > MAX_UNREAD_EVENTS:
            self._events.popleft()
            self._dropped_count += 1
        self.wake()

    def end(self, failure: BaseException | None = None) -> None:
        """End the queue; a reader gets the failure after the last event."""
        self.is_over = True
        self.failure = self.failure or failure
        self.wake()

    def wake(self) -> None:
        """Let ``changed`` return."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait for the next event, the end, or a call of ``wake``."""
        self._changed.clear()
        await self._changed.wait()

    async def get(self) -> Event:
        """Return the next event.

        Raises:
            StopAsyncIteration: There is none any more.
            RuntimeError: Another task waits for an event.
            VoiceClientError: The call failed.
        """
        if self._is_read:
            raise RuntimeError("another task iterates over this call: only one at a time may")
        self._is_read = True
        try:
            while True:
                if self._dropped_count:
                    count, self._dropped_count = self._dropped_count, 0
                    return EventsDropped(count)
                if self._events:
                    return self._events.popleft()
                if self.failure is not None:
                    raise self.failure
                if self.is_over:
                    raise StopAsyncIteration
                await self.changed()
        finally:
            self._is_read = False
