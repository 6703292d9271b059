"""The table lane: writes and reads for a session and renews its lease, one after another."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from repartee.application.serving.lease_keeper import RENEW_EVERY_MS, LeaseKeeper
from repartee.application.serving.session_ports import SessionPorts
from repartee.application.serving.session_usage import read_usage
from repartee.application.serving.session_writes import SessionWrites
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.errors import ConversationTaken, LeaseLost, StoreUnavailable, UserErased
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.effects import (
    AskForSummary,
    CommitTurn,
    ReadSummary,
    ReadUsage,
    TableEffect,
    TableLookup,
    TableWrite,
)
from repartee.domain.session.events import (
    ConversationLost,
    Event,
    LeaseWasLost,
    SummaryRead,
    TurnCommitted,
    UsageRead,
)
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.state import SessionState

STORE_RETRY_MS = 200

# A client may have 200 messages in the mailbox beyond the input that the state records as taken.
# Writing that position early keeps a fast client from waiting for the next renewal.
SAVE_POSITION_EVERY_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class SaveInputPosition:
    """Write the position of the input now, with a renewal of the lease."""


type TableCommand = TableEffect | SaveInputPosition


class TableLane:
    """Does table work in order, and keeps renewals and commits from overtaking each other.

    Args:
        machine: The machine, whose cursor is written with each renewal.
        state: The session's state at the start of the lease.
        lease: Renews the lease.
        ports: The tables.
        grace_ms: How long a session waits for a client that has gone.
        feed: Passes an event to the machine.
    """

    def __init__(
        self,
        machine: SessionMachine,
        state: SessionState,
        lease: LeaseKeeper,
        ports: SessionPorts,
        grace_ms: int,
        feed: Callable[[Event], None],
    ):
        self._machine = machine
        self._state = state
        self._lease = lease
        self._ports = ports
        self._feed = feed
        self._writes = SessionWrites(state, ports, grace_ms)
        self._waiting: asyncio.Queue[tuple[TableCommand, InputTaken | None]] = asyncio.Queue()
        self._is_writing = False
        self._safe_cursor = state.cursor
        self._saved_through = machine.taken_through

    @property
    def cursor(self) -> int:
        """Return the last input message that no later worker needs; its effects are written.

        A cursor after a ``hello`` whose connection is not written yet would hide that connection.
        """
        is_all_written = self._waiting.empty() and not self._is_writing
        return self._machine.cursor if is_all_written else self._safe_cursor

    @property
    def taken(self) -> InputTaken:
        """Return the input that is taken so far, to be written with ``cursor``."""
        return self._machine.input_taken_at(self.cursor)

    def put(self, *commands: TableCommand) -> None:
        """Queue commands."""
        for command in commands:
            taken: InputTaken | None = None
            if isinstance(command, CommitTurn):
                taken = self._machine.input_taken_at(command.cursor)
            self._waiting.put_nowait((command, taken))

    def save_input_position(self) -> None:
        """Queue a write of the input's position if it is far ahead of the stored one."""
        through = self._machine.taken_through
        if through >= self._saved_through + SAVE_POSITION_EVERY_MESSAGES:
            self._saved_through = through
            self.put(SaveInputPosition())

    async def wait_until_drained(self) -> None:
        """Wait until all queued commands are done, or dropped because the lease is lost."""
        await self._waiting.join()

    async def run(self) -> None:
        """Do the queued work, and renew the lease when that is due, until cancelled."""
        loop = asyncio.get_running_loop()
        renew_at_s = loop.time() + RENEW_EVERY_MS / 1000
        while True:
            effect: TableCommand | None = None
            taken: InputTaken | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(renew_at_s):
                    effect, taken = await self._waiting.get()
            if isinstance(effect, AskForSummary | ReadSummary | ReadUsage):
                read = await asyncio.to_thread(self._look_up, effect)
                if read is not None:
                    self._feed(read)
                self._waiting.task_done()
            elif isinstance(effect, SaveInputPosition):
                await self._renew()
                self._waiting.task_done()
            elif effect is not None:
                self._is_writing = True
                await self._write_until_done(effect, taken)
                self._is_writing = False
                self._waiting.task_done()
            self._safe_cursor = self.cursor
            if loop.time() >= renew_at_s:
                renew_at_s = loop.time() + RENEW_EVERY_MS / 1000
                await self._renew()

    def _look_up(self, effect: TableLookup) -> SummaryRead | UsageRead | None:
        if isinstance(effect, ReadUsage):
            return read_usage(self._ports, self._state.user_id)
        return request_or_read_summary(effect, self._ports, self._state)

    async def _write_until_done(self, effect: TableWrite, taken: InputTaken | None) -> None:
        while self._lease.is_held():
            try:
                await asyncio.to_thread(self._writes.write, effect, taken)
            except StoreUnavailable:
                self._ports.log.warning(
                    "write delayed", extra={"session_id": self._state.session_id}
                )
                await asyncio.sleep(STORE_RETRY_MS / 1000)
                await self._renew()
                continue
            except LeaseLost:
                self._feed(LeaseWasLost())
            except ConversationTaken:
                self._ports.log.warning(
                    "turn not remembered", extra={"session_id": self._state.session_id}
                )
                self._feed(ConversationLost(is_erased=False))
            except UserErased:
                self._feed(ConversationLost(is_erased=True))
            else:
                if isinstance(effect, CommitTurn):
                    self._safe_cursor = effect.cursor
                    self._feed(TurnCommitted())
            return

    async def _renew(self) -> None:
        try:
            taken = self.taken
            await asyncio.to_thread(self._lease.renew, self.cursor, taken)
            self._saved_through = max(self._saved_through, taken.through)
        except LeaseLost:
            self._feed(LeaseWasLost())
        except StoreUnavailable:
            self._ports.log.warning(
                "lease not renewed", extra={"session_id": self._state.session_id}
            )


def request_or_read_summary(
    effect: AskForSummary | ReadSummary, ports: SessionPorts, state: SessionState
) -> SummaryRead | None:
    """Request a summary or read it, with one attempt, because the next turn does it again.

    Returns:
        The summary; None for a request, or if the table did not answer.
    """
    user_id, conversation_id = state.user_id, state.conversation_id
    try:
        if isinstance(effect, AskForSummary):
            ports.summaries.ask(SummaryRequest(user_id, conversation_id, state.session_id))
            return None
        header = ports.reader.load_header(user_id, conversation_id)
    except StoreUnavailable:
        ports.log.warning("summary left for later", extra={"session_id": state.session_id})
        return None
    return None if header is None else SummaryRead(header.summary, header.summary_through)
