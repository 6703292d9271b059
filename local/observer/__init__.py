"""The observer: an HTTP server with operators' pages, and the collector of the functions' traces.

Its port is the last of the stack's ports. ``/dashboard`` draws the dashboards of the
template, ``/traces`` lists turns, ``/traces/ID`` draws one.
"""

from local.observer.server import Observer
from local.observer.trace_store import TraceStore

__all__ = ["Observer", "TraceStore"]
