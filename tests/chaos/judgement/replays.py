"""Reads and replays the sessions that the workers of a run recorded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repartee.domain.session.replay.recording import RecordingUnreadable, replay
from repartee.domain.session.timing import FORCED_HAND_OVER_MS
from tests.personas import LIVE_PERSONA

RECORDINGS = "recordings"
"""The folder of the recordings, below the stack's folder."""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The recording of one lease.

    Attributes:
        name: The session's id and the epoch.
        difference: Where the replay differs from the recording; "" if it does not.
        hands_over: Whether the worker left because its time ran out.
        is_forced: Whether it left during a turn.
        is_fenced: Whether it left because another worker had taken its lease.
    """

    name: str
    difference: str
    hands_over: bool
    is_forced: bool
    is_fenced: bool = False


def recordings_of(folder: Path, session_id: str) -> Sequence[Path]:
    """Return the recordings of a session, oldest lease first."""
    return sorted(folder.glob(f"{session_id}-*.jsonl"))


def read_lease(path: Path) -> LeaseRecord:
    """Read and replay one recording. The call takes long."""
    lines = whole_lines(path)
    is_forced = any(_is_forced(line) for line in lines)
    hands_over, is_fenced = (
        any(f'{{"enum":"FinishReason","name":"{reason}"}}' in line for line in lines)
        for reason in ("HAND_OVER", "FENCED")
    )
    is_forced = hands_over and is_forced
    return LeaseRecord(path.stem, _difference(lines), hands_over, is_forced, is_fenced)


def whole_lines(path: Path) -> list[str]:
    """Return all lines, without an incomplete last one of a killed worker."""
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()


def _difference(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    try:
        _, found = replay(lines, LIVE_PERSONA)
    except RecordingUnreadable as error:
        return f"line {error.line} is not a line of a recording: {error}"
    except Exception as error:  # noqa: BLE001 - any error of the machine is a difference
        notes = " ".join(getattr(error, "__notes__", ()))
        return f"{type(error).__name__}: {error}. {notes}"
    if found is None:
        return ""
    return (
        f"line {found.line}: {found.place} was {found.recorded[:200]}, "
        f"is {found.replayed[:200]} in the replay"
    )


def _is_forced(line: str) -> bool:
    if '"TimeRunningOut"' not in line:
        return False
    remaining_ms: int = json.loads(line)["event"]["remaining_ms"]
    return remaining_ms <= FORCED_HAND_OVER_MS
