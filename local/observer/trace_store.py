"""Keeps the newest traces in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.observer.otlp import ReceivedSpan

MAX_TRACES = 300


@dataclass(slots=True)
class ReceivedTrace:
    """The spans of one turn, as received so far."""

    trace_id: str
    spans: dict[str, ReceivedSpan] = field(default_factory=dict)

    @property
    def start_ns(self) -> int:
        return min(span.start_ns for span in self.spans.values())

    @property
    def end_ns(self) -> int:
        return max(span.end_ns for span in self.spans.values())

    @property
    def root(self) -> ReceivedSpan:
        """The span without a parent in this trace; the earliest of several."""
        roots = [span for span in self.spans.values() if span.parent_id not in self.spans]
        return min(roots or self.spans.values(), key=lambda span: span.start_ns)

    @property
    def failed(self) -> bool:
        return any(span.failed for span in self.spans.values())

    def walk(self) -> Iterator[tuple[int, ReceivedSpan]]:
        """Yield each span with its depth, every parent before its children, by start."""
        children: dict[str, list[ReceivedSpan]] = {}
        for span in sorted(self.spans.values(), key=lambda span: span.start_ns):
            parent = span.parent_id if span.parent_id in self.spans else ""
            children.setdefault(parent, []).append(span)
        waiting = [(0, span) for span in reversed(children.get("", []))]
        while waiting:
            depth, span = waiting.pop()
            yield depth, span
            below = reversed(children.get(span.span_id, []))
            waiting += [(depth + 1, child) for child in below]

    def as_json(self) -> dict[str, Any]:
        """Return the trace for programs; times are ms after its start."""
        return {
            "trace_id": self.trace_id,
            "start_unix_ns": str(self.start_ns),
            "spans": [
                {
                    "span_id": span.span_id,
                    "parent_id": span.parent_id,
                    "depth": depth,
                    "name": span.name,
                    "service": span.service,
                    "kind": span.kind.name.lower(),
                    "start_ms": (span.start_ns - self.start_ns) / 1e6,
                    "end_ms": (span.end_ns - self.start_ns) / 1e6,
                    "failed": span.failed,
                    "error": span.error,
                    "attributes": dict(span.attributes),
                }
                for depth, span in self.walk()
            ],
        }


class TraceStore:
    """The newest ``MAX_TRACES`` traces; spans of one trace may come in several requests."""

    def __init__(self, most: int = MAX_TRACES) -> None:
        self._most = most
        self._traces: dict[str, ReceivedTrace] = {}

    def add(self, spans: Iterable[ReceivedSpan]) -> None:
        for span in spans:
            trace = self._traces.setdefault(span.trace_id, ReceivedTrace(span.trace_id))
            trace.spans[span.span_id] = span
        while len(self._traces) > self._most:
            del self._traces[next(iter(self._traces))]

    def find(self, trace_id: str) -> ReceivedTrace | None:
        return self._traces.get(trace_id)

    def newest_first(self) -> list[ReceivedTrace]:
        return sorted(self._traces.values(), key=lambda trace: trace.start_ns, reverse=True)
