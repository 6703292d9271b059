"""A call of a test with all its evidence: the client's line, the tables, Gemini's side."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from local.calls.opening import open_reconnecting_voice_call
from local.calls.utterances import Pace, say
from local.calls.voice_call import VoiceCall
from local.demo.front_desk import FrontDesk
from local.demo.recorded_script import Utterance
from local.hosting.table_faults import TableFaultProxy
from local.stack import Stack
from repartee_client.access import HttpApiClient, SessionTicket, get_token
from repartee_client.recordings import read_wav
from repartee_client.transport import now_ms
from tests.chaos.judgement.evidence import (
    Evidence,
    SaidUtterance,
    TableRecord,
    read_live,
    read_tables,
)
from tests.chaos.user.client_record import ClientRecord
from tests.chaos.user.planned_conversation import REMEMBERED_TIMEOUT_S
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import new_user
from tests.integration.table_watch import TableWatch


@dataclass(slots=True)
class WitnessedSession:
    """A call by a new user.

    Attributes:
        stack: The stack that serves it.
        ticket: The ticket with the session's ids.
        watch: Leases, commits and writes since the start of the call.
        record: The messages on the client's line.
        said: The utterances so far.
        lines_broken: The number of its connections that the test broke.
    """

    stack: Stack
    user: str
    ticket: SessionTicket
    call: VoiceCall
    watch: TableWatch
    record: ClientRecord
    said: list[SaidUtterance] = field(default_factory=list)
    lines_broken: int = 0
    _old_connections: frozenset[str] = frozenset()

    async def exchange(self, utterance: Utterance) -> None:
        """Say something, hear the whole answer, and let it be remembered before speaking on.

        A worker that died meanwhile has a successor, which remembers, once there is more to hear.
        """
        assert utterance.spoken is not None
        recording = read_wav(utterance.wav)
        await say(self.call, recording, pace=Pace.FAST)
        pcm = recording.pcm.strip(b"\0")
        self.said.append(SaidUtterance(utterance.spoken, pcm, is_accepted=True))
        last = max(self.call.replies.turns)
        with contextlib.suppress(TimeoutError):
            await self.watch.until(lambda: self.watch.remembered >= last, REMEMBERED_TIMEOUT_S)

    async def hang_up(self) -> None:
        """End the session."""
        await self.call.hang_up()

    async def evidence(self, *, stale_writes: Sequence[str] = ()) -> Evidence:
        """Return the records of client, Gemini's side and tables after the end of the session."""
        tables = await asyncio.to_thread(self._ended_tables)
        assert self.stack.simulator is not None
        closed = self.call.session.closed
        folders = sorted(self.stack.simulator.record_directory.iterdir())
        return Evidence(
            failure="",
            ends=[("bye", closed.reason if closed else "")],
            utterances=self.said,
            client_turns=[turn for _, turn in sorted(self.call.replies.turns.items())],
            barged_in=self.record.barged_in(),
            cut_off=frozenset(),
            turned_away=frozenset(),
            out_of_turn=self.record.out_of_turn,
            lines_lost=self.record.losses,
            lines_broken=self.lines_broken,
            stale_frames_accepted=self.record.stale_frames_accepted,
            stale_writes=stale_writes,
            live=[read_live(one) for one in folders if one.name not in self._old_connections],
            tables=tables,
            bookings=await FrontDesk(self.stack).bookings(self.user),
            leases=(),
        )

    def _ended_tables(self) -> TableRecord:
        """Wait for the tables, because the client learns of the end before they do."""
        client = self.stack.dynamodb()
        give_up_at_ms = now_ms() + PATIENCE_S * 1_000
        while True:
            tables = read_tables(
                client,
                self.stack.table_names,
                user=self.user,
                conversation_id=self.ticket.conversation_id,
                session_ids=[self.ticket.session_id],
            )
            if tables.is_over or now_ms() > give_up_at_ms:
                return tables
            time.sleep(0.05)


@contextlib.asynccontextmanager
async def open_witnessed_session(
    stack: Stack, tables: TableFaultProxy, name: str
) -> AsyncIterator[WitnessedSession]:
    """Start a call; ``tables`` are those that the stack was started with."""
    assert stack.simulator is not None
    folder = stack.simulator.record_directory
    old = frozenset(one.name for one in folder.iterdir()) if folder.is_dir() else frozenset()
    user, record = new_user(name), ClientRecord()
    api = HttpApiClient(stack.addresses.http, await get_token(stack.addresses.issuer, user))
    ticket = await api.start_session()
    watch = TableWatch((ticket.session_id, ticket.conversation_id, user))
    tables.watcher = watch.on_table_write_seen
    async with open_reconnecting_voice_call(api, ticket, observer=record) as call:
        yield WitnessedSession(stack, user, ticket, call, watch, record, _old_connections=old)
