"""A session's recording: written, read, and run through a machine again."""

import base64
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, tzinfo
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import tests.sessions
from local.replay import main
from repartee.domain.conversation import Memory
from repartee.domain.frames import ReplyAudio
from repartee.domain.live import (
    LiveAudio,
    LiveClosed,
    LiveFailure,
    LiveInterrupted,
    LiveToolCall,
    LiveTurnComplete,
    TurnStatus,
)
from repartee.domain.messages import Audio, Bye, Message, Text
from repartee.domain.session.effects import Effect, FinishReason, SendAudio
from repartee.domain.session.events import Event, FromLive, Started
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.recording import (
    Opening,
    OverheardDetector,
    RecordingUnreadable,
    Step,
    opening_line,
    replay,
    step_line,
)
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.value_codec import classes_of, decode, digest, encode, stand_in, whole
from repartee.domain.session_state import Lease
from repartee.domain.speech import SpeechDetector
from tests.fakes.session_recorder import FakeSessionRecorder
from tests.fakes.speech_detector import SILENCE, SPEECH, FakeSpeechDetector
from tests.unit.test_session_properties import AnySession
from tests.unit.worker_scene import SESSION, Scene
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit

NAME = f"{SESSION}-000001"
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    bytes: st.binary(),
    Decimal: st.decimals(allow_nan=False),
    date: st.dates(),
    tzinfo: st.sampled_from([ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu")]),
    ReplyAudio: st.builds(
        ReplyAudio, st.integers(), st.binary().map(lambda pcm: base64.b64encode(pcm).decode())
    ),
}
KINDS = [*get_args(Event.__value__), *get_args(Effect.__value__), Lease, Memory, SessionSettings]


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, however its fields are nested."""
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, TypeAliasType):
        return values(hint.__value__)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([values(one) for one in get_args(hint)])
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert isinstance(hint, type)
    assert is_dataclass(hint)
    hints = get_type_hints(hint)
    return st.builds(hint, **{field.name: values(hints[field.name]) for field in fields(hint)})


each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@each_kind
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_is_written_is_read_as_it_was(kind, data):
    value = data.draw(values(kind))
    assert decode(json.loads(json.dumps(encode(value, whole)))) == value


@each_kind
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_without_audio_all_but_the_sound_is_read_as_it_was(kind, data):
    value = data.draw(values(kind))
    written = encode(value, digest)
    assert '"base64":' not in json.dumps(written)

    def length_alone(pcm: bytes) -> int:
        return len(pcm)

    assert encode(decode(written), length_alone) == encode(value, length_alone)


@given(length_bytes=st.integers(0, 100), pcm=st.binary())
def test_what_stands_in_for_audio_has_its_length(length_bytes, pcm):
    written = digest(pcm)
    assert isinstance(written, dict)
    assert len(stand_in(length_bytes, str(written["sha256"]))) == length_bytes


def test_a_value_that_has_no_form_is_refused():
    with pytest.raises(TypeError, match="no form for a timezone"):
        encode(UTC, whole)


def test_two_classes_of_one_name_cannot_be_told_apart():
    @dataclass(frozen=True, slots=True)
    class Text:
        text: str

    with pytest.raises(TypeError, match="two classes are called Text"):
        classes_of(Text, Message)


@pytest.mark.parametrize(
    "data",
    [
        {"class": "Nobody"},
        {"class": "SendText"},
        {"class": "SendText", "text": "", "tone": ""},
        {"enum": "Role", "name": "NOBODY"},
        {"decimal": "one"},
        {"zone": "Nowhere/Land"},
        {"base64": "?"},
        {"bytes": 1, "sha256": "?"},
        {"what": "is this"},
    ],
)
def test_what_nobody_writes_is_a_value_error(data):
    with pytest.raises(ValueError):  # noqa: PT011 - told by the line that it stands in
        decode(data)


# Recordings of whole conversations


def record(
    story: Callable[[Scene], Coroutine[Any, Any, None]], *, wants_audio: bool = False
) -> list[str]:
    """Return the lines of a conversation's first lease."""
    recorder = FakeSessionRecorder(wants_audio=wants_audio)

    async def held() -> None:
        scene = Scene()
        scene.ports = replace(scene.ports, recorder=recorder, detector=FakeSpeechDetector)
        serving = scene.serve()
        await story(scene)
        assert await serving is FinishReason.ENDED

    run_in_virtual_time(held)
    return recorder.recordings[NAME]


async def long_story(scene: Scene) -> None:
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


async def unmarked_story(scene: Scene) -> None:
    """Speech that only the worker's own detector finds."""
    session = await scene.live.opened.get()
    scene.send(Audio(SILENCE), Audio(SPEECH), Audio(SPEECH), Audio(SILENCE))
    await scene.until(lambda: len(session.sent) >= 4)
    await scene.answer(session, "hello", "Hello.")
    await scene.until(lambda: scene.frames("turn_end"))
    scene.acknowledge_all()
    scene.send(Bye())


@pytest.mark.parametrize("story", [long_story, unmarked_story])
@pytest.mark.parametrize("wants_audio", [False, True])
def test_a_recorded_conversation_gives_the_same_effects_again(story, wants_audio):
    lines = record(story, wants_audio=wants_audio)

    assert replay(lines) == (len(lines) - 1, None)
    kinds = {effect["class"] for line in lines[1:] for effect in json.loads(line)["effects"]}
    assert kinds >= {"OpenLive", "SendAudio", "PostFrame", "CommitTurn", "DeleteInput", "Finish"}


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
        self.overheard = OverheardDetector(detector)
        self.lines = [opening_line(Opening(lease, memory, settings, unix_offset_ms))]
        super().__init__(lease, memory, settings, self.overheard, unix_offset_ms=unix_offset_ms)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        effects = super().handle(event, now_ms)
        step = Step(now_ms, event, effects, self.overheard.edges)
        self.lines.append(step_line(step, with_audio=False))
        self.overheard.edges.clear()
        return effects


class ReplayedSession(AnySession):
    def teardown(self):
        super().teardown()  # type: ignore[no-untyped-call]  # a test of its own
        machine = self.call.machine
        assert isinstance(machine, RecordedMachine)
        assert replay(machine.lines) == (len(machine.lines) - 1, None)


def test_whatever_happened_to_a_session_gives_the_same_effects_again(monkeypatch):
    monkeypatch.setattr(tests.sessions, "SessionMachine", RecordedMachine)
    run_state_machine_as_test(
        ReplayedSession,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_a_replay_without_what_the_detector_said_shows_where_it_counted():
    lines = [line.replace('"edges":', '"unheard":') for line in record(unmarked_story)]

    _, difference = replay(lines)
    assert difference is not None


def test_a_recording_holds_audio_only_where_it_is_wanted_and_never_twice():
    silent, audible = record(long_story), record(long_story, wants_audio=True)

    def has_audio(line: str, part: str) -> bool:
        return "base64" in json.dumps(json.loads(line)[part])

    assert not any('"base64"' in line for line in silent)
    assert any(has_audio(line, "event") for line in audible[1:])
    assert not any(has_audio(line, "effects") for line in audible[1:])


def test_nothing_is_recorded_where_no_recorder_is_given():
    async def held():
        scene = Scene()
        assert scene.ports.recorder is None
        serving = scene.serve()
        await scene.one_turn()
        await serving

    run_in_virtual_time(held)


def test_an_event_that_the_machine_fails_on_is_recorded_and_fails_again(monkeypatch):
    handle = SessionMachine.handle

    def fails_on_interruptions(machine: SessionMachine, event: Event, now_ms: int) -> list[Effect]:
        if isinstance(event, FromLive) and isinstance(event.event, LiveInterrupted):
            raise ZeroDivisionError
        return handle(machine, event, now_ms)

    recorder = FakeSessionRecorder()

    async def held():
        scene = Scene()
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
            replay(lines)
    assert failed.value.__notes__ == [f"The machine failed on line {line} of the recording."]
    assert replay(lines)[0] == len(lines) - 1


# Differences


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


def test_other_settings_show_where_the_machine_first_wants_something_else():
    _, difference = replay(with_voice(record(long_story), "Puck"))

    assert difference is not None
    assert difference.event == {"class": "Started", "used": None}
    assert (difference.line, difference.place) == (2, "effects[0].config.voice")
    assert (difference.recorded, difference.replayed) == ('"Kore"', '"Puck"')


def test_an_effect_that_one_side_lacks_is_shown_as_nothing():
    lines = record(long_story)
    steps, difference = replay(changed(lines, 2, lambda data: data["effects"].pop()))

    assert steps == 1
    assert difference is not None
    assert difference.recorded == "nothing"
    assert '"class": "' in difference.replayed


@pytest.mark.parametrize("wants_audio", [False, True])
def test_audio_that_goes_to_the_model_changed_is_a_difference(wants_audio):
    lines = record(long_story, wants_audio=wants_audio)
    line = first_line_with(lines, SendAudio.__name__)

    def change(data: Any) -> None:
        sent = next(each for each in data["effects"] if each["class"] == "SendAudio")
        sent["pcm"]["sha256"] = "0" * 64

    _, difference = replay(changed(lines, line, change))
    assert difference is not None
    assert difference.line == line
    assert difference.place.endswith(".pcm")


def test_audio_of_another_length_is_a_difference_even_where_its_hash_cannot_be_known():
    lines = record(long_story)
    line = first_line_with(lines, ReplyAudio.__name__)
    for number in range(line, len(lines) + 1):
        frames = [e for e in json.loads(lines[number - 1])["effects"] if "frame" in e]
        if any(e["frame"]["frame"].get("data", {}).get("bytes") == 18_000 for e in frames):
            line = number
            break

    def change(data: Any) -> None:
        post = next(each for each in data["effects"] if each["class"] == "PostFrame")
        post["frame"]["frame"]["data"]["bytes"] += 2

    _, difference = replay(changed(lines, line, change))
    assert difference is not None
    assert difference.line == line
    assert difference.place.endswith(".frame.frame.data")


# Files


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Sequence[str]], str]:
    def to_file(lines: Sequence[str]) -> str:
        path = tmp_path / "recording.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    return to_file


