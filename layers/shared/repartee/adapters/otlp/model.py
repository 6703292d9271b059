"""OTLP/JSON of a turn's spans (opentelemetry-proto 1.x, ``ExportTraceServiceRequest``).

The JSON follows https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: lowerCamelCase
names, hexadecimal ids, numbers of enums, and 64-bit numbers as decimal text.
"""

import json
from itertools import groupby
from typing import Any

from repartee.domain.tracing.attributes import ERROR_TYPE
from repartee.domain.tracing.spans import AttributeValue, Span, Trace

_NANOS_PER_MS = 1_000_000
_STATUS_UNSET, _STATUS_ERROR = 0, 2
_SCOPE = {"name": "repartee"}


def encode(trace: Trace, stack: str) -> bytes:
    """Return the request that posts the spans, grouped by the function that did the work.

    Args:
        trace: The spans of one turn.
        stack: The name of the stack, which becomes the namespace of the functions.
    """
    by_function = sorted(trace, key=lambda span: span.function)
    request = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(_resource(function, stack))},
                "scopeSpans": [{"scope": _SCOPE, "spans": [_span(span) for span in spans]}],
            }
            for function, spans in groupby(by_function, key=lambda span: span.function)
        ]
    }
    return json.dumps(request, separators=(",", ":")).encode()


def _resource(function: str, stack: str) -> dict[str, AttributeValue]:
    return {"service.name": function, "service.namespace": stack, "cloud.provider": "aws"}


def _span(span: Span) -> dict[str, Any]:
    failed = bool(span.error_type)
    more: dict[str, AttributeValue] = {ERROR_TYPE: span.error_type} if failed else {}
    encoded = {
        "traceId": span.context.trace_id,
        "spanId": span.context.span_id,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.started_ms * _NANOS_PER_MS),
        "endTimeUnixNano": str(span.ended_ms * _NANOS_PER_MS),
        "attributes": _attributes({**span.attributes, **more}),
        "status": {"code": _STATUS_ERROR if failed else _STATUS_UNSET},
    }
    return {**encoded, "parentSpanId": span.parent_id} if span.parent_id else encoded


def _attributes(values: "dict[str, AttributeValue]") -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: AttributeValue) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
