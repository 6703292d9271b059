"""When Gemini's side knew what, read from the simulator's own record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.gemini.live.records import read_events


@dataclass(frozen=True, slots=True)
class HearingTimes:
    """One utterance at Gemini's side, Unix time in ms.

    Attributes:
        speech_ended_ms: Its end was known: enough silence had come.
        heard_ms: It was decoded into words.
    """

    speech_ended_ms: float
    heard_ms: float


def hearing_times_after(records: Path, unix_ms: float) -> HearingTimes:
    """Return the moments of the first utterance that ended after ``unix_ms``, in any connection.

    Args:
        records: The simulator's folder, one folder per connection.
        unix_ms: When the utterance was sent; nobody else may be speaking.

    Raises:
        RuntimeError: There is none.
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
