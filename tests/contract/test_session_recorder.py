import os
from collections.abc import Callable
from pathlib import Path

import pytest

from repartee.adapters import file_recorder
from repartee.adapters.file_recorder import FileRecorder
from repartee.ports.sessions import SessionRecorder
from tests.fakes.session_recorder import FakeSessionRecorder

pytestmark = pytest.mark.contract

type Made = tuple[SessionRecorder, Callable[[str], list[str]]]


@pytest.fixture(params=["fake", "files"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    if request.param == "fake":
        fake = FakeSessionRecorder(wants_audio=True)
        return fake, lambda name: fake.recordings[name]
    folder = tmp_path / "not" / "there" / "yet"
    return (
        FileRecorder(folder, wants_audio=True),
        lambda name: (folder / f"{name}.jsonl").read_text().splitlines(),
    )


def test_the_lines_of_a_recording_keep_their_order(made: Made) -> None:
    recorder, lines_of = made
    for recording, line in (("S-1", "a"), ("S-2", "other"), ("S-1", "b"), ("S-1", "c")):
        recorder.append(recording, line)

    assert lines_of("S-1") == ["a", "b", "c"]
    assert lines_of("S-2") == ["other"]


def test_a_recorder_states_whether_it_records_audio(made: Made) -> None:
    assert made[0].wants_audio


def test_a_file_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    FileRecorder(tmp_path, wants_audio=False).append("S-1", "a")

    assert (tmp_path / "S-1.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_ends_a_recording_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[object] = []

    class Log:
        def warning(self, message: str, /, *, extra: object) -> None:
            warnings.append((message, extra))

    monkeypatch.setattr(file_recorder, "get_logger", Log)
    in_the_way = tmp_path / "folder"
    in_the_way.write_text("")
    recorder = FileRecorder(in_the_way, wants_audio=False)
    recorder.append("S-1", "a")
    recorder.append("S-1", "b")
    assert warnings == [("recording given up", {"error": "FileExistsError"})]

    in_the_way.unlink()
    recorder.append("S-1", "c")
    recorder.append("S-2", "d")
    assert [path.name for path in in_the_way.iterdir()] == ["S-2.jsonl"]


def test_a_full_disk_ends_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = FileRecorder(tmp_path, wants_audio=False)
    write = os.write
    with monkeypatch.context() as nearly_full:
        nearly_full.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        recorder.append("S-1", "abcdefgh")
    recorder.append("S-1", "b")

    assert (tmp_path / "S-1.jsonl").read_text() == "abcd"
