"""A session's recording: written, and run through a machine again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import tests.session_harness
from repartee.domain.conversation.conversation import Memory
from repartee.domain.live.model import LiveInterrupted
from repartee.domain.session.effects import Work
from repartee.domain.session.events import Event, FromLive, Started
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.replay.codec import decode
from repartee.domain.session.replay.recording import (
    Opening,
    RecordingDetector,
    Step,
    opening_line,
    replay,
    step_line,
)
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.speech_detection import SpeechDetector
from tests.fakes.session_recorder import FakeSessionRecorder
from tests.personas import LIVE_PERSONA
from tests.unit.application.serving.worker_harness import WorkerHarness
from tests.unit.domain.session.replay.recordings import (
    NAME,
    first_line_with,
    long_story,
    near_silent_story,
    record,
    unmarked_story,
)
from tests.unit.domain.session.test_properties import AnySession
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("story", [long_story, unmarked_story, near_silent_story])
@pytest.mark.parametrize("wants_audio", [False, True])
def test_a_recorded_conversation_gives_the_same_effects_again(story, wants_audio):
    lines = record(story, wants_audio=wants_audio)

    assert replay(lines, LIVE_PERSONA) == (len(lines) - 1, None)
    kinds = {effect["class"] for line in lines[1:] for effect in json.loads(line)["effects"]}
    assert kinds >= {"OpenLive", "SendAudio", "PostFrame", "CommitTurn", "DeleteInput", "Finish"}


def test_a_recording_whose_steps_mix_the_lanes_replays_alike():
    lines = record(long_story)
    steps = [json.loads(line) for line in lines[1:]]
    for step in steps:
        # The order within each lane stays.
        step["effects"].sort(key=lambda effect: effect["class"] != "PostFrame")
    mixed = [lines[0], *(json.dumps(step) for step in steps)]

    kinds = [[effect["class"] for effect in step["effects"]] for step in steps]
    assert any(one[0] == "PostFrame" and "CommitTurn" in one for one in kinds if one)
    assert replay(mixed, LIVE_PERSONA) == (len(steps), None)


class RecordedMachine(SessionMachine):
    """A machine that records itself, without audio."""

    def __init__(
        self,
        lease: Lease,
        memory: Memory,
        settings: SessionSettings,
        detector: SpeechDetector,
        *,
        unix_offset_ms: int,
    ) -> None:
        self.overheard = RecordingDetector(detector)
        self.lines = [opening_line(Opening(lease, memory, settings, unix_offset_ms))]
        super().__init__(lease, memory, settings, self.overheard, unix_offset_ms=unix_offset_ms)

    def handle(self, event: Event, now_ms: int) -> Work:
        work = super().handle(event, now_ms)
        step = Step(now_ms, event, work.in_lane_order, self.overheard.edges)
        self.lines.append(step_line(step, with_audio=False))
        self.overheard.edges.clear()
        return work


class ReplayedSession(AnySession):
    def teardown(self):
        super().teardown()  # type: ignore[no-untyped-call]  # a test of its own
        machine = self.call.machine
        assert isinstance(machine, RecordedMachine)
        assert replay(machine.lines, LIVE_PERSONA) == (len(machine.lines) - 1, None)


def test_any_recorded_session_gives_the_same_effects_again(monkeypatch):
    monkeypatch.setattr(tests.session_harness, "SessionMachine", RecordedMachine)
    run_state_machine_as_test(
        ReplayedSession,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_a_recording_holds_audio_only_where_it_is_wanted_and_never_twice():
    silent, audible = record(long_story), record(long_story, wants_audio=True)

    def has_audio(line: str, part: str) -> bool:
        return "base64" in json.dumps(json.loads(line)[part])

    assert not any('"base64"' in line for line in silent)
    assert any(has_audio(line, "event") for line in audible[1:])
    assert not any(has_audio(line, "effects") for line in audible[1:])


def test_nothing_is_recorded_where_no_recorder_is_given():
    async def held():
        scene = WorkerHarness()
        assert scene.ports.recorder is None
        serving = scene.serve()
        await scene.one_turn()
        await serving

    run_in_virtual_time(held)


def test_an_event_that_the_machine_fails_on_is_recorded_and_fails_again(monkeypatch):
    handle = SessionMachine.handle

    def fails_on_interruptions(machine: SessionMachine, event: Event, now_ms: int) -> Work:
        if isinstance(event, FromLive) and isinstance(event.event, LiveInterrupted):
            raise ZeroDivisionError
        return handle(machine, event, now_ms)

    recorder = FakeSessionRecorder()

    async def held():
        scene = WorkerHarness()
        scene.ports = replace(scene.ports, recorder=recorder)
        serving = scene.serve()
        session = await scene.live.opened.get()
        session.emit(LiveInterrupted())
        with pytest.raises(ZeroDivisionError):
            await serving

    with monkeypatch.context() as broken:
        broken.setattr(SessionMachine, "handle", fails_on_interruptions)
        run_in_virtual_time(held)
        lines = recorder.recordings[NAME]
        line = first_line_with(lines, LiveInterrupted.__name__)
        assert json.loads(lines[line - 1])["effects"] == []
        with pytest.raises(ZeroDivisionError) as failed:
            replay(lines, LIVE_PERSONA)
    assert failed.value.__notes__ == [f"The machine failed on line {line} of the recording."]
    assert replay(lines, LIVE_PERSONA)[0] == len(lines) - 1


def opened(lines: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(lines[0])
    return data


def test_every_recording_begins_with_a_start():
    lines = record(unmarked_story)
    assert opened(lines)["version"] == 1
    assert isinstance(decode(json.loads(lines[1])["event"]), Started)
