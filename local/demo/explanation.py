"""Explains a failed demo from the simulator's records: what happened to each recording."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import audioop

from local.demo.recorded_script import word_error_rate
from local.gemini.live.records import RecordedConnection

# A higher word error may be the cause of a failure.
MAX_WORD_ERROR = 0.20
_BYTES_PER_MS = 32
_STEP_MS = 20
_STEP_BYTES = _STEP_MS * _BYTES_PER_MS
_LOUD = 500
# The detector finds the start of speech a little before or after the start of the recording.
_TOLERANCE_MS = 400

_WRAPPERS = ("output", "result", "content")

_NOT_UNDERSTOOD = re.compile(r"\b(?:not|n't) (?:quite )?under(?:stand|stood)\b")

type Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentRecording:
    """One recording that the demo sent.

    Attributes:
        words: The words in it, None if they are not known.
    """

    name: str
    pcm: bytes
    words: str | None = None

    @property
    def duration_ms(self) -> int:
        return len(self.pcm) // _BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened to one recording on Gemini's side.

    Attributes:
        received_ms: The length of the audio that arrived, from its beginning.
        is_found: Whether the simulator detected speech in it.
        heard: The transcript.
        is_passed_on: Whether the model asked the core agent.
        calls: The calls of the core agent's tools.
        results: Their results, by tool.
        said: The spoken answers.
    """

    sent: SentRecording
    received_ms: int
    is_found: bool = False
    heard: str = ""
    is_passed_on: bool = False
    calls: Sequence[Event] = ()
    results: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""

    def line(self) -> str:
        """Return the trace as one line."""
        arrived = "all" if self.is_whole else f"only {self.received_ms:,} ms"
        parts = [f"{self.sent.duration_ms:,} ms sent, {arrived} received"]
        parts.append("speech found" if self.is_found else "no speech found")
        if self.is_found:
            parts.append(f"heard “{self.heard}”")
        if self.is_passed_on:
            parts.append("understood as a request to the core agent")
        for call in self.calls:
            values = ", ".join(f"{name}={value}" for name, value in call["args"].items())
            outcome = _outcome(self.results.get(call["name"]))
            parts.append(f"{call['name']}({values}) → {outcome}")
        if self.said:
            parts.append(f"answered “{self.said}”")
        return f"  {self.sent.name}: {'; '.join(parts)}"

    @property
    def is_whole(self) -> bool:
        return self.received_ms >= self.sent.duration_ms

    def fault(self) -> str:
        """Return the part that failed and why, "" if none failed."""
        name, words = self.sent.name, self.sent.words
        if self.received_ms == 0:
            return (
                f"the detection of speech in the server: it passed nothing of {name} on. Record "
                "it louder, or closer to the microphone."
            )
        if not self.is_whole:
            return f"the way to Gemini's side: it lost audio of {name}. This is a bug of Repartee."
        if not self.is_found:
            return f"the simulator's detection of speech: it found none in {name}."
        if not self.heard:
            return f"the simulator's recogniser: it heard no words in {name}."
        for call in self.calls:
            outcome = _outcome(self.results.get(call["name"]))
            if outcome != "done":
                return f"the tool {call['name']} for {name}: {outcome}."
        if not _NOT_UNDERSTOOD.search(self.said):
            return ""
        misheard = " If you said other words, its recogniser failed." if words is None else ""
        return self._mishearing() or (
            f"the simulator's understanding of {name}: it knows no such request."
            f"{misheard} local/gemini/tools/README.md shows how it is taught."
        )

    def doubt(self) -> str:
        """Return a part that may have failed without reporting it, "" if there is none."""
        is_asking = self.is_passed_on and self.said.endswith("?")
        lack = f"the request in {self.sent.name}: it lacks what the last question asks for."
        return self._mishearing() or (lack if is_asking else "")

    def _mishearing(self) -> str:
        name, words = self.sent.name, self.sent.words
        error = word_error_rate(words, self.heard) if words else 0.0
        if error <= MAX_WORD_ERROR:
            return ""
        return f"the simulator's recogniser: it heard {name} with a word error of {error:.0%}."


