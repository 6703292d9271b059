"""Another device takes the conversation over while the first one's session has something to do."""

import asyncio
import json
from dataclasses import replace

import pytest

from repartee.application.connections.open_connection import ConnectionOpener
from repartee.application.serving.serve_session import SessionServer
from repartee.domain.conversation.conversation import SkippedInput, Turn
from repartee.domain.errors import StoreUnavailable
from repartee.domain.live.model import (
    HistoryEntry,
    LiveAudio,
    LiveTranscript,
    LiveTurnComplete,
    Role,
    TurnStatus,
)
from repartee.domain.live.prompt import UNANSWERED, UNHEARD
from repartee.domain.protocol.messages import (
    Acknowledged,
    Hello,
    Message,
    Numbered,
    OutputPosition,
    Text,
)
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.state import ConnectionOpening, PendingCall
from repartee.domain.tools.core_calls import ToolCallKey, arguments_hash
from repartee.ports.workers import WakeRequest
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.opening_store import FakeOpeningStore
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    PLENTY_MS,
    REPLY,
    SESSION,
    SETTINGS,
    USER,
    WorkerHarness,
)
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit

SECOND, THIRD = "session-2", "session-3"
LEASE_MS = 5_000


class TwoDevices(WorkerHarness):
    """A session, and others that take its conversation over."""

    def take_over(self, session: str = SECOND) -> None:
        """Another device opens a session of its own, and says hello."""
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
        ).open(opening)
        self.say(session, 1, Hello())

    def say(self, session: str, seq: int, message: Message) -> None:
        numbered = Numbered(seq, message, f"line-of-{session}", self.clock.now_ms())
        self.mailbox.append(session, numbered)

    def serve_other(self, session: str = SECOND) -> "asyncio.Task[FinishReason | None]":
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
    def told(self) -> list[str]:
        """What the client of the first session was told, by type."""
        return [frame["type"] for frame in self.frames()]


def test_a_turn_that_is_being_answered_when_another_device_takes_over_is_remembered_as_heard():
    async def main():
        scene = TwoDevices()
        old = scene.serve()
        live = await scene.one_utterance()
        live.emit(
            LiveTranscript(Role.USER, "what did I book", final=True),
            LiveAudio(b"\0\2" * 24_000),
            LiveTranscript(Role.MODEL, "You booked nine."),
        )
        await scene.until(lambda: scene.frames("audio"))
        last = scene.frames()[-1]
        half = Acknowledged(OutputPosition(last["epoch"], last["seq"]), 1, 500)
        scene.mailbox.notify(SESSION, half, now_ms=scene.clock.now_ms())
        await asyncio.sleep(1)

        scene.take_over()
        new = scene.serve_other()
        second = await scene.live.opened.get()

        [turn] = scene.remembered()
        assert (turn.number, turn.session_id, turn.heard) == (1, SESSION, "what did I book")
        assert (turn.said, turn.said_is_approximate) == ("You", True)
        assert second.config.history == (
            HistoryEntry(Role.USER, "what did I book"),
            HistoryEntry(Role.MODEL, "You"),
        )
        assert scene.told[-3:] == ["interrupted", "turn_end", "closed"]
        assert await old is FinishReason.ENDED
        await scene.one_turn_of(SECOND, second)
        assert [(one.number, one.session_id) for one in scene.remembered()] == [
            (1, SESSION),
            (2, SECOND),
        ]
        await new

    run_in_virtual_time(main)


def test_a_turn_that_was_answered_and_not_remembered_yet_is_remembered_whole():
    async def main():
        scene = TwoDevices()
        scene.serve()
        live = await scene.one_utterance()
        await scene.answer(live, "what did I book", "You booked nine.")
        await scene.until(lambda: scene.frames("turn_end"))
        assert not scene.remembered()

        scene.take_over()
        new = scene.serve_other()
        await scene.live.opened.get()

        [turn] = scene.remembered()
        assert (turn.said, turn.said_is_approximate) == ("You booked nine.", False)
        await new

    run_in_virtual_time(main)


