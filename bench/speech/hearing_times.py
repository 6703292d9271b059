"""Reads the times of speech recognition from the simulator's records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.gemini.live.records import read_events


@dataclass(frozen=True, slots=True)
class HearingTimes:
    """The times of one utterance at Gemini's side, as Unix time in ms.

    Attributes:
        speech_ended_ms: The detection of its end, after enough silence.
        heard_ms: The end of its recognition.
    """

    speech_ended_ms: float
    heard_ms: float


def hearing_times_after(records: Path, unix_ms: float) -> HearingTimes:
    """Return the times of the first utterance that ended after ``unix_ms``, in any connection.

    Args:
        records: The simulator's folder, with one folder per connection.
        unix_ms: The time at which the only present utterance was sent.

    Raises:
        RuntimeError: There is no such utterance.
    """
    events = sorted(_events(records))
    ended = min((at for at, kind in events if kind == "speech_ended" and at >= unix_ms), default=0)
    heard = min((at for at, kind in events if kind == "heard" and at >= ended > 0), default=0)
    if not ended or not heard:
        raise RuntimeError("the simulator recorded no utterance")
    return HearingTimes(ended, heard)


def _events(records: Path) -> Iterator[tuple[float, str]]:
    for path in records.glob("*/events.jsonl"):
        for event in read_events(path.parent):
            yield datetime.fromisoformat(event["at"]).timestamp() * 1_000, event["kind"]