def explain(
    sent: Sequence[SentRecording],
    connections: Sequence[RecordedConnection],
    chat_events: Sequence[Event],
) -> str:
    """Return a block of text: a line for each recording, and the first part that failed.

    Args:
        sent: The recordings that were sent, in order.
        connections: The simulator's records, oldest first.
        chat_events: The events of its chat model.
    """
    traces = list(_traces(sent, connections, chat_events))
    faults = [*(trace.fault() for trace in traces), *(trace.doubt() for trace in traces)]
    fault = next(filter(None, faults), "")
    if fault:
        verdict = f"The part that failed is {fault}"
    else:
        verdict = (
            "The recordings arrived, and no part reports a failure. Compare “heard” with your "
            "words and the answers with the failed checks."
        )
    return "\n".join(["What happened to each recording:", *(one.line() for one in traces), verdict])


def _traces(
    sent: Sequence[SentRecording],
    connections: Sequence[RecordedConnection],
    chat_events: Sequence[Event],
) -> Iterator[Trace]:
    events = [event for connection in connections for event in connection.events]
    arrivals = [_arrival(one, connections) for one in sent]
    for index, (one, (received_ms, begin)) in enumerate(zip(sent, arrivals, strict=True)):
        if not begin:
            yield Trace(one, received_ms)
            continue
        later = (at for _, at in arrivals[index + 1 :] if at)
        end = next(later, "~")  # after every digit
        during = [event for event in (*events, *chat_events) if begin <= event["at"] < end]
        yield _trace(one, received_ms, during)


def _arrival(sent: SentRecording, connections: Sequence[RecordedConnection]) -> tuple[int, str]:
    """Return the milliseconds that arrived, and when speech was found in them ("" if never)."""
    for connection in connections:
        place = connection.heard.find(sent.pcm)
        if place >= 0:
            first_ms = place // _BYTES_PER_MS - _TOLERANCE_MS
            last_ms = first_ms + sent.duration_ms + 2 * _TOLERANCE_MS
            found = (
                event["at"]
                for event in connection.events
                if event["kind"] == "speech_started" and first_ms <= event["offset_ms"] <= last_ms
            )
            return sent.duration_ms, next(found, "")
    return _received_ms(sent.pcm, connections), ""


def _trace(sent: SentRecording, received_ms: int, events: Sequence[Event]) -> Trace:
    def texts(kind: str, key: str) -> str:
        return " ".join(event[key] for event in events if event["kind"] == kind and event[key])

    chat = [event for event in events if event["kind"] == "chat"]
    return Trace(
        sent,
        received_ms,
        is_found=True,
        heard=texts("heard", "text"),
        is_passed_on="ask_core_agent" in texts("tool_call", "name").split(),
        calls=[call for event in chat for call in event["calls"]],
        results={one["name"]: one["response"] for event in chat for one in event["results"]},
        said=texts("turn_complete", "said"),
    )


def _received_ms(pcm: bytes, connections: Sequence[RecordedConnection]) -> int:
    """Return how much of a recording arrived, counted from its beginning."""
    steps = range(0, len(pcm), _STEP_BYTES)
    first_loud = next((at for at in steps if audioop.max(pcm[at:][:_STEP_BYTES], 2) >= _LOUD), 0)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high + 1) // 2
        is_there = any(pcm[: middle * _STEP_BYTES] in one.heard for one in connections)
        low, high = (middle, high) if is_there else (low, middle - 1)
    # Digital silence is found anywhere.
    return min(low * _STEP_MS, len(pcm) // _BYTES_PER_MS) if low * _STEP_BYTES > first_loud else 0


def _outcome(result: Any) -> str:
    """Return the status of a tool's result, with its reason if it has one."""
    if result is None:
        return "no result"
    values = _innermost(result)
    status = str(values.get("status", "done"))
    why = values.get("reason") or values.get("message")
    return f"{status} ({why})" if status != "done" and why else status


def _innermost(result: Any) -> Mapping[str, Any]:
    """Return the fields of a result, which may be JSON in a field such as ``output``."""
    if isinstance(result, str):
        try:
            result = json.loads(result)
        except ValueError:
            return {}
    if not isinstance(result, dict):
        return {}
    wrapped = next((result[name] for name in _WRAPPERS if result.keys() == {name}), None)
    return result if wrapped is None else _innermost(wrapped)
