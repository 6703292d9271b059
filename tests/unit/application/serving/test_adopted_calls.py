"""A session adopts the open tool calls of the session that it replaces."""

import asyncio
import json
from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio, LiveTranscript, LiveTurnComplete, Role, TurnStatus
from repartee.domain.protocol.messages import Acknowledged, OutputPosition
from repartee.domain.session.state import PendingCall
from repartee.domain.tools.core_calls import ToolCallKey, arguments_hash
from tests.fakes.live_model import FakeLiveSession
from tests.unit.application.serving.two_devices import LEASE_MS, SECOND, THIRD, TwoDevices
from tests.unit.application.serving.worker_harness import REPLY, SESSION
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

WISH = ("ask_core_agent", '{"question":"book nine"}')
BOOKING = PendingCall(ToolCallKey(1, 1), *WISH, arguments_hash(*WISH))


def owes_booking(scene: TwoDevices, session: str = SESSION) -> None:
    """Leave a call of a committed turn open."""
    state = scene.sessions.load(session)
    assert state is not None
    scene.tables.states[session] = replace(state, pending_calls=(BOOKING,))


async def hears_of_booking(scene: TwoDevices, session: str, live: FakeLiveSession) -> None:
    """One turn of this session speaks the booking, and no call is open after it."""
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
@in_virtual_time
async def test_a_call_that_the_earlier_session_left_open_is_spoken_in_the_next_one(is_served: bool):
    scene = TwoDevices()
    if is_served:
        old = scene.serve()
        await scene.live.opened.get()
    owes_booking(scene)
    new, live = await scene.replace()
    if is_served:
        await old

    await hears_of_booking(scene, SECOND, live)
    [asked] = scene.core.requests
    assert (asked.session_id, asked.key) == (SECOND, BOOKING.key)
    assert asked.arguments_hash == BOOKING.arguments_hash
    await new
    assert len(live.sent) == 1


@in_virtual_time
async def test_a_call_of_the_first_of_several_sessions_is_spoken_once():
    scene = TwoDevices()
    owes_booking(scene)
    scene.take_over(SECOND)
    owes_booking(scene, SECOND)
    new, live = await scene.replace(THIRD)

    await hears_of_booking(scene, THIRD, live)
    assert len(scene.core.requests) == 1
    await new


@in_virtual_time
async def test_the_next_worker_speaks_a_call_that_a_dead_worker_left_unspoken():
    scene = TwoDevices()
    owes_booking(scene)
    scene.take_over()
    dead, _ = await scene.open_other()
    dead.cancel()
    await asyncio.sleep(LEASE_MS / 1000)

    new, live = await scene.open_other()
    await hears_of_booking(scene, SECOND, live)
    await new
    again = scene.serve_other()
    await again
    assert len(scene.remembered()) == 1


@in_virtual_time
async def test_a_call_of_another_conversation_is_not_adopted():
    scene = TwoDevices()
    owes_booking(scene)
    scene.take_over()
    other = replace(scene.state(), conversation_id="conversation-2", ended=True)
    scene.tables.states[SESSION] = other
    new, _ = await scene.open_other()
    await new
    assert scene.core.requests == []
