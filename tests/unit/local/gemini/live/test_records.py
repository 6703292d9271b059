"""The Gemini simulator's records can be read while it writes them."""

from io import FileIO
from pathlib import Path

import pytest

from local.gemini.live import records
from local.gemini.live.records import ConnectionRecorder, read_events, read_records

pytestmark = pytest.mark.unit


def test_a_connections_folder_appears_with_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "gemini" / "connection-1"
    seen: list[bool] = []

    class WatchedFile(FileIO):
        def __init__(self, path: Path, mode: str) -> None:
            seen.append(folder.exists())
            super().__init__(path, mode)

    monkeypatch.setattr(records, "FileIO", WatchedFile)
    record = ConnectionRecorder(folder)

    assert seen == [False, False]
    assert {one.name for one in folder.iterdir()} == {"heard.pcm", "events.jsonl"}
    record.heard(b"ab")
    record.event("setup", model="m")
    (read,) = read_records(folder.parent)
    assert (read.name, read.heard) == ("connection-1", b"ab")
    assert [event["kind"] for event in read_events(folder)] == ["setup"]
    record.close()


def test_a_line_that_is_being_written_is_no_event_yet(tmp_path: Path):
    (tmp_path / "events.jsonl").write_text('{"kind": "setup"}\n{"kind": "hea')

    assert read_events(tmp_path) == [{"kind": "setup"}]