def test_the_new_session_is_not_kept_waiting_by_one_that_can_be_ended_at_once():
    async def main():
        scene = TwoDevices()
        scene.serve()
        await scene.one_utterance()
        scene.take_over()
        began_ms = scene.clock.monotonic_ms()
        new = scene.serve_other()
        await scene.live.opened.get()
        assert scene.clock.monotonic_ms() - began_ms < 500
        await new

    run_in_virtual_time(main)


def test_speech_that_no_model_has_heard_is_recorded_as_skipped():
    async def main():
        scene = TwoDevices()
        scene.live.may_open.clear()
        scene.serve()
        scene.speak()
        await scene.until(lambda: scene.frames("accepted"))

        scene.take_over()
        new = scene.serve_other()
        await scene.until(scene.has_ended)
        scene.live.may_open.set()
        second = await scene.live.opened.get()

        [turn] = scene.remembered()
        assert (turn.heard, turn.said, turn.skipped) == ("", "", (SkippedInput(3, 4),))
        assert scene.frames("turn_end")[0]["skipped_messages"] == 2
        assert [one.text for one in second.config.history] == [UNHEARD, UNANSWERED]
        await scene.one_turn_of(SECOND, second)
        await new

    run_in_virtual_time(main)


def test_input_that_a_dead_worker_had_accepted_is_recorded_before_the_new_session_begins():
    async def main():
        scene = TwoDevices()
        old = scene.serve()
        await scene.one_utterance()
        await scene.until(lambda: scene.frames("accepted"))
        old.cancel()
        died_ms = scene.clock.monotonic_ms()

        scene.take_over()
        new = scene.serve_other()
        second = await scene.live.opened.get()

        assert scene.clock.monotonic_ms() - died_ms < LEASE_MS + 500
        [turn] = scene.remembered()
        assert (turn.session_id, turn.skipped) == (SESSION, (SkippedInput(3, 4),))
        assert scene.told[-1] == "closed"
        assert scene.has_ended()
        await scene.one_turn_of(SECOND, second)
        assert await new is FinishReason.IDLE

    run_in_virtual_time(main)


def test_unheard_words_of_more_than_one_read_are_recorded():
    async def main():
        scene = TwoDevices()
        texts = [f"word {number}." for number in range(450)]
        scene.send(*(Text(text) for text in texts))
        scene.take_over()
        new = scene.serve_other()
        await scene.live.opened.get()

        [turn] = scene.remembered()
        assert turn.heard == " ".join(texts)
        await new

    run_in_virtual_time(main)


def test_input_accepted_after_a_skipped_gap_is_recorded_too():
    async def main():
        scene = TwoDevices()
        scene.send(Text("One."))
        scene._seq += 1
        scene.send(Text("Two."))
        scene.take_over()
        new = scene.serve_other()
        await scene.live.opened.get()

        [turn] = scene.remembered()
        assert turn.heard == "One. Two."
        await new

    run_in_virtual_time(main)


def test_a_session_without_a_worker_is_ended_and_its_client_is_informed():
    async def main():
        scene = TwoDevices()
        assert await scene.serve() is FinishReason.IDLE
        await scene.live.opened.get()
        scene.take_over()
        new = scene.serve_other()
        await scene.live.opened.get()

        assert scene.has_ended()
        assert scene.told[-1] == "closed"
        assert scene.remembered() == []
        await new

    run_in_virtual_time(main)


def test_each_of_several_sessions_records_its_words_in_order():
    async def main():
        scene = TwoDevices()
        scene.send(Text("First."))
        scene.take_over(SECOND)
        scene.say(SECOND, 2, Text("Second."))
        scene.take_over(THIRD)
        new = scene.serve_other(THIRD)
        third = await scene.live.opened.get()

        assert [(one.number, one.session_id, one.heard) for one in scene.remembered()] == [
            (1, SESSION, "First."),
            (2, SECOND, "Second."),
        ]
        await scene.one_turn_of(THIRD, third)
        await new

    run_in_virtual_time(main)


