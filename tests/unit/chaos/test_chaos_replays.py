"""Replays of the recordings of workers, killed ones included."""

import json
from pathlib import Path

import pytest

from local.stack import PROJECT
from repartee.domain.session.events import Event, Started, TimeRunningOut
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.replay.recording import Opening, Step, opening_line, step_line
from repartee.domain.session.state import Lease
from repartee.domain.session.timing import FORCED_HAND_OVER_MS
from tests.chaos.campaign import HAND_OVER_MS, copy_source
from tests.chaos.judgement.replays import read_lease, recordings_of
from tests.fakes.speech_detector import FakeSpeechDetector
from tests.session_harness import MEMORY, SETTINGS, STATE

pytestmark = pytest.mark.unit

LEASE = Lease(STATE, until_ms=10**12, is_takeover=False)
OPENING = Opening(LEASE, MEMORY, SETTINGS, unix_offset_ms=0)


def record(path: Path, *events: Event) -> None:
    """Write the recording of a worker that gets ``events``, one per second."""
    machine = SessionMachine(LEASE, MEMORY, SETTINGS, FakeSpeechDetector(), unix_offset_ms=0)
    lines = [opening_line(OPENING)]
    for number, event in enumerate(events):
        effects = machine.handle(event, number * 1_000).in_lane_order
        lines.append(step_line(Step(number * 1_000, event, effects, ()), with_audio=False))
    path.write_text("\n".join(lines) + "\n")


def test_a_recording_of_this_version_replays_alike(tmp_path: Path):
    path = tmp_path / "S-000001.jsonl"
    record(path, Started())
    lease = read_lease(path)
    assert (lease.name, lease.difference, lease.hands_over) == ("S-000001", "", False)


def test_an_incomplete_last_line_of_a_killed_worker_is_ignored(tmp_path: Path):
    path = tmp_path / "S-000001.jsonl"
    record(path, Started())
    with path.open("a") as file:
        file.write('{"now_ms":1000,"ev')
    assert read_lease(path).difference == ""


def test_a_worker_that_died_before_its_first_line_recorded_nothing(tmp_path: Path):
    path = tmp_path / "S-000001.jsonl"
    path.write_text('{"version":1,"op')
    assert read_lease(path).difference == ""


def test_a_difference_is_reported_with_its_line(tmp_path: Path):
    path = tmp_path / "S-000001.jsonl"
    record(path, Started())
    opening, step = path.read_text().splitlines()
    data = json.loads(step)
    data["effects"].append({"class": "EndAudioStream"})
    path.write_text(f"{opening}\n{json.dumps(data)}\n")
    assert read_lease(path).difference.startswith("line 2: effects[")


def test_an_error_of_the_machine_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "S-000001.jsonl"
    record(path, Started())

    def fail(*_event: object) -> None:
        raise KeyError("turn")

    monkeypatch.setattr(SessionMachine, "handle", fail)
    assert read_lease(path).difference == (
        "KeyError: 'turn'. The machine failed on line 2 of the recording."
    )


def test_a_malformed_line_is_reported(tmp_path: Path):
    path = tmp_path / "S-000001.jsonl"
    record(path, Started())
    with path.open("a") as file:
        file.write("nonsense\n")
    assert read_lease(path).difference.startswith("line 3 is not a line of a recording")


@pytest.mark.parametrize(
    ("events", "hands_over", "is_forced"),
    [
        ((Started(), TimeRunningOut(21_000)), True, False),
        ((Started(), TimeRunningOut(FORCED_HAND_OVER_MS)), True, True),
        ((Started(),), False, False),
    ],
)
def test_a_recording_shows_how_its_worker_left(
    tmp_path: Path, events: tuple[Event, ...], hands_over: bool, is_forced: bool
):
    path = tmp_path / "S-000001.jsonl"
    record(path, *events)
    lease = read_lease(path)
    assert (lease.hands_over, lease.is_forced) == (hands_over, is_forced)


def test_a_session_has_its_own_recordings_in_the_order_of_its_leases(tmp_path: Path):
    for name in ("S-000002", "S-000001", "S2-000001"):
        (tmp_path / f"{name}.jsonl").touch()
    found = recordings_of(tmp_path, "S")
    assert [path.stem for path in found] == ["S-000001", "S-000002"]


def test_the_campaigns_copy_differs_in_the_hand_over_alone(tmp_path: Path):
    copy_source(PROJECT, tmp_path)
    changed = [
        pair
        for module in (tmp_path / "layers/shared/repartee/domain/session").rglob("*.py")
        for pair in zip(
            (PROJECT / module.relative_to(tmp_path)).read_text().splitlines(),
            module.read_text().splitlines(),
            strict=True,
        )
        if pair[0] != pair[1]
    ]
    assert changed == [("HAND_OVER_MS = 90_000", f"HAND_OVER_MS = {HAND_OVER_MS}")]
