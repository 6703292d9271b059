"""Evaluates CloudWatch's metric math, as far as the template uses it.

Source: "Using metric math", CloudWatch user guide, read 2026-12-01. Arithmetic and comparisons
treat a missing value of one side as 0. A division by zero drops the data point.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from local.cloudwatch.metric_store import Series

type Value = float | Series | list[Series]
"""A scalar, a time series, or an array of time series."""

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class MetricMathError(ValueError):
    """An expression is malformed or uses a feature that is not supported here."""


@dataclass(frozen=True, slots=True)
class MetricMath:
    """Evaluates expressions over one time range.

    Args:
        metrics: The series of the metrics by id, without results of expressions.
        periods: The starts of all periods in the range, in Unix ms.
        expressions: Further expressions by id, which an expression may name.
    """

    metrics: Mapping[str, Series]
    periods: Sequence[int]
    expressions: Mapping[str, str]

    def evaluate(self, expression: str) -> Series:
        """Return the series of an expression.

        Raises:
            MetricMathError: The expression is malformed, is not supported, or has another result.
        """
        words = re.sub(r"\bAND\b|&&", " and ", expression)
        words = re.sub(r"\bOR\b|\|\|", " or ", words)
        try:
            tree = ast.parse(words.strip(), mode="eval")
        except SyntaxError as error:
            raise MetricMathError(f"{expression}: {error.msg}") from error
        value = self._value(tree.body)
        if not isinstance(value, dict):
            raise MetricMathError(f"{expression}: the result is not one time series")
        return value

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.metrics:
                return self.metrics[name]
            case ast.Name(id=name) if name in self.expressions:
                return self.evaluate(self.expressions[name])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combined(operator.sub, 0.0, self._single(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                function = _ARITHMETIC[type(op)]
                return _combined(function, self._single(left), self._single(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                compare = _COMPARISONS[type(op)]
                return _combined(compare, self._single(left), self._single(right))
            case ast.BoolOp(op=op, values=values):
                return self._joined(
                    isinstance(op, ast.And), [self._single(each) for each in values]
                )
            case ast.List(elts=elements):
                return [series for each in elements for series in _as_array(self._value(each))]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._called(name, arguments)
        raise MetricMathError(f"{ast.unparse(node)} is unknown or not supported")

    def _single(self, node: ast.expr) -> float | Series:
        value = self._value(node)
        if isinstance(value, list):
            raise MetricMathError(f"{ast.unparse(node)} is an array of time series")
        return value

    @staticmethod
    def _joined(is_and: bool, values: Sequence[float | Series]) -> float | Series:
        def both(left: float, right: float) -> bool:
            return bool(left and right) if is_and else bool(left or right)

        joined = values[0]
        for value in values[1:]:
            joined = _combined(both, joined, value)
        return joined

    def _called(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        match name, arguments:
            case "METRICS", []:
                return list(self.metrics.values())
            case "METRICS", [ast.Constant(value=str() as part)]:
                return [series for each, series in self.metrics.items() if part in each]
            case "SUM" | "MAX" | "MIN" | "AVG", [array]:
                value = self._value(array)
                if not isinstance(value, list):
                    # CloudWatch requests more periods for an alarm than it evaluates.
                    raise MetricMathError(f"{name} of one time series differs in alarms")
                return _across(name, value)
            case "FILL", [series, filler]:
                return self._filled(self._value(series), self._single(filler))
            case "IF", [condition, when_true, *others] if len(others) < 2:
                otherwise = self._single(others[0]) if others else {}
                return _chosen(self._single(condition), self._single(when_true), otherwise)
        raise MetricMathError(f"{name} with {len(arguments)} arguments is not supported")

    def _filled(self, value: Value, filler: float | Series) -> Value:
        if isinstance(value, list):
            return [self._fill_one(series, filler) for series in value]
        return value if isinstance(value, float) else self._fill_one(value, filler)

    def _fill_one(self, series: Series, filler: float | Series) -> Series:
        fill = filler if isinstance(filler, dict) else dict.fromkeys(self.periods, filler)
        return {at: series.get(at, fill.get(at, 0.0)) for at in self.periods}


def _as_array(value: Value) -> list[Series]:
    if isinstance(value, float):
        raise MetricMathError("an array holds time series only")
    return value if isinstance(value, list) else [value]


def _combined(
    function: Callable[[float, float], float], left: float | Series, right: float | Series
) -> float | Series:
    if not isinstance(left, dict) and not isinstance(right, dict):
        return float(function(left, right))
    stamps = [
        *(left if isinstance(left, dict) else ()),
        *(right if isinstance(right, dict) else ()),
    ]
    combined: Series = {}
    for at in sorted(set(stamps)):
        one = left.get(at, 0.0) if isinstance(left, dict) else left
        other = right.get(at, 0.0) if isinstance(right, dict) else right
        try:
            combined[at] = float(function(one, other))
        except ZeroDivisionError:
            continue
    return combined


def _across(name: str, array: Sequence[Series]) -> Series:
    stamps = sorted({at for series in array for at in series})
    if name in ("SUM", "AVG"):
        count = len(array) if name == "AVG" else 1
        return {at: sum(series.get(at, 0.0) for series in array) / count for at in stamps}
    best = max if name == "MAX" else min
    return {at: best(series[at] for series in array if at in series) for at in stamps}


def _chosen(
    condition: float | Series, when_true: float | Series, otherwise: float | Series
) -> Series:
    if not isinstance(condition, dict):
        chosen = when_true if condition else otherwise
        if not isinstance(chosen, dict):
            raise MetricMathError("IF of scalars is not one time series")
        return chosen
    result: Series = {}
    for at, truth in condition.items():
        value = when_true if truth else otherwise
        if not isinstance(value, dict):
            result[at] = value
        elif at in value:
            result[at] = value[at]
        elif truth:
            result[at] = 0.0
    return result