def test_a_session_without_a_notice_is_ended_by_the_one_that_took_over(monkeypatch):
    async def main():
        scene = TwoDevices()
        scene.serve()
        live = await scene.one_utterance()
        live.emit(LiveTranscript(Role.USER, "what did I book", final=True))
        await scene.until(lambda: scene.frames("transcript"))
        notify = scene.mailbox.notify

        def unavailable(*_args: object, **_kwargs: object) -> str:
            raise StoreUnavailable("down")

        monkeypatch.setattr(scene.mailbox, "notify", unavailable)
        scene.take_over()
        monkeypatch.setattr(scene.mailbox, "notify", notify)
        new = scene.serve_other()
        await scene.live.opened.get()

        assert [turn.heard for turn in scene.remembered()] == ["what did I book"]
        await new

    run_in_virtual_time(main)


def test_a_session_that_cannot_be_ended_holds_up_the_next_one_for_a_while_only():
    async def main():
        scene = TwoDevices()
        # A worker that heeds nothing.
        until_ms = scene.clock.now_ms() + 60_000
        held = replace(scene.state(), owner="deaf", epoch=9, lease_until_ms=until_ms)
        scene.tables.states[SESSION] = held
        scene.take_over()
        began_ms = scene.clock.monotonic_ms()
        new = scene.serve_other()
        second = await scene.live.opened.get()

        assert 5_000 < scene.clock.monotonic_ms() - began_ms < 15_000
        state = scene.sessions.load(SECOND)
        assert state is not None
        assert state.epoch == 1
        await scene.one_turn_of(SECOND, second)
        assert scene.log.warned == ["earlier session not ended"]
        await new

    run_in_virtual_time(main)


def test_a_fault_in_an_earlier_session_does_not_become_one_of_the_next(monkeypatch):
    async def main():
        scene = TwoDevices()
        scene.send(Text("First."))
        scene.take_over()
        post = scene.channel.post

        def break_down(connection_id: str, text: str) -> None:
            if connection_id == "line-1":
                raise RuntimeError("a fault")
            post(connection_id, text)

        monkeypatch.setattr(scene.channel, "post", break_down)
        new = scene.serve_other()
        second = await scene.live.opened.get()
        await scene.one_turn_of(SECOND, second)
        assert scene.log.warned == ["earlier session not ended"]
        await new

    run_in_virtual_time(main)


def test_a_table_that_fails_while_an_earlier_session_is_ended_is_the_next_ones_trouble(monkeypatch):
    async def main():
        scene = TwoDevices()
        scene.send(Text("First."))
        scene.take_over()
        load = scene.sessions.load

        def unavailable(session_id: str) -> object:
            if session_id == SESSION:
                raise StoreUnavailable("down")
            return load(session_id)

        monkeypatch.setattr(scene.sessions, "load", unavailable)
        with pytest.raises(StoreUnavailable):
            await scene.serve_other()
        state = load(SECOND)
        assert state is not None
        assert not state.is_lease_held(scene.clock.now_ms())

        monkeypatch.setattr(scene.sessions, "load", load)
        new = scene.serve_other()
        await scene.live.opened.get()
        assert [turn.heard for turn in scene.remembered()] == ["First."]
        await new

    run_in_virtual_time(main)


def test_a_turn_that_can_no_longer_be_remembered_is_logged():
    async def main():
        scene = TwoDevices()
        old = scene.serve()
        live = await scene.one_utterance()
        header = scene.tables.conversations[USER, CONVERSATION]
        taken = replace(header, live_session_id=SECOND)
        scene.tables.conversations[USER, CONVERSATION] = taken
        await scene.answer(live, "hello", "Hello.")
        await scene.until(lambda: scene.frames("turn_end"))
        scene.acknowledge_all()

        assert await old is FinishReason.ENDED
        assert scene.log.warned == ["turn not remembered"]
        assert scene.told[-1] == "closed"

    run_in_virtual_time(main)


