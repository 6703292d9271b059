"""Recorded conversations, and changes to their recordings."""

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveFailure,
    LiveInterrupted,
    LiveToolCall,
    LiveTurnComplete,
    TurnStatus,
)
from repartee.domain.protocol.messages import Audio, Bye, Text
from repartee.domain.session.effects import FinishReason
from tests.fakes.live_model import SentText
from tests.fakes.session_recorder import FakeSessionRecorder
from tests.fakes.speech_detector import SILENCE, SPEECH, FakeSpeechDetector
from tests.unit.application.serving.worker_harness import SESSION, WorkerHarness
from tests.virtual_time import run_in_virtual_time

NAME = f"{SESSION}-000001"


def record(
    story: Callable[[WorkerHarness], Coroutine[Any, Any, None]], *, wants_audio: bool = False
) -> list[str]:
    """Return the lines of a conversation's first lease."""
    recorder = FakeSessionRecorder(wants_audio=wants_audio)

    async def held() -> None:
        scene = WorkerHarness()
        scene.ports = replace(scene.ports, recorder=recorder, detector=FakeSpeechDetector)
        serving = scene.serve()
        await story(scene)
        assert await serving is FinishReason.ENDED

    run_in_virtual_time(held)
    return recorder.recordings[NAME]


async def long_story(scene: WorkerHarness) -> None:
    """Marked speech, a tool, barge-in, a dropped line to Gemini, typing, hanging up."""
    session = await scene.one_turn()
    scene.speak()
    session.emit(LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
    await scene.until(scene.tool_responses)
    session.emit(LiveAudio(bytes(range(256)) * 200), LiveInterrupted())
    session.emit(LiveTurnComplete(TurnStatus.IDLE))
    await scene.until(lambda: len(scene.frames("turn_end")) == 2)
    scene.acknowledge_all()
    scene.send(Text("And tomorrow?"))
    session.emit(LiveClosed(LiveFailure.DROPPED, 1006, ""))
    second = await scene.live.opened.get()
    await scene.until(lambda: second.sent)
    await scene.answer(second, "", "Tomorrow is free.")
    await scene.until(lambda: len(scene.frames("turn_end")) == 3)
    scene.acknowledge_all()
    scene.send(Bye())


async def near_silent_story(scene: WorkerHarness) -> None:
    """A silent reply, and an audible one after a nudge."""
    session = await scene.one_turn()
    scene.speak()
    session.emit(LiveAudio(bytes([3, 0] * 4_800)), LiveTurnComplete(TurnStatus.IDLE))
    await scene.until(lambda: any(isinstance(one, SentText) for one in session.sent))
    await scene.answer(session, "hello again", "Here I am.")
    await scene.until(lambda: len(scene.frames("turn_end")) == 2)
    scene.acknowledge_all()
    scene.send(Bye())


async def unmarked_story(scene: WorkerHarness) -> None:
    """Speech that only the worker's own detector finds."""
    session = await scene.live.opened.get()
    scene.send(Audio(SILENCE), Audio(SPEECH), Audio(SPEECH), Audio(SILENCE))
    await scene.until(lambda: len(session.sent) >= 4)
    await scene.answer(session, "hello", "Hello.")
    await scene.until(lambda: scene.frames("turn_end"))
    scene.acknowledge_all()
    scene.send(Bye())


def changed(lines: Sequence[str], line: int, change: Callable[[Any], None]) -> list[str]:
    """Return ``lines`` with one of them, by its number, changed."""
    data = json.loads(lines[line - 1])
    change(data)
    return [*lines[: line - 1], json.dumps(data), *lines[line:]]


def first_line_with(lines: Sequence[str], kind: str) -> int:
    return next(number for number, line in enumerate(lines, 1) if f'"{kind}"' in line)


def with_voice(lines: Sequence[str], voice: str) -> list[str]:
    def change(data: Any) -> None:
        data["opening"]["settings"]["voice"] = voice

    return changed(lines, 1, change)
