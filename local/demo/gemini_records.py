"""The Gemini simulator's own record of what it heard and said, read from its folder."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REPLY = re.compile(r"turn-(\d+)\.pcm")


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
