"""What a connection leaves on disk: the audio that came, the audio that went, and what happened."""

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

_REPLY = re.compile(r"turn-(\d+)\.pcm")


class ConnectionRecorder:
    """One connection's folder; `close` when it ends.

    ``heard.pcm`` holds the bytes received in order, ``turn-<n>.pcm`` the bytes emitted for reply n
    (from 1; absent for a reply without audio), ``events.jsonl`` one event a line. Every write goes
    to the file at once, so a reader never waits for a buffer. The folder appears with both files,
    for there are readers that look on.
    """

    def __init__(self, folder: Path) -> None:
        records = folder.parent
        records.mkdir(parents=True, exist_ok=True)
        making = records.with_name(f"{records.name}.new") / folder.name
        making.mkdir(parents=True)
        self._folder = folder
        self._start = time.monotonic()
        self._heard = FileIO(making / "heard.pcm", "w")
        self._events = FileIO(making / "events.jsonl", "w")
        making.rename(folder)
        self.heard_bytes = 0
        self.said_bytes: dict[int, int] = {}

    def heard(self, pcm: bytes) -> None:
        """Append audio as received, before any resampling."""
        self.heard_bytes += len(pcm)
        self._heard.write(pcm)

    def said(self, reply: int, pcm: bytes) -> None:
        """Append audio as emitted."""
        self.said_bytes[reply] = self.said_bytes.get(reply, 0) + len(pcm)
        with (self._folder / f"turn-{reply}.pcm").open("ab") as file:
            file.write(pcm)

    def event(self, kind: str, **fields: object) -> None:
        """Append one event; ``t_ms`` counts from the connection's start."""
        line = {
            "t_ms": round((time.monotonic() - self._start) * 1000, 1),
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "kind": kind,
            **fields,
        }
        self._events.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Close the files; writing after it fails."""
        self._heard.close()
        self._events.close()


@dataclass(frozen=True, slots=True)
class RecordedConnection:
    """One connection at Gemini's side.

    Attributes:
        name: Its folder; names sort by time.
        heard: All audio that it received, as received.
        replies: The audio of each reply, in order.
    """

    name: str
    heard: bytes
    replies: tuple[bytes, ...]


def read_records(folder: Path) -> list[RecordedConnection]:
    """Read every connection's record, oldest first; none where the folder is not there yet."""
    if not folder.is_dir():
        return []
    return [read_record(one) for one in sorted(folder.iterdir()) if (one / "heard.pcm").is_file()]


def read_record(folder: Path) -> RecordedConnection:
    """Read one connection's record."""
    numbered = {
        int(match[1]): path
        for path in folder.iterdir()
        if (match := _REPLY.fullmatch(path.name)) is not None
    }
    return RecordedConnection(
        folder.name,
        (folder / "heard.pcm").read_bytes(),
        tuple(numbered[number].read_bytes() for number in sorted(numbered)),
    )


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Read what happened on one connection so far; a line that is being written is left out."""
    lines, _, _ = (folder / "events.jsonl").read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in lines.splitlines()]
