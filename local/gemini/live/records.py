"""The records of connections on disk: received audio, emitted audio and events."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

_REPLY = re.compile(r"turn-(\d+)\.pcm")


class ConnectionRecorder:
    """Writes the folder of one connection; ``close`` ends the record.

    ``heard.pcm`` holds the received bytes in order, ``turn-<n>.pcm`` the bytes emitted for reply n
    (from 1; absent for a reply without audio), ``events.jsonl`` one event a line. Writes are not
    buffered, because readers follow the record during the connection. For the same reason the
    folder appears with its files.
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
        """Append received audio, before any resampling."""
        self.heard_bytes += len(pcm)
        self._heard.write(pcm)

    def said(self, reply: int, pcm: bytes) -> None:
        """Append emitted audio."""
        self.said_bytes[reply] = self.said_bytes.get(reply, 0) + len(pcm)
        with (self._folder / f"turn-{reply}.pcm").open("ab") as file:
            file.write(pcm)

    def event(self, kind: str, **fields: object) -> None:
        """Append one event; ``t_ms`` is the time since the start of the connection."""
        t_ms = round((time.monotonic() - self._start) * 1000, 1)
        self._events.write(_line(kind, t_ms=t_ms, **fields))

    def close(self) -> None:
        """Close the files."""
        self._heard.close()
        self._events.close()


class ChatRecorder:
    """Appends the answers of the chat model to the ``events.jsonl`` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def event(self, **fields: object) -> None:
        """Append one answer."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "events.jsonl").open("ab") as file:
            file.write(_line("chat", **fields))


def chat_folder(records: Path) -> Path:
    """Return the folder of the chat model beside the folder of the connections."""
    return records.with_name(f"{records.name}.chat")


def _line(kind: str, **fields: object) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, "kind": kind, **fields}, ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class RecordedConnection:
    """The record of one connection.

    Attributes:
        name: The name of the folder; names sort by time.
        heard: All received audio.
        replies: The emitted audio of each reply, in order.
        events: The events, in order.
    """

    name: str
    heard: bytes
    replies: tuple[bytes, ...]
    events: tuple[Mapping[str, Any], ...] = ()


def read_records(folder: Path) -> list[RecordedConnection]:
    """Read every connection's record, oldest first; none if the folder does not exist."""
    if not folder.is_dir():
        return []
    return [
        read_record(path) for path in sorted(folder.iterdir()) if (path / "heard.pcm").is_file()
    ]


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
        tuple(read_events(folder)),
    )


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Read the events of one folder so far, without an incomplete last line."""
    if not (folder / "events.jsonl").exists():
        return []
    lines, _, _ = (folder / "events.jsonl").read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in lines.splitlines()]
