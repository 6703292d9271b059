"""Reads OTLP/JSON trace requests (opentelemetry-proto 1.x, ``ExportTraceServiceRequest``).

These models are independent of those that the functions write with, so that a wrong name in one of
them is found. As the specification wants, ids are hexadecimal, 64-bit numbers are decimal text, and
unknown fields are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

type Scalar = str | int | float | bool
type Value = Scalar | tuple[Scalar, ...]
# ns of Unix time, up to the year 2262. Later times cannot be shown.
type _Instant = Annotated[int, Field(gt=0, lt=2**63)]


class SpanKind(IntEnum):
    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it was received.

    Args:
        service: The ``service.name`` of its resource.
        parent_id: The parent's id; "" for a root.
        error: The message of a failed span; "" if it did not fail or has no message.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value]
    failed: bool
    error: str


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class _ArrayValue(_Model):
    values: tuple["_AnyValue", ...] = ()


class _AnyValue(_Model):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None
    array_value: _ArrayValue | None = None

    def value(self) -> Value:
        if self.array_value is not None:
            return tuple(one.scalar() for one in self.array_value.values)
        return self.scalar()

    def scalar(self) -> Scalar:
        known = (self.string_value, self.bool_value, self.int_value, self.double_value)
        return next((value for value in known if value is not None), "")


class _KeyValue(_Model):
    key: str
    value: _AnyValue


class _Status(_Model):
    code: int = 0
    message: str = ""


class _Span(_Model):
    trace_id: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")]
    span_id: Annotated[str, Field(pattern="^[0-9a-fA-F]{16}$")]
    parent_span_id: Annotated[str, Field(pattern="^([0-9a-fA-F]{16})?$")] = ""
    name: Annotated[str, Field(min_length=1)]
    kind: SpanKind = SpanKind.UNSPECIFIED
    start_time_unix_nano: _Instant
    end_time_unix_nano: _Instant
    attributes: tuple[_KeyValue, ...] = ()
    status: _Status = _Status()


class _ScopeSpans(_Model):
    spans: tuple[_Span, ...] = ()


class _Resource(_Model):
    attributes: tuple[_KeyValue, ...] = ()


class _ResourceSpans(_Model):
    resource: _Resource = _Resource()
    scope_spans: tuple[_ScopeSpans, ...] = ()


class _Request(_Model):
    resource_spans: tuple[_ResourceSpans, ...] = ()


_FAILED = 2


def read_spans(body: bytes) -> list[ReceivedSpan]:
    """Return the spans of a request.

    Raises:
        pydantic.ValidationError: The body is no trace request.
    """
    return [
        _received(span, _attributes(one.resource.attributes))
        for one in _Request.model_validate_json(body).resource_spans
        for scope in one.scope_spans
        for span in scope.spans
    ]


def _received(span: _Span, resource: Mapping[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id=span.parent_span_id.lower(),
        name=span.name,
        service=str(resource.get("service.name", "")),
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        failed=span.status.code == _FAILED,
        error=span.status.message if span.status.code == _FAILED else "",
    )


def _attributes(pairs: tuple[_KeyValue, ...]) -> dict[str, Value]:
    return {pair.key: pair.value.value() for pair in pairs}
