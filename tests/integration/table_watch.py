"""Observes what the functions of one session write to the tables."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from local.hosting.table_faults import TableRequest
from tests.fakes.functions import PATIENCE_S

_TURN = re.compile(rb'"turn#(\d+)"')


@dataclass(slots=True)
class TableWatch:
    """A ``TableFaults.watcher`` that records writes.

    Attributes:
        ids: Session, conversation and user; a write that names one of them belongs to the session.
        holders: The environments that took the lease, in order.
        remembered: The highest committed turn.
        writes: The writes with their environments, in order.
    """

    ids: tuple[str, ...]
    holders: list[str] = field(default_factory=list)
    remembered: int = 0
    writes: list[tuple[str, str]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def on_table_write_seen(self, request: TableRequest) -> None:
        """Record a write that a table has carried out."""
        if not any(one.encode() in request.body for one in self.ids):
            return
        self.writes.append((request.caller, request.operation))
        if request.takes_lease:
            self.holders.append(request.caller)
        elif request.operation == "TransactWriteItems" and (turn := _TURN.search(request.body)):
            self.remembered = max(self.remembered, int(turn[1]))
        self._changed.set()

    async def until(self, condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Wait until a write has made ``condition`` true."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
