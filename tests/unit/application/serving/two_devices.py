"""A session on one device, and other devices that take over its conversation."""

import asyncio

from repartee.application.connections.open_connection import ConnectionOpener
from repartee.application.serving.serve_session import SessionServer
from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import LiveAudio, LiveTranscript, LiveTurnComplete, Role, TurnStatus
from repartee.domain.protocol.messages import (
    Acknowledged,
    Hello,
    Message,
    Numbered,
    OutputPosition,
    Text,
)
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.state import ConnectionOpening
from repartee.ports.workers import WakeRequest
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.service import FakeCallSwitch
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    PLENTY_MS,
    REPLY,
    SESSION,
    SETTINGS,
    USER,
    WorkerHarness,
)

SECOND, THIRD = "session-2", "session-3"
LEASE_MS = 5_000

type Worker = asyncio.Task[FinishReason | None]


class TwoDevices(WorkerHarness):
    """A session, and others that take over its conversation."""

    def take_over(self, session: str = SECOND) -> None:
        """Another device opens a session for the conversation and sends hello."""
        now_ms = self.clock.now_ms()
        opening = ConnectionOpening(
            f"line-of-{session}", USER, session, CONVERSATION, f"ticket-of-{session}",
            now_ms + 60_000, now_ms, 3,
        )  # fmt: skip
        ConnectionOpener(
            openings=FakeOpeningStore(self.tables),
            mailbox=self.mailbox,
            sessions=self.sessions,
            channel=FakeClientChannel,
            switch=FakeCallSwitch(),
        ).open(opening)
        self.say(session, 1, Hello())

    def say(self, session: str, seq: int, message: Message) -> None:
        numbered = Numbered(seq, message, f"line-of-{session}", self.clock.now_ms())
        self.mailbox.append(session, numbered)

    async def replace(self, session: str = SECOND) -> "tuple[Worker, FakeLiveSession]":
        """Let another session take over; return its worker and its live session."""
        self.take_over(session)
        return await self.open_other(session)

    async def open_other(self, session: str = SECOND) -> "tuple[Worker, FakeLiveSession]":
        worker = self.serve_other(session)
        return worker, await self.live.opened.get()

    def serve_other(self, session: str = SECOND) -> "Worker":
        wake = WakeRequest(session, USER, CONVERSATION, self.clock.now_ms())
        serving = SessionServer(self.ports, SETTINGS).serve(wake, remaining_ms=lambda: PLENTY_MS)
        return asyncio.create_task(serving)

    async def one_turn_of(self, session: str, live: FakeLiveSession) -> None:
        """Hold one turn in another session, up to its commit."""
        before = len(self.remembered())
        self.say(session, 2, Text("Are you there?"))
        await self.until(lambda: live.sent)
        live.emit(
            LiveAudio(REPLY),
            LiveTranscript(Role.MODEL, "I am here."),
            LiveTurnComplete(TurnStatus.IDLE),
        )
        await self.until(lambda: '"turn_end"' in self.channel.posts[f"line-of-{session}"][-1])
        received = OutputPosition(1, len(self.channel.posts[f"line-of-{session}"]))
        self.mailbox.notify(session, Acknowledged(received, 0, 0), now_ms=self.clock.now_ms())
        await self.until(lambda: len(self.remembered()) > before)

    def remembered(self) -> list[Turn]:
        turns = self.tables.turns.get(CONVERSATION, {})
        return [turns[number] for number in sorted(turns)]

    def has_ended(self, session: str = SESSION) -> bool:
        state = self.sessions.load(session)
        return state is not None and state.ended

    @property
    def frame_types(self) -> list[str]:
        """The types of the frames that the client of the first session got."""
        return [frame["type"] for frame in self.frames()]
