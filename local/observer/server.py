"""The HTTP API of the observer; it serves this machine alone."""

from pathlib import Path

from aiohttp import web
from pydantic import ValidationError

from local.observer.dashboard_pages import DashboardPages
from local.observer.otlp import read_spans
from local.observer.pages import STYLE
from local.observer.trace_pages import list_page, missing_page, trace_page
from local.observer.trace_store import TraceStore

MAX_REQUEST_BYTES = 1_000_000


class Observer:
    """Takes traces, and serves the pages.

    Args:
        run_directory: The folder of the run, for the dashboards.
        traces: Keeps the traces.
    """

    def __init__(self, run_directory: Path, traces: TraceStore | None = None) -> None:
        self.traces = traces or TraceStore()
        self._dashboards = DashboardPages(run_directory)

    def application(self) -> web.Application:
        """Return the application."""
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes(
            [
                web.get("/", self._start),
                web.get("/observer.css", self._style),
                web.post("/v1/traces", self._take),
                web.get("/dashboard", self._dashboards.show),
                web.get("/traces", self._list),
                web.get("/traces/{trace_id:[0-9a-f]{32}}.json", self._json),
                web.get("/traces/{trace_id}", self._trace),
            ]
        )
        return application

    async def _start(self, _request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/traces"})

    async def _style(self, _request: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def _take(self, request: web.Request) -> web.Response:
        # A page of another site cannot send this type without asking first.
        if request.content_type != "application/json":
            return web.json_response({"message": "send application/json"}, status=415)
        try:
            spans = read_spans(await request.read())
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
            return web.json_response({"message": str(details)}, status=400)
        self.traces.add(spans)
        return web.json_response({"partialSuccess": {}})

    async def _list(self, _request: web.Request) -> web.Response:
        return list_page(self.traces.newest_first())

    async def _trace(self, request: web.Request) -> web.Response:
        trace = self.traces.find(request.match_info["trace_id"])
        return missing_page() if trace is None else trace_page(trace)

    async def _json(self, request: web.Request) -> web.Response:
        trace = self.traces.find(request.match_info["trace_id"])
        if trace is None:
            return web.json_response({"message": "no such trace"}, status=404)
        return web.json_response(trace.as_json())
