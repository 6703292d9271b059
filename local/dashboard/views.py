"""What the widgets of a dashboard show: numbers, lines, states and tables, without any drawing."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.cloudwatch.alarms import AlarmState
from local.cloudwatch.metric_store import Series
from local.dashboard.body import Axis
from local.insights.search import Table


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a graph.

    Args:
        label: Its name in the legend.
        series: Its values.
        period_s: The length of the periods.
        is_right: Whether it belongs to the right axis.
        color: A CSS colour; None leaves the choice.
    """

    label: str
    series: Series
    period_s: int
    is_right: bool = False
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Lines over time.

    Args:
        title: The title of the widget.
        lines: Its lines; those without values are only in the legend.
        is_stacked: Whether the lines of the left axis are added up.
        levels: Values of horizontal lines by label.
        left: The ends of the left axis.
        right: The ends of the right axis.
    """

    title: str
    lines: tuple[Line, ...]
    is_stacked: bool
    levels: Mapping[str, float]
    left: Axis
    right: Axis

    @property
    def has_data(self) -> bool:
        """Whether at least one line has a value."""
        return any(line.series for line in self.lines)


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number for each metric; None without data."""

    title: str
    numbers: Mapping[str, float | None]

    @property
    def has_data(self) -> bool:
        """Whether each number is known."""
        return None not in self.numbers.values()


@dataclass(frozen=True, slots=True)
class Alarms:
    """The states of alarms by name."""

    title: str
    states: Mapping[str, AlarmState]

    @property
    def has_data(self) -> bool:
        """Whether no alarm lacks data."""
        return AlarmState.INSUFFICIENT_DATA not in self.states.values()


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown."""

    markdown: str
    has_background: bool

    @property
    def has_data(self) -> bool:
        """Whether there is a text."""
        return bool(self.markdown)


@dataclass(frozen=True, slots=True)
class Logs:
    """The result of a query."""

    title: str
    table: Table

    @property
    def has_data(self) -> bool:
        """Whether the query found something."""
        return bool(self.table.rows)


type View = Graph | Numbers | Alarms | Text | Logs


@dataclass(frozen=True, slots=True)
class PlacedView:
    """A view, and its place on the grid of 24 columns."""

    view: View
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DashboardView:
    """A whole dashboard over a time range in Unix ms."""

    name: str
    views: tuple[PlacedView, ...]
    start_ms: int
    end_ms: int
