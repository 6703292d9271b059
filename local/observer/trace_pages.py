"""The pages of traces: the list of turns, and the waterfall of one turn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from aiohttp import web

from local.observer.otlp import ReceivedSpan, Value
from local.observer.pages import page
from local.observer.trace_store import ReceivedTrace

CONVERSATION = "gen_ai.conversation.id"
TURN = "repartee.turn"
_NANOS_PER_MS = 1_000_000
_GRID_PARTS = 4
_COLOURS, _DEEPEST = 5, 6


def list_page(traces: Sequence[ReceivedTrace]) -> web.Response:
    """Return the list of turns.

    Args:
        traces: The traces, newest first.
    """
    if not traces:
        return page("Traces", "<p>No turn is over yet. Hold a conversation, then reload.</p>")
    rows = "".join(_row(trace) for trace in traces)
    return page(
        "Traces",
        f"""<table>
<caption>The newest {len(traces)} turns</caption>
<thead><tr><th scope="col">Start (UTC)</th><th scope="col">Turn</th>
<th scope="col">Conversation</th><th scope="col" class="number">Spans</th>
<th scope="col" class="number">Duration</th><th scope="col">Result</th></tr></thead>
<tbody>{rows}</tbody>
</table>""",
    )


def _row(trace: ReceivedTrace) -> str:
    root = trace.root
    number = root.attributes.get(TURN, "")
    name = f"{root.name} {number}" if number != "" else root.name
    return (
        f"<tr><td>{_time(trace.start_ns)}</td>"
        f'<td><a href="/traces/{trace.trace_id}">{escape(name)}</a></td>'
        f"<td>{escape(str(root.attributes.get(CONVERSATION, '')))}</td>"
        f'<td class="number">{len(trace.spans)}</td>'
        f'<td class="number">{_ms(trace.end_ns - trace.start_ns)}</td>'
        f"<td>{_result(failed=trace.failed)}</td></tr>"
    )


def trace_page(trace: ReceivedTrace) -> web.Response:
    """Return the waterfall of one turn."""
    spans = list(trace.walk())
    services = list(dict.fromkeys(span.service for _, span in spans))
    colours = {name: f"s{index % _COLOURS}" for index, name in enumerate(services)}
    keys = "".join(
        f'<li><span class="key {colours[name]}"></span>{escape(name)}</li>' for name in services
    )
    rows = "".join(_span_row(trace, depth, span, colours[span.service]) for depth, span in spans)
    root = trace.root
    number = root.attributes.get(TURN, "")
    return page(
        f"{root.name} {number}".strip(),
        f"""<p>{_time(trace.start_ns)} UTC, {_ms(trace.end_ns - trace.start_ns)},
{len(spans)} spans, trace <code>{trace.trace_id}</code>
(<a href="/traces/{trace.trace_id}.json">JSON</a>)</p>
<ul class="services" aria-label="Functions">{keys}</ul>
<table>
<caption>Spans, each below the span that caused it. Times begin with the first span.</caption>
<thead><tr><th scope="col">Span</th><th scope="col">Function</th>
<th scope="col" class="number">Start</th><th scope="col" class="number">Duration</th>
<th scope="col">Time line {_scale(trace)}</th></tr></thead>
<tbody>{rows}</tbody>
</table>""",
    )


def missing_page() -> web.Response:
    """Return the page for a trace that is not there."""
    body = '<p>It is not here, or newer turns have replaced it. See <a href="/traces">all</a>.</p>'
    return page("No such trace", body, status=404)


def _span_row(trace: ReceivedTrace, depth: int, span: ReceivedSpan, colour: str) -> str:
    whole = max(1, trace.end_ns - trace.start_ns)
    left = 100 * (span.start_ns - trace.start_ns) / whole
    width = 100 * max(0, span.end_ns - span.start_ns) / whole
    look = "failed-bar" if span.failed else colour
    bar = (
        f'<svg aria-hidden="true">{_grid()}'
        # A span of no length is still seen.
        f'<rect class="{look}" x="{left:.3f}%" y="0.25rem" width="{max(width, 0.15):.3f}%" '
        'height="1rem" rx="2"/></svg>'
    )
    details = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(_text(value))}</dd>"
        for key, value in sorted(span.attributes.items())
    )
    error = f'<p class="failed">{escape(span.error or "failed")}</p>' if span.failed else ""
    indent = f"d{min(depth, _DEEPEST)}"
    return (
        f'<tr><td class="name"><details class="{indent}"><summary>{escape(span.name)}</summary>'
        f"<dl>{details}</dl></details>{error}</td>"
        f"<td>{escape(span.service)}</td>"
        f'<td class="number">{_ms(span.start_ns - trace.start_ns)}</td>'
        f'<td class="number">{_ms(span.end_ns - span.start_ns)}</td>'
        f'<td class="bar">{bar}</td></tr>'
    )


def _grid() -> str:
    return "".join(
        f'<line class="grid" x1="{100 * part / _GRID_PARTS:g}%" '
        f'x2="{100 * part / _GRID_PARTS:g}%" y1="0" y2="100%"/>'
        for part in range(_GRID_PARTS + 1)
    )


def _scale(trace: ReceivedTrace) -> str:
    whole = trace.end_ns - trace.start_ns
    marks = "".join(
        f'<text x="{100 * part / _GRID_PARTS:g}%" y="1rem" text-anchor="{anchor}">'
        f"{_ms(whole * part // _GRID_PARTS)}</text>"
        for part, anchor in enumerate(("start", "middle", "middle", "middle", "end"))
    )
    return f'<svg aria-hidden="true">{marks}</svg>'


def _result(*, failed: bool) -> str:
    return '<span class="failed">failed</span>' if failed else "good"


def _text(value: Value) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _ms(nanos: int) -> str:
    return f"{nanos / _NANOS_PER_MS:,.0f} ms"


def _time(nanos: int) -> str:
    return f"{datetime.fromtimestamp(nanos / 1e9, UTC):%Y-%m-%d %H:%M:%S}"
