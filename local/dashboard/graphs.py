"""Draws lines over time, with the legend below them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from local.dashboard.body import Axis
from local.dashboard.canvas import INK, LINE, QUIET, Canvas
from local.dashboard.views import Graph, Line

_COLORS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"),
    *("#8c564b", "#e377c2", "#17becf", "#bcbd22", "#7f7f7f"),
)
_AXIS_PX, _MARGIN_PX = 46, 14
_LEGEND_ROW_PX = 15


def draw_graph(
    canvas: Canvas,
    area: tuple[float, float, float, float],
    graph: Graph,
    start_ms: int,
    end_ms: int,
) -> None:
    """Draw a graph.

    Args:
        canvas: The page.
        area: Its place: left, top, width and height in pixels.
        graph: Its lines.
        start_ms: The start of the time axis, in Unix ms.
        end_ms: The end of the time axis.
    """
    x, y, width, height = area
    lines = [
        (line, line.color or _COLORS[number % len(_COLORS)])
        for number, line in enumerate(graph.lines)
    ]
    entries = list(_flowed(canvas, lines, width - 2 * _MARGIN_PX))
    rows = 1 + max((row for _, _, row, _ in entries), default=0)
    legend_px = rows * _LEGEND_ROW_PX
    has_right = any(line.is_right for line in graph.lines)
    plot_width = width - _AXIS_PX - (_AXIS_PX if has_right else _MARGIN_PX)
    axes = canvas.axes(x + _AXIS_PX, y + 2, plot_width, height - legend_px - 38)
    _dress(axes, start_ms, end_ms)
    left = [(line, color) for line, color in lines if not line.is_right]
    if graph.is_stacked:
        _stack(axes, left)
    else:
        _plot(axes, left)
    for label, value in graph.levels.items():
        axes.axhline(value, color="#d13212", linewidth=1, linestyle="--")
        axes.annotate(
            f"{label}: {value:,g}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 3),
            textcoords="offset points",
            horizontalalignment="right",
            fontsize=9,
            color="#d13212",
        )
    _scale(axes, [line for line, _ in left], graph.left)
    if has_right:
        other = axes.twinx()
        right = [(line, color) for line, color in lines if line.is_right]
        _dress(other, start_ms, end_ms)
        other.grid(visible=False)
        _plot(other, right)
        _scale(other, [line for line, _ in right], graph.right)
    if not graph.has_data:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color=QUIET)
    for line, color, row, offset in entries:
        legend_y = y + height - legend_px + row * _LEGEND_ROW_PX
        canvas.box(x + _MARGIN_PX + offset, legend_y - 8, 9, 9, fill=color)
        shade = INK if line.series else QUIET
        canvas.text(x + _MARGIN_PX + offset + 13, legend_y, line.label, size=10, color=shade)


def _flowed(
    canvas: Canvas, lines: Sequence[tuple[Line, str]], width: float
) -> Iterator[tuple[Line, str, int, float]]:
    """Yield the row and the offset of each entry of the legend."""
    row, offset = 0, 0.0
    for line, color in lines:
        needed = 13 + canvas.width_of(line.label, size=10) + 14
        if offset and offset + needed > width:
            row, offset = row + 1, 0.0
        yield line, color, row, offset
        offset += needed


def _dress(axes: Any, start_ms: int, end_ms: int) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_xlim(_moment(start_ms), _moment(end_ms))
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    axes.tick_params(labelsize=9.5, colors=QUIET, length=3, color=LINE)
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(y=0.08)
    axes.set_facecolor("none")
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)


def _plot(axes: Any, lines: Sequence[tuple[Line, str]]) -> None:
    for line, color in lines:
        times = [_moment(at) for at in line.series]
        axes.plot(
            times,
            list(line.series.values()),
            color=color,
            linewidth=1.6,
            marker="o",
            markersize=3.5,
            clip_on=False,
        )


def _stack(axes: Any, lines: Sequence[tuple[Line, str]]) -> None:
    below: dict[int, float] = {}
    for line, color in lines:
        stamps = list(line.series)
        axes.bar(
            [_moment(at) for at in stamps],
            list(line.series.values()),
            bottom=[below.get(at, 0.0) for at in stamps],
            # In days, matplotlib's unit of time.
            width=line.period_s / 86_400 * 0.9,
            align="edge",
            color=color,
        )
        for at, value in line.series.items():
            below[at] = below.get(at, 0.0) + value


def _scale(axes: Any, lines: Sequence[Line], ends: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    bottom, top = axes.get_ylim()
    lowest = bottom if ends.min is None else ends.min
    highest = max((value for line in lines for value in line.series.values()), default=lowest)
    if ends.max is not None:
        top = ends.max
    elif highest <= lowest:
        top = lowest + 1
    axes.set_ylim(lowest, top)
    whole = all(value.is_integer() for line in lines for value in line.series.values())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))


def _tick(value: float, _place: object) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:,g}k"
    return f"{value:,.4g}"


def _moment(at_ms: float) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
