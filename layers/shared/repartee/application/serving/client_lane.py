"""The client lane: posts frames to the client in order, and reports the outcome of each."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from repartee.application.serving.lease_keeper import LeaseKeeper
from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.session.effects import ClientEffect, CloseConnection
from repartee.domain.session.events import Event, FramePosted, PostRefused
from repartee.ports.clients import ClientChannel


class ClientLane:
    """Posts frames in order while the lease is held, and drops them afterwards."""

    def __init__(self, lease: LeaseKeeper, channel: ClientChannel, feed: Callable[[Event], None]):
        self._lease = lease
        self._channel = channel
        self._feed = feed
        self._waiting: asyncio.Queue[ClientEffect] = asyncio.Queue()

    def put(self, *effects: ClientEffect) -> None:
        """Queue effects."""
        for effect in effects:
            self._waiting.put_nowait(effect)

    async def wait_until_drained(self) -> None:
        """Wait until all queued effects are done or dropped."""
        await self._waiting.join()

    async def run(self) -> None:
        """Do the queued work until cancelled."""
        while True:
            effect = await self._waiting.get()
            if self._lease.is_held():
                await self._deliver(effect)
            self._waiting.task_done()

    async def _deliver(self, effect: ClientEffect) -> None:
        connection_id = effect.connection_id
        if isinstance(effect, CloseConnection):
            with suppress(StoreUnavailable):
                await asyncio.to_thread(self._channel.close, connection_id)
            return
        seq = effect.frame.seq
        try:
            await asyncio.to_thread(self._channel.post, connection_id, effect.frame)
        except ConnectionGone:
            self._feed(PostRefused(connection_id, seq, is_gone=True))
        except (ClientTooSlow, StoreUnavailable):
            self._feed(PostRefused(connection_id, seq, is_gone=False))
        else:
            self._feed(FramePosted(connection_id, seq))
