"""Draws what a dashboard shows, on its grid of 24 columns."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from local.cloudwatch.alarms import AlarmState
from local.dashboard.canvas import (
    CARD,
    GROUND,
    INK,
    LINE,
    QUIET,
    WIDTH_PX,
    Canvas,
    columns_px,
    shortened,
)
from local.dashboard.graphs import draw_graph
from local.dashboard.views import Alarms, DashboardView, Graph, Logs, Numbers, Text
from local.insights.search import Instant, Value

_UNIT_PX = 50
_GAP_PX = 5
_HEADER_PX = 48
_PADDING_PX = 12
_STATES = {
    AlarmState.OK: ("#1d8102", "#eef6ec", "OK"),
    AlarmState.ALARM: ("#d13212", "#fdf0ed", "In alarm"),
    AlarmState.INSUFFICIENT_DATA: ("#687078", "#f4f4f4", "Insufficient data"),
}
_LINK = re.compile(r"\[([^]]+)\]\(([^)]+)\)")
_CHARACTER_PX = 6.05
_ROW_PX = 17


@dataclass(frozen=True, slots=True)
class Card:
    """The rectangle of a widget, in pixels."""

    x: float
    y: float
    width: float
    height: float


def draw(dashboard: DashboardView) -> Canvas:
    """Draw a dashboard.

    Raises:
        NotInstalledError: matplotlib is missing.
    """
    rows = max(placed.y + placed.height for placed in dashboard.views)
    canvas = Canvas(_HEADER_PX + rows * _UNIT_PX + 2 * _GAP_PX)
    canvas.text(_PADDING_PX, 31, dashboard.name, size=18, bold=True)
    span = f"{_time(dashboard.start_ms)} to {_time(dashboard.end_ms)} UTC"
    canvas.text(WIDTH_PX - _PADDING_PX - canvas.width_of(span, size=12), 31, span, size=12)
    unit_px = WIDTH_PX / 24
    for placed in dashboard.views:
        card = Card(
            placed.x * unit_px + _GAP_PX,
            _HEADER_PX + placed.y * _UNIT_PX + _GAP_PX,
            placed.width * unit_px - 2 * _GAP_PX,
            placed.height * _UNIT_PX - 2 * _GAP_PX,
        )
        match placed.view:
            case Text() as text:
                _draw_text(canvas, card, text)
            case Graph() as graph:
                inner = _titled(canvas, card, graph.title)
                area = (inner.x, inner.y, inner.width, inner.height)
                draw_graph(canvas, area, graph, dashboard.start_ms, dashboard.end_ms)
            case Numbers() as numbers:
                _draw_numbers(canvas, _titled(canvas, card, numbers.title), numbers)
            case Alarms() as alarms:
                _draw_alarms(canvas, _titled(canvas, card, alarms.title), alarms)
            case Logs() as logs:
                _draw_table(canvas, _titled(canvas, card, logs.title), logs)
            case _:
                assert_never(placed.view)
    return canvas


def _time(at_ms: float) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _titled(canvas: Canvas, card: Card, title: str) -> Card:
    """Draw the frame and the title of a widget; return the rest of its rectangle."""
    canvas.box(card.x, card.y, card.width, card.height, fill=CARD, edge=LINE)
    canvas.text(card.x + _PADDING_PX, card.y + 22, title, size=12.5, bold=True)
    top_px = 34
    return Card(card.x, card.y + top_px, card.width, card.height - top_px)


def _draw_text(canvas: Canvas, card: Card, text: Text) -> None:
    x, y = card.x + _PADDING_PX, card.y + 24
    if text.has_background:
        canvas.box(card.x, card.y, card.width, card.height, fill=CARD, edge=LINE)
    else:
        x, y = card.x + 2, card.y + 28
    for paragraph in text.markdown.split("\n"):
        heading = paragraph.removeprefix("## ")
        if heading != paragraph:
            canvas.text(x, y, heading, size=16, bold=True)
            y += 24
            continue
        link = _LINK.fullmatch(paragraph)
        plain = _LINK.sub(r"\1", paragraph)
        for line in textwrap.wrap(plain, int((card.width - 2 * _PADDING_PX) / 6.6)) or [""]:
            canvas.text(x, y, line, size=12, url=link[2] if link else None)
            y += 18


def _draw_numbers(canvas: Canvas, inner: Card, numbers: Numbers) -> None:
    count = len(numbers.numbers)
    columns = 1 if count < 2 else 2
    rows = -(-count // columns)
    for number, (label, value) in enumerate(numbers.numbers.items()):
        x = inner.x + _PADDING_PX + number % columns * inner.width / columns
        y = inner.y + number // columns * inner.height / rows
        shown = "no data" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        canvas.text(x, y + inner.height / rows / 2, shown, size=26, bold=True)
        canvas.text(x, y + inner.height / rows / 2 + 22, label, size=11, color=QUIET)


def _draw_alarms(canvas: Canvas, inner: Card, alarms: Alarms) -> None:
    columns = max(1, int(inner.width / 230))
    rows = -(-len(alarms.states) // columns)
    width = (inner.width - 2 * _PADDING_PX) / columns
    height = min(44.0, (inner.height - _PADDING_PX) / max(1, rows))
    for number, (name, state) in enumerate(alarms.states.items()):
        x = inner.x + _PADDING_PX + number % columns * width
        y = inner.y + number // columns * height
        color, tint, words = _STATES[state]
        canvas.box(x, y, width - 6, height - 5, fill=tint)
        canvas.box(x, y, 4, height - 5, fill=color)
        middle = y + (height - 5) / 2
        canvas.text(x + 12, middle - 2, name, size=11)
        canvas.text(x + 12, middle + 12, words, size=10, color=color, bold=True)


def _draw_table(canvas: Canvas, inner: Card, logs: Logs) -> None:
    available_px = inner.width - 2 * _PADDING_PX
    room = int((inner.height - _PADDING_PX) / _ROW_PX) - 1
    shown = logs.table.rows if len(logs.table.rows) <= room else logs.table.rows[: room - 1]
    cells: list[Sequence[str]] = [
        logs.table.columns,
        *(tuple(map(_cell, row)) for row in shown),
    ]
    widths = columns_px(cells, available_px, _CHARACTER_PX, 16)
    y = inner.y + 10
    for number, row in enumerate(cells):
        x = inner.x + _PADDING_PX
        if number % 2 == 0 and number:
            canvas.box(x - 4, y - 12, available_px + 8, _ROW_PX, fill=GROUND)
        for width, cell in zip(widths, row, strict=True):
            text = shortened(cell, width - 12, _CHARACTER_PX)
            canvas.text(
                *(x, y, text),
                size=10,
                monospace=True,
                bold=number == 0,
                color=INK if number else QUIET,
            )
            x += width
        y += _ROW_PX
    left_out = len(logs.table.rows) - len(shown)
    if left_out:
        canvas.text(inner.x + _PADDING_PX, y, f"{left_out} more", size=10, color=QUIET)
    if not logs.table.rows:
        canvas.text(inner.x + _PADDING_PX, y + 4, "No log event matches.", color=QUIET)


def _cell(value: Value) -> str:
    match value:
        case None | "":
            return "-"
        case Instant():
            if value % 60_000 == 0:
                return _time(value)
            return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        case float() if value.is_integer():
            return f"{value:.0f}"
        case float():
            return f"{value:.4g}"
    return value
