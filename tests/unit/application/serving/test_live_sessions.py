"""A worker whose live session is refused, lost, replaced or slow to close."""

import asyncio
from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveFailure,
    LiveTurnComplete,
    LiveUsage,
    TurnStatus,
)
from repartee.domain.protocol.messages import Bye, Hello, Message, Numbered, SpeechEnd, SpeechStart
from repartee.domain.session.effects import FinishReason
from repartee.domain.users.preferences import Profile
from repartee.ports.sessions import MAX_MESSAGES_READ
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.log import CapturedLog
from tests.unit.application.serving.worker_harness import (
    CHUNK,
    CONVERSATION,
    LINE,
    REPLY,
    SESSION,
    USER,
    WorkerHarness,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_refused_live_session_ends_the_session_with_that_reason():
    scene = WorkerHarness()
    scene.live.refusals.append(LiveSetupFailed("bad key", code=1007, retryable=False))
    assert await scene.serve() is FinishReason.ENDED
    assert scene.frames("closed")[0]["reason"] == "refused"
    assert scene.state().ended
    assert LINE in scene.channel.gone


@pytest.mark.parametrize("chunks", [2, MAX_MESSAGES_READ + 50])
@in_virtual_time
async def test_the_mailbox_is_recorded_as_skipped_where_the_live_session_is_refused_at_once(
    chunks,
):
    scene = WorkerHarness()
    scene.live.refusals.append(LiveSetupFailed("bad key", code=1007, retryable=False))
    utterance: list[Message] = [Hello(None), SpeechStart(), *[CHUNK] * chunks, SpeechEnd()]
    for seq, message in enumerate(utterance, 1):
        scene.mailbox.append(SESSION, Numbered(seq, message, LINE, scene.clock.now_ms()))

    assert await scene.serve() is FinishReason.ENDED

    assert scene.tables.turns[CONVERSATION][1].skipped == (SkippedInput(3, chunks + 2),)


@in_virtual_time
async def test_a_process_gives_its_next_sessions_as_text_the_history_that_its_model_refused():
    scene, log = WorkerHarness(), CapturedLog()
    scene.ports = replace(scene.ports, log=log.logger)
    serving = scene.serve()
    await scene.answer(await scene.one_utterance(), "i am ada", "Hello Ada.")
    await serving
    serving = scene.serve()
    first = await scene.live.opened.get()
    assert first.config.history
    first.emit(LiveClosed(LiveFailure.DROPPED, 1007, ""))
    second = await scene.live.opened.get()
    assert "You: Hello Ada." in second.config.system_instruction
    second.emit(LiveAudio(REPLY), LiveTurnComplete(TurnStatus.IDLE))
    await serving
    serving = scene.serve()

    third = await scene.live.opened.get()

    assert third.config.history == ()
    assert "You: Hello Ada." in third.config.system_instruction
    await serving
    messages = [line["message"] for line in log.lines]
    assert messages.count("live model refuses history") == 1


@in_virtual_time
async def test_preferences_that_a_model_refused_are_not_tried_by_the_next_session_of_the_process():
    scene = WorkerHarness()
    scene.tables.profiles[USER] = Profile(USER, voice="Puck")
    serving = scene.serve()
    first = await scene.live.opened.get()
    first.emit(LiveClosed(LiveFailure.DROPPED, 1007, ""))
    second = await scene.live.opened.get()
    second.emit(LiveAudio(REPLY), LiveTurnComplete(TurnStatus.IDLE))
    await serving
    serving = scene.serve()
    third = await scene.live.opened.get()
    await serving

    assert [one.config.voice == "Puck" for one in (first, second, third)] == [
        True,
        False,
        False,
    ]


@in_virtual_time
async def test_a_dropped_live_session_is_replaced_and_the_utterance_is_given_to_the_new_one():
    scene = WorkerHarness()
    serving = scene.serve()
    first = await scene.one_utterance()
    first.emit(LiveClosed(LiveFailure.DROPPED, 1006, ""))
    second = await scene.live.opened.get()
    await scene.until(lambda: len(second.sent) >= 3)
    assert second.sent == first.sent
    await scene.answer(second, "hello", "Hello.")
    await serving
    assert scene.tables.turns[CONVERSATION][1].heard == "hello"


@in_virtual_time
async def test_a_fresh_live_session_that_saves_money_is_logged_with_its_estimate():
    scene, log = WorkerHarness(), CapturedLog()
    scene.ports = replace(scene.ports, log=log.logger)
    serving = scene.serve()
    session = await scene.one_utterance()
    session.emit(LiveAudio(REPLY), LiveUsage(TokenUsage(audio_in=50_000)))
    session.emit(LiveTurnComplete(TurnStatus.IDLE))
    await scene.until(lambda: scene.frames("turn_end"))
    scene.acknowledge_all()
    await scene.live.opened.get()

    (line,) = [one for one in log.lines if one["message"] == "context told anew"]
    assert line["session_id"] == SESSION
    assert 0.7 < line["saves_usd"] < 0.75
    assert await serving is FinishReason.IDLE


@in_virtual_time
async def test_a_live_model_that_stays_busy_is_tried_with_growing_pauses_then_given_up():
    scene = WorkerHarness()
    for _ in range(10):
        scene.live.refusals.append(LiveSetupFailed("quota", code=1011, retryable=True))
    assert await scene.serve() is FinishReason.ENDED
    assert len(scene.live.refusals) == 6
    assert scene.frames("closed")[0]["reason"] == "busy"
    assert [frame["code"] for frame in scene.frames("error")] == ["model_busy"] * 3


@in_virtual_time
async def test_a_live_session_that_does_not_close_delays_the_release_by_at_most_2_s(
    monkeypatch,
):
    scene = WorkerHarness()

    async def stuck(_session):
        await asyncio.sleep(60)

    monkeypatch.setattr(FakeLiveSession, "close", stuck)
    scene.send(Bye())
    assert await scene.serve() is FinishReason.ENDED
    assert scene.clock.monotonic_ms() < 4_000
