"""The trace context of a question, in the client context of Lambda's invocation.

A field of the event would be refused by core_agent of version 0.1.0, which runs beside this version
during a deployment and after a roll-back. It ignores a client context.
"""

import base64
import json

_TRACEPARENT = "traceparent"


def write_trace_context(traceparent: str) -> str:
    """Return the client context, as the SDK expects it."""
    return base64.b64encode(json.dumps({"custom": {_TRACEPARENT: traceparent}}).encode()).decode()


def read_trace_context(context: object) -> str:
    """Return the ``traceparent`` that Lambda's context object holds, "" if it holds none."""
    custom = getattr(getattr(context, "client_context", None), "custom", None)
    traceparent = custom.get(_TRACEPARENT) if isinstance(custom, dict) else None
    return traceparent if isinstance(traceparent, str) else ""
