"""Following the Gemini simulator's records while it writes them."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.__main__ import main
from tests.chaos.faults.gemini_control import RecordWatch
from tests.fakes.functions import until

pytestmark = pytest.mark.unit


def write(folder: Path, *kinds: str, ending: str = "\n") -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "events.jsonl").open("a") as file:
        file.write("\n".join(json.dumps({"kind": kind}) for kind in kinds) + ending)


def test_each_complete_event_of_a_new_connection_is_seen_once(tmp_path: Path):
    async def run() -> list[str]:
        seen: list[str] = []

        async def note(event: Mapping[str, Any]) -> None:
            seen.append(event["kind"])

        write(tmp_path / "0001", "before")
        watch = RecordWatch(tmp_path, note)
        watch.start()
        watching = asyncio.create_task(watch.run())
        (tmp_path / "0002").mkdir()
        write(tmp_path / "0002", "setup", "speech_started")
        await until(lambda: seen == ["setup", "speech_started"])
        write(tmp_path / "0002", "hea", ending="")
        write(tmp_path / "0003", "seeded")
        await until(lambda: "seeded" in seen)
        write(tmp_path / "0002", "", ending="")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert [one.name for one in watch.new_connections()] == ["0002", "0003"]
        return seen

    assert asyncio.run(run()) == ["setup", "speech_started", "seeded"]


def test_only_ended_connections_are_forgotten(tmp_path: Path):
    async def ignore(_event: Mapping[str, Any]) -> None: ...

    write(tmp_path / "0001", "connection_ended")
    watch = RecordWatch(tmp_path, ignore)
    watch.start()
    write(tmp_path / "0002", "setup", "connection_ended")
    write(tmp_path / "0003", "setup")
    watch.forget()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["0001", "0003"]


@pytest.mark.parametrize("runs", ["0", "-1", "some"])
def test_a_campaign_has_at_least_one_run(runs: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["chaos", "--runs", runs])
    with pytest.raises(SystemExit, match="2"):
        main()
