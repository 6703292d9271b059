"""Another device takes over the conversation while the first session still has work to do."""

import asyncio
from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.errors import StoreUnavailable
from repartee.domain.live.model import HistoryEntry, LiveAudio, LiveTranscript, Role
from repartee.domain.live.prompt import UNANSWERED, UNHEARD
from repartee.domain.protocol.answers import ServerMessage
from repartee.domain.protocol.messages import Acknowledged, OutputPosition, Text
from repartee.domain.session.effects import FinishReason
from tests.unit.application.serving.two_devices import LEASE_MS, SECOND, THIRD, TwoDevices
from tests.unit.application.serving.worker_harness import CONVERSATION, SESSION, USER, unavailable
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_turn_under_way_when_another_device_takes_over_is_remembered_as_heard():
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

    new, second = await scene.replace()

    [turn] = scene.remembered()
    assert (turn.number, turn.session_id, turn.heard) == (1, SESSION, "what did I book")
    assert (turn.said, turn.said_is_approximate) == ("You", True)
    assert second.config.history == (
        HistoryEntry(Role.USER, "what did I book"),
        HistoryEntry(Role.MODEL, "You"),
    )
    assert scene.frame_types[-3:] == ["interrupted", "turn_end", "closed"]
    assert await old is FinishReason.ENDED
    await scene.one_turn_of(SECOND, second)
    assert [(one.number, one.session_id) for one in scene.remembered()] == [
        (1, SESSION),
        (2, SECOND),
    ]
    await new


@in_virtual_time
async def test_an_answered_turn_that_is_not_remembered_yet_is_remembered_whole():
    scene = TwoDevices()
    scene.serve()
    live = await scene.one_utterance()
    await scene.answer(live, "what did I book", "You booked nine.")
    await scene.until(lambda: scene.frames("turn_end"))
    assert not scene.remembered()

    new, _ = await scene.replace()

    [turn] = scene.remembered()
    assert (turn.said, turn.said_is_approximate) == ("You booked nine.", False)
    await new


@in_virtual_time
async def test_the_new_session_does_not_wait_for_one_that_can_be_ended_at_once():
    scene = TwoDevices()
    scene.serve()
    await scene.one_utterance()
    scene.take_over()
    began_ms = scene.clock.monotonic_ms()
    new, _ = await scene.open_other()
    assert scene.clock.monotonic_ms() - began_ms < 500
    await new


@in_virtual_time
async def test_speech_that_no_model_has_heard_is_recorded_as_skipped():
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


@in_virtual_time
async def test_input_that_a_dead_worker_had_accepted_is_recorded_before_the_new_session_begins():
    scene = TwoDevices()
    old = scene.serve()
    await scene.one_utterance()
    await scene.until(lambda: scene.frames("accepted"))
    old.cancel()
    died_ms = scene.clock.monotonic_ms()

    new, second = await scene.replace()

    assert scene.clock.monotonic_ms() - died_ms < LEASE_MS + 500
    [turn] = scene.remembered()
    assert (turn.session_id, turn.skipped) == (SESSION, (SkippedInput(3, 4),))
    assert scene.frame_types[-1] == "closed"
    assert scene.has_ended()
    await scene.one_turn_of(SECOND, second)
    assert await new is FinishReason.IDLE


@in_virtual_time
async def test_unheard_words_of_more_than_one_read_are_recorded():
    scene = TwoDevices()
    texts = [f"word {number}." for number in range(450)]
    scene.send(*(Text(text) for text in texts))
    new, _ = await scene.replace()

    [turn] = scene.remembered()
    assert turn.heard == " ".join(texts)
    await new


@in_virtual_time
async def test_input_accepted_after_a_skipped_gap_is_recorded_too():
    scene = TwoDevices()
    scene.send(Text("One."))
    scene._seq += 1
    scene.send(Text("Two."))
    new, _ = await scene.replace()

    [turn] = scene.remembered()
    assert turn.heard == "One. Two."
    await new


@in_virtual_time
async def test_a_session_without_a_worker_is_ended_and_its_client_is_informed():
    scene = TwoDevices()
    assert await scene.serve() is FinishReason.IDLE
    await scene.live.opened.get()
    new, _ = await scene.replace()

    assert scene.has_ended()
    assert scene.frame_types[-1] == "closed"
    assert scene.remembered() == []
    await new


@in_virtual_time
async def test_each_of_several_sessions_records_its_words_in_order():
    scene = TwoDevices()
    scene.send(Text("First."))
    scene.take_over(SECOND)
    scene.say(SECOND, 2, Text("Second."))
    new, third = await scene.replace(THIRD)

    assert [(one.number, one.session_id, one.heard) for one in scene.remembered()] == [
        (1, SESSION, "First."),
        (2, SECOND, "Second."),
    ]
    await scene.one_turn_of(THIRD, third)
    await new


@in_virtual_time
async def test_a_session_without_a_notice_is_ended_by_the_one_that_took_over(monkeypatch):
    scene = TwoDevices()
    scene.serve()
    live = await scene.one_utterance()
    live.emit(LiveTranscript(Role.USER, "what did I book", final=True))
    await scene.until(lambda: scene.frames("transcript"))
    notify = scene.mailbox.notify

    monkeypatch.setattr(scene.mailbox, "notify", unavailable)
    scene.take_over()
    monkeypatch.setattr(scene.mailbox, "notify", notify)
    new, _ = await scene.open_other()

    assert [turn.heard for turn in scene.remembered()] == ["what did I book"]
    await new


@in_virtual_time
async def test_a_session_that_cannot_be_ended_delays_the_next_one_for_a_limited_time():
    scene = TwoDevices()
    # A worker that heeds nothing.
    until_ms = scene.clock.now_ms() + 60_000
    held = replace(scene.state(), owner="deaf", epoch=9, lease_until_ms=until_ms)
    scene.tables.states[SESSION] = held
    scene.take_over()
    began_ms = scene.clock.monotonic_ms()
    new, second = await scene.open_other()

    assert 5_000 < scene.clock.monotonic_ms() - began_ms < 15_000
    state = scene.sessions.load(SECOND)
    assert state is not None
    assert state.epoch == 1
    await scene.one_turn_of(SECOND, second)
    assert scene.log.warned == ["earlier session not ended"]
    await new


@in_virtual_time
async def test_an_error_in_an_earlier_session_does_not_affect_the_next(monkeypatch):
    scene = TwoDevices()
    scene.send(Text("First."))
    scene.take_over()
    post = scene.channel.post

    def break_down(connection_id: str, message: ServerMessage) -> None:
        if connection_id == "line-1":
            raise RuntimeError("a fault")
        post(connection_id, message)

    monkeypatch.setattr(scene.channel, "post", break_down)
    new, second = await scene.open_other()
    await scene.one_turn_of(SECOND, second)
    assert scene.log.warned == ["earlier session not ended"]
    await new


@in_virtual_time
async def test_a_table_failure_while_an_earlier_session_is_ended_fails_the_next_one(
    monkeypatch,
):
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
    new, _ = await scene.open_other()
    assert [turn.heard for turn in scene.remembered()] == ["First."]
    await new


@in_virtual_time
async def test_a_turn_that_can_no_longer_be_remembered_is_logged():
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
    assert scene.frame_types[-1] == "closed"
