"""A replay shows where a recording and the machine part, to tests and at the command line."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.replay import main
from repartee.domain.protocol.frames import ReplyAudio
from repartee.domain.protocol.messages import Audio
from repartee.domain.session.effects import SendAudio
from repartee.domain.session.replay.recording import RecordingUnreadable, replay
from tests.personas import LIVE_PERSONA
from tests.unit.domain.session.replay.recordings import (
    changed,
    first_line_with,
    long_story,
    record,
    unmarked_story,
    with_voice,
)

pytestmark = pytest.mark.unit


def test_a_replay_without_what_the_detector_said_shows_where_it_counted():
    lines = [line.replace('"edges":', '"unheard":') for line in record(unmarked_story)]

    _, difference = replay(lines, LIVE_PERSONA)
    assert difference is not None


def test_other_settings_show_where_the_machine_first_wants_something_else():
    _, difference = replay(with_voice(record(long_story), "Puck"), LIVE_PERSONA)

    assert difference is not None
    assert isinstance(difference.event, dict)
    assert difference.event["class"] == "Started"
    assert (difference.line, difference.place) == (2, "effects[1].config.voice")
    assert (difference.recorded, difference.replayed) == ('"Kore"', '"Puck"')


def test_an_effect_that_one_side_lacks_is_shown_as_nothing():
    lines = record(long_story)
    steps, difference = replay(changed(lines, 2, lambda data: data["effects"].pop()), LIVE_PERSONA)

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

    _, difference = replay(changed(lines, line, change), LIVE_PERSONA)
    assert difference is not None
    assert difference.line == line
    assert difference.place.endswith(".pcm")


def test_audio_of_another_length_is_a_difference_even_where_its_hash_cannot_be_known():
    lines = record(long_story)
    line = first_line_with(lines, ReplyAudio.__name__)
    for number in range(line, len(lines) + 1):
        frames = [e for e in json.loads(lines[number - 1])["effects"] if "frame" in e]
        if any(e["frame"]["frame"].get("pcm", {}).get("bytes") == 18_000 for e in frames):
            line = number
            break

    def change(data: Any) -> None:
        post = next(each for each in data["effects"] if each["class"] == "PostFrame")
        post["frame"]["frame"]["pcm"]["bytes"] += 2

    _, difference = replay(changed(lines, line, change), LIVE_PERSONA)
    assert difference is not None
    assert difference.line == line
    assert difference.place.endswith(".frame.frame.pcm")


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
    *difference, event = capsys.readouterr().out.splitlines()
    assert difference == [
        f"{path}:2: effects[1].config.voice differs, at event 1",
        '  recorded  "Kore"',
        '  replayed  "Puck"',
    ]
    assert event.startswith('  event     {"class": "Started", "used": null, "unread": {')


def test_a_long_event_is_cut_short(write, capsys):
    lines = record(unmarked_story)
    line = first_line_with(lines, Audio.__name__)
    path = write(changed(lines, line, lambda data: data["effects"].append({})))

    assert main([path]) == 1
    assert capsys.readouterr().out.endswith("…\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"version":2}', "version 2; this is for version 1"),
        ('{"version":1,"opening":[]}', "the opening is not an object"),
        ('{"version":1,"opening":{"lease":1}}', "TypeError"),
    ],
)
def test_a_file_with_another_beginning_is_refused_with_advice_on_how_to_record(
    write, capsys, text, reason
):
    path = write([text, *record(unmarked_story)[1:]])

    assert main([path]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{path}: no recording that can be replayed: ")
    assert reason in error
    assert "`make up RECORD=events`" in error


def test_a_binary_file_is_refused_with_advice_on_how_to_record(tmp_path, capsys):
    path = tmp_path / "voice.wav"
    path.write_bytes(b"RIFF\xff\xfe")

    assert main([str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{path}: no recording: ")
    assert "`make up RECORD=events`" in error


@pytest.mark.parametrize(
    ("line", "text", "reason"),
    [
        (3, '{"now_ms":1,"event":{"class":"Nobody"},"effects":[]}', "Nobody"),
        (3, '{"now_ms":1,"effects":[]}', "event"),
        (3, '{"now_ms":1,"event":{"cla', "JSONDecodeError"),
    ],
)
def test_a_line_that_is_none_of_a_recording_is_named(write, capsys, line, text, reason):
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
    error = capsys.readouterr().err
    assert error.startswith(f"{path}: no recording that can be replayed: the recording is empty")
    with pytest.raises(RecordingUnreadable):
        replay([], LIVE_PERSONA)


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    path = tmp_path / "none.jsonl"
    assert main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err