def test_the_command_says_that_all_is_as_it_was(write, capsys):
    lines = record(unmarked_story)
    path = write(lines)

    assert main([path]) == 0
    assert capsys.readouterr().out == (
        f"{path}: {len(lines) - 1} events give the same effects as they did\n"
    )


def test_the_command_shows_the_first_difference(write, capsys):
    path = write(with_voice(record(unmarked_story), "Puck"))

    assert main([path]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:2: effects[0].config.voice differs, at event 1",
        '  recorded  "Kore"',
        '  replayed  "Puck"',
        '  event     {"class": "Started", "used": null}',
    ]


def test_a_long_event_is_cut_short(write, capsys):
    lines = record(unmarked_story)
    line = first_line_with(lines, Audio.__name__)
    path = write(changed(lines, line, lambda data: data["effects"].append({})))

    assert main([path]) == 1
    assert capsys.readouterr().out.endswith("…\n")


def opened(lines: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(lines[0])
    return data


@pytest.mark.parametrize(
    ("line", "text", "reason"),
    [
        (1, "{", "JSONDecodeError"),
        (1, "[]", "TypeError"),
        (1, '{"version":2}', "version 2; this is for version 1"),
        (1, '{"version":1,"opening":[]}', "the opening is no object"),
        (1, '{"version":1,"opening":{"lease":1}}', "TypeError"),
        (3, '{"now_ms":1,"event":{"class":"Nobody"},"effects":[]}', "Nobody"),
        (3, '{"now_ms":1,"effects":[]}', "event"),
        (3, '{"now_ms":1,"event":{"cla', "JSONDecodeError"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_its_line(write, capsys, line, text, reason):
    lines = record(unmarked_story)
    lines[line - 1] = text
    path = write(lines)

    assert main([path]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{path}:{line}: not a line of a recording: ")
    assert reason in error


def test_an_empty_file_is_no_recording(write, capsys):
    path = write([])
    assert main([path]) == 2
    assert f"{path}:1: " in capsys.readouterr().err
    with pytest.raises(RecordingUnreadable):
        replay([])


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    path = tmp_path / "none.jsonl"
    assert main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_every_recording_begins_with_a_start():
    lines = record(unmarked_story)
    assert opened(lines)["version"] == 1
    assert decode(json.loads(lines[1])["event"]) == Started()
