"""Runs queries over log events."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from local.insights.syntax import (
    AGGREGATES,
    Call,
    Column,
    Constant,
    Expression,
    Field,
    Fields,
    Filter,
    Limit,
    Query,
    QueryError,
    Sort,
    Stats,
)


class Instant(float):
    """A time in Unix ms."""


type Value = float | str | None
"""The value of a field; None where an event lacks it."""

type Event = Mapping[str, Value]
"""A log event by field; ``@timestamp`` is an instant."""

_DEFAULT = ("@timestamp", "@message")


@dataclass(frozen=True, slots=True)
class Table:
    """The result of a query: names of columns, and a value of each in each row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def run_query(query: Query, events: Iterable[Event]) -> Table:
    """Run a query over the events of its log groups.

    Raises:
        QueryError: A function is in a place where Insights does not allow it.
    """
    found: Sequence[Event] = tuple(events)
    columns: tuple[str, ...] = ()
    for command in query.commands:
        match command:
            case Fields(added):
                columns += tuple(column.name for column in added)
                found = [
                    {**event, **{each.name: _value(each.expression, event) for each in added}}
                    for event in found
                ]
            case Filter(condition):
                found = [event for event in found if _value(condition, event)]
            case Stats(wanted, groups):
                columns = tuple(column.name for column in (*groups, *wanted))
                found = _grouped(found, wanted, groups)
            case Sort(keys):
                for name, descending in reversed(keys):
                    found = sorted(found, key=_order_of(name), reverse=descending)
            case Limit(rows):
                found = found[:rows]
            case _:
                assert_never(command)
    columns = columns or _DEFAULT
    return Table(columns, tuple(tuple(event.get(name) for name in columns) for event in found))


def _order_of(name: str) -> Callable[[Event], tuple[bool, bool, float, str]]:
    def order(event: Event) -> tuple[bool, bool, float, str]:
        value = event.get(name)
        number = _number(value)
        return value is not None, number is None, number or 0.0, str(value)

    return order


def _grouped(
    events: Iterable[Event], wanted: Sequence[Column], groups: Sequence[Column]
) -> Sequence[Event]:
    by_key: dict[tuple[Value, ...], list[Event]] = {}
    for event in events:
        key = tuple(_value(column.expression, event) for column in groups)
        by_key.setdefault(key, []).append(event)
    names = tuple(column.name for column in groups)
    return [
        dict(zip(names, key, strict=True))
        | {column.name: _total(column.expression, members) for column in wanted}
        for key, members in by_key.items()
    ]


def _total(expression: Expression, members: Sequence[Event]) -> Value:
    """Return an expression of aggregates for one group."""
    if isinstance(expression, Constant):
        return expression.value
    if isinstance(expression, Field):
        raise QueryError(f"stats takes {expression.name} in a function only")
    if expression.name not in AGGREGATES:
        return _operation(expression.name, [_total(part, members) for part in expression.arguments])
    field, *options = expression.arguments
    if expression.name == "count":
        is_all = field == Field("*")
        return float(sum(is_all or _value(field, event) is not None for event in members))
    if expression.name == "latest":
        last = max(members, key=lambda event: _number(event.get("@timestamp")) or 0.0)
        return _value(field, last)
    values = sorted(
        number for event in members if (number := _number(_value(field, event))) is not None
    )
    if not values:
        return None
    match expression.name:
        case "sum":
            return sum(values)
        case "avg":
            return sum(values) / len(values)
        case "min":
            return values[0]
        case "max":
            return values[-1]
    (percent,) = (_number(_value(option, {})) or 0.0 for option in options)
    # Insights' percentiles are approximate; this one is the nearest rank.
    return values[max(0, -int(-percent * len(values) // 100) - 1)]


def _value(expression: Expression, event: Event) -> Value:
    match expression:
        case Field(name):
            return event.get(name)
        case Constant(value):
            return value
        case Call("and", (left, right)):
            return float(bool(_value(left, event)) and bool(_value(right, event)))
        case Call("or", (left, right)):
            return float(bool(_value(left, event)) or bool(_value(right, event)))
        case Call("bin", (Constant(float(period_s)),)):
            at_ms = _number(event.get("@timestamp")) or 0.0
            return Instant(at_ms - at_ms % (period_s * 1000))
        case Call(name, arguments):
            if name in AGGREGATES:
                raise QueryError(f"{name} is allowed in stats only")
            return _operation(name, [_value(argument, event) for argument in arguments])
    assert_never(expression)


def _operation(name: str, values: Sequence[Value]) -> Value:
    """Return the result of a function or an operator; a missing value satisfies no comparison."""
    first, *others = values
    match name:
        case "ispresent":
            return float(first is not None)
        case "coalesce":
            return next((value for value in values if value is not None), None)
        case "not":
            return float(not first)
        case "like":
            return float(first is not None and re.search(str(others[0]), str(first)) is not None)
        case "in":
            return float(any(_compared("=", first, other) for other in others))
        case "+" | "-" | "*" | "/":
            return _calculated(name, first, others[0])
        case _:
            return float(_compared(name, first, others[0]))


def _calculated(sign: str, left: Value, right: Value) -> float | None:
    a, b = _number(left), _number(right)
    if a is None or b is None or (sign == "/" and b == 0):
        return None
    return {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b


def _compared(sign: str, left: Value, right: Value) -> bool:
    if left is None or right is None:
        return False
    a, b = _number(left), _number(right)
    if a is None or b is None:
        return {"=": str(left) == str(right), "!=": str(left) != str(right)}.get(sign, False)
    return {"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]


def _number(value: Value) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
