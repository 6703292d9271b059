"""Spans of a turn, and their W3C trace context (https://www.w3.org/TR/trace-context/)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

type AttributeValue = str | int | float | bool

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_SAMPLED = "01"
_TRACE_ID_DIGITS, _SPAN_ID_DIGITS = 32, 16


class SpanKind(IntEnum):
    """The role of a span, with the numbers of OpenTelemetry's protocol."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span that other functions continue.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
    """

    trace_id: str
    span_id: str

    @classmethod
    def of(cls, trace: str, span: str) -> "TraceContext":
        """Return the ids of a span, derived from names.

        The same names give the same ids, so a turn needs no stored ids. A name that contains an id
        of a session makes them unique.

        Args:
            trace: The name of the trace.
            span: The name of the span in its trace.
        """
        trace_id = _digits(trace, _TRACE_ID_DIGITS)
        return cls(trace_id, _digits(f"{trace_id}/{span}", _SPAN_ID_DIGITS))

    @classmethod
    def read(cls, traceparent: str) -> "TraceContext | None":
        """Return the context that a ``traceparent`` holds; None if it holds none."""
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is None or not (match[1].strip("0") and match[2].strip("0")):
            return None
        return cls(match[1], match[2])

    def child(self, span: str) -> "TraceContext":
        """Return the ids of another span of this trace."""
        return TraceContext(self.trace_id, _digits(f"{self.trace_id}/{span}", _SPAN_ID_DIGITS))

    @property
    def traceparent(self) -> str:
        """The context as W3C's header."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED}"


def _digits(name: str, count: int) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:count]


@dataclass(frozen=True, slots=True)
class Span:
    """A finished piece of work.

    Attributes:
        context: The ids.
        parent_id: The id of the parent; "" for the root.
        function: The name of the function that did the work, without the stack's name.
        started_ms: Unix time in ms.
        ended_ms: Unix time in ms.
        attributes: Facts, without speech, text, arguments and user ids.
        error_type: The type of the failure; "" if the work did not fail.
    """

    context: TraceContext
    parent_id: str
    name: str
    function: str
    kind: SpanKind
    started_ms: int
    ended_ms: int
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    error_type: str = ""


type Trace = tuple[Span, ...]
