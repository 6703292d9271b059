"""Reads a session's progress from the writes that reach the tables."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from local.hosting.table_faults import TableRequest
from tests.chaos.plan.run_plan import FaultMoment

_TURN = re.compile(rb'"turn#(\d+)"')
_TOKEN = re.compile(rb'"ClientRequestToken":\s*"([^"]+)"')
_DAY = re.compile(rb'"day#[0-9-]+"')


def _only_deletes(request: TableRequest) -> bool:
    return request.operation == "BatchWriteItem" and b'"PutRequest"' not in request.body


@dataclass(slots=True)
class TableWatch:
    """Follows the lease and the commits of one session.

    Attributes:
        session_id: The session.
        user: The session's user.
        on_moment: Called at each moment, before the writer gets the answer to its request.
        hands_over: Whether a released lease goes to a successor that is not woken yet.
        remembered: The highest turn that was committed.
        releases: How often the lease was released.
        holder: The worker that holds the lease; "" for none.
        leaving: The worker that released the lease last.
        core: The core agent that changed the tool's data last.
        stale_writes: Writes of workers that had lost the lease to another worker.
        is_over: Whether the session has ended; then the user's other writes are ignored.
        changed: Set when the lease or ``remembered`` changes.
    """

    session_id: str
    user: str
    on_moment: Callable[[FaultMoment], Awaitable[None]]
    hands_over: bool = False
    remembered: int = 0
    releases: int = 0
    holder: str = ""
    leaving: str = ""
    core: str = ""
    stale_writes: list[str] = field(default_factory=list)
    is_over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _replaced: set[str] = field(default_factory=set)
    _tokens: set[bytes] = field(default_factory=set)

    async def on_write(self, request: TableRequest) -> None:
        """Process a write that a table has carried out and not answered yet."""
        if request.takes_lease:
            # The process may serve again, this session or another one, in another invocation.
            self._replaced.discard(request.caller)
        is_ours = self.session_id.encode() in request.body
        if not is_ours and (self.is_over or self.user.encode() not in request.body):
            return
        # Any worker may delete the input of a committed turn. Input that is deleted too early
        # shows as lost words.
        is_harmless = request.takes_lease or self._is_repetition(request) or _only_deletes(request)
        if request.caller in self._replaced and not is_harmless:
            self.stale_writes.append(f"{request.caller}: {request.operation}")
        if request.operation == "UpdateItem":
            await self._update_lease(request)
        elif request.operation == "TransactWriteItems":
            if (turn := _TURN.search(request.body)) is not None:
                self.remembered = max(self.remembered, int(turn[1]))
                self.changed.set()
                await self.on_moment(FaultMoment.COMMIT)
            elif _DAY.search(request.body) is not None:
                self.core = request.caller
                await self.on_moment(FaultMoment.TOOL_EFFECT)

    def _is_repetition(self, request: TableRequest) -> bool:
        """Return whether the transaction's token was seen before, so that it has no effect."""
        token = _TOKEN.search(request.body)
        if token is None:
            return False
        is_known = token[1] in self._tokens
        self._tokens.add(token[1])
        return is_known

    async def _update_lease(self, request: TableRequest) -> None:
        if request.takes_lease:
            if self.holder and self.holder != request.caller:
                self._replaced.add(self.holder)
            self.holder = request.caller
            self.changed.set()
        elif b"REMOVE lease_owner" in request.body:
            if self.hands_over:
                await self.on_moment(FaultMoment.HAND_OVER)
            await self.on_moment(FaultMoment.RELEASE)
            self.leaving, self.holder = self.holder, ""
            self.releases += 1
            self.changed.set()
