"""The end of a session is recorded before its client reads of it, so that no death undoes it."""

import asyncio

import pytest

from repartee.domain.protocol.frames import NumberedFrame, SessionClosed
from repartee.domain.protocol.messages import Bye
from repartee.domain.session.effects import FinishReason
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    LINE,
    USER,
    WorkerHarness,
    unavailable,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


class Killed(Exception):
    """The worker dies in the middle of a call."""


def is_recorded(scene: WorkerHarness) -> bool:
    active = scene.connections.active_sessions(USER, now_ms=scene.clock.now_ms())
    return scene.state().ended and not active


async def hang_up(scene: WorkerHarness) -> "asyncio.Task[FinishReason | None]":
    serving = scene.serve()
    await scene.one_turn()
    scene.send(Bye())
    return serving


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("step", ["end", "uncount", "post", "close", "pay"])
@in_virtual_time
async def test_a_worker_that_dies_at_any_step_leaves_no_open_session_to_a_client_that_has_left(
    monkeypatch, step, is_done
):
    scene = WorkerHarness()
    owner, name = {
        "end": (scene.sessions, "release_lease"),
        "uncount": (scene.connections, "end_session"),
        "post": (scene.channel, "post"),
        "close": (scene.channel, "close"),
        "pay": (scene.metrics, "session_left"),
    }[step]
    original = getattr(owner, name)

    def die(*args, **kwargs):
        is_other_post = step == "post" and not (
            isinstance(args[1], NumberedFrame) and isinstance(args[1].frame, SessionClosed)
        )
        if is_done or is_other_post:
            original(*args, **kwargs)
        if not is_other_post:
            raise Killed

    monkeypatch.setattr(owner, name, die)
    serving = await hang_up(scene)
    with pytest.raises(Killed):
        await serving

    assert is_recorded(scene) or not scene.frames("closed")
    if not scene.state().ended:
        # The client waits for its answer, so it wakes another worker.
        monkeypatch.setattr(owner, name, original)
        await asyncio.sleep(5)
        assert await scene.serve() is FinishReason.ENDED
        assert is_recorded(scene)
        assert scene.frames("closed")


@in_virtual_time
async def test_the_end_is_recorded_once(monkeypatch):
    scene = WorkerHarness()
    ended = []
    release = scene.sessions.release_lease

    def count(*args, **kwargs):
        ended.append(kwargs["ended"])
        release(*args, **kwargs)

    monkeypatch.setattr(scene.sessions, "release_lease", count)
    assert await (await hang_up(scene)) is FinishReason.ENDED
    assert ended == [True]
    assert is_recorded(scene)


@in_virtual_time
async def test_a_session_with_a_turn_that_is_not_in_memory_yet_does_not_end(monkeypatch):
    scene = WorkerHarness()
    writer = scene.ports.writer
    commit = writer.commit_turn
    monkeypatch.setattr(writer, "commit_turn", unavailable)
    serving = scene.serve()
    await scene.answer(await scene.one_utterance(), "hello", "Hello to you.")
    await scene.until(lambda: scene.frames("turn_end"))
    scene.send(Bye())
    await scene.until(lambda: scene.frames("closed"))
    assert not scene.state().ended
    monkeypatch.setattr(writer, "commit_turn", commit)
    assert await serving is FinishReason.ENDED
    assert is_recorded(scene)
    assert 1 in scene.tables.turns[CONVERSATION]


@in_virtual_time
async def test_a_table_that_fails_does_not_keep_the_client_from_the_end(monkeypatch):
    scene = WorkerHarness()
    end = scene.connections.end_session
    serving = await hang_up(scene)

    def fail_once(*_args):
        monkeypatch.setattr(scene.connections, "end_session", end)
        unavailable()

    monkeypatch.setattr(scene.connections, "end_session", fail_once)
    assert await serving is FinishReason.ENDED
    assert scene.frames("closed")
    assert is_recorded(scene)


@in_virtual_time
async def test_a_worker_without_its_lease_closes_nothing(monkeypatch):
    scene = WorkerHarness()
    release = scene.sessions.release_lease

    def take_over(session_id, *, epoch, **kwargs):
        release(session_id, epoch=epoch - 1, **kwargs)

    monkeypatch.setattr(scene.sessions, "release_lease", take_over)
    assert await (await hang_up(scene)) is FinishReason.FENCED
    assert not scene.frames("closed")
    assert LINE not in scene.channel.gone