WISH = ("ask_core_agent", '{"question":"book nine"}')
BOOKING = PendingCall(ToolCallKey(1, 1), *WISH, arguments_hash(*WISH))


def owes_booking(scene: TwoDevices, session: str = SESSION) -> None:
    """A session has committed a turn whose call is still open."""
    state = scene.sessions.load(session)
    assert state is not None
    scene.tables.states[session] = replace(state, pending_calls=(BOOKING,))


async def hears_of_booking(scene: TwoDevices, session: str, live: FakeLiveSession) -> None:
    """The user is told of the booking in one turn of this session, and nothing is open then."""
    await scene.until(lambda: live.sent)
    [said] = live.sent
    assert "You are booked." in str(said)
    live.emit(
        LiveAudio(REPLY),
        LiveTranscript(Role.MODEL, "You are booked."),
        LiveTurnComplete(TurnStatus.IDLE),
    )
    line = scene.channel.posts[f"line-of-{session}"]
    await scene.until(lambda: '"turn_end"' in line[-1])
    received = OutputPosition(json.loads(line[-1])["epoch"], len(line))
    scene.mailbox.notify(session, Acknowledged(received, 0, 0), now_ms=scene.clock.now_ms())
    await scene.until(scene.remembered)
    [turn] = scene.remembered()
    assert (turn.session_id, turn.said) == (session, "You are booked.")
    assert [(call.key, call.answer) for call in turn.tool_calls] == [
        (BOOKING.key, "You are booked.")
    ]


@pytest.mark.parametrize("is_served", [True, False])
def test_a_call_that_the_earlier_session_left_open_is_spoken_in_the_next_one(is_served: bool):
    async def main():
        scene = TwoDevices()
        if is_served:
            old = scene.serve()
            await scene.live.opened.get()
        owes_booking(scene)
        scene.take_over()
        new = scene.serve_other()
        live = await scene.live.opened.get()
        if is_served:
            await old

        await hears_of_booking(scene, SECOND, live)
        [asked] = scene.core.requests
        assert (asked.session_id, asked.key) == (SECOND, BOOKING.key)
        assert asked.arguments_hash == BOOKING.arguments_hash
        await new
        assert len(live.sent) == 1

    run_in_virtual_time(main)


def test_a_call_of_the_first_of_several_sessions_is_spoken_once():
    async def main():
        scene = TwoDevices()
        owes_booking(scene)
        scene.take_over(SECOND)
        owes_booking(scene, SECOND)
        scene.take_over(THIRD)
        new = scene.serve_other(THIRD)
        live = await scene.live.opened.get()

        await hears_of_booking(scene, THIRD, live)
        assert len(scene.core.requests) == 1
        await new

    run_in_virtual_time(main)


def test_the_next_worker_speaks_a_call_that_a_dead_worker_left_unspoken():
    async def main():
        scene = TwoDevices()
        owes_booking(scene)
        scene.take_over()
        dead = scene.serve_other()
        await scene.live.opened.get()
        dead.cancel()
        await asyncio.sleep(LEASE_MS / 1000)

        new = scene.serve_other()
        live = await scene.live.opened.get()
        await hears_of_booking(scene, SECOND, live)
        await new
        again = scene.serve_other()
        await again
        assert len(scene.remembered()) == 1

    run_in_virtual_time(main)


def test_a_call_of_another_conversation_is_not_adopted():
    async def main():
        scene = TwoDevices()
        owes_booking(scene)
        scene.take_over()
        other = replace(scene.state(), conversation_id="conversation-2", ended=True)
        scene.tables.states[SESSION] = other
        new = scene.serve_other()
        await scene.live.opened.get()
        await new
        assert scene.core.requests == []

    run_in_virtual_time(main)
