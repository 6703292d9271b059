"""Metric math follows the examples of CloudWatch's user guide."""

import pytest

from local.cloudwatch.metric_math import MetricMath, MetricMathError

pytestmark = pytest.mark.unit

PERIODS = (0, 60, 120, 180, 240)


def series(*values: float | None) -> dict[int, float]:
    return {at: value for at, value in zip(PERIODS, values, strict=False) if value is not None}


METRICS = {
    "metric1": series(30, 20, 0, 0),
    "metric2": series(20, None, 20, None),
    "truth": series(1, 1, 0, 0, None),
    "then": series(30, None, 0, 0, 30),
    "other": series(0, 0, 20, None, 20),
    "sparse": series(5),
    "none": {},
}


def evaluated(expression: str, **expressions: str) -> dict[int, float]:
    return MetricMath(METRICS, PERIODS, expressions).evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        # The tables of the guide.
        ("metric1 < metric2", (0, 0, 1, 0)),
        ("metric1 >= 30", (1, 0, 0, 0)),
        ("metric1 > 15 AND metric2 > 15", (1, 0, 0, 0)),
        ("metric1 > 15 && metric2 > 15 || metric1 == 20", (1, 1, 0, 0)),
        ("IF(truth, then, other)", (30, 0, 20, None, None)),
        ("IF(truth, 5, other)", (5, 5, 20, None, None)),
        ("IF(truth, then, 5)", (30, 0, 5, 5, None)),
        ("IF(truth, 1)", (1, 1, None, None, None)),
        ("IF(1, then, other)", (30, None, 0, 0, 30)),
        # A missing value of one side is 0, and a division by zero drops the point.
        ("metric1 - metric2", (10, 20, -20, 0)),
        ("-metric2", (-20, None, -20)),
        ("100 * metric1 / metric2", (150, None, 0)),
        ("SUM([metric1, metric2])", (50, 20, 20, 0)),
        ("AVG([metric1, metric2])", (25, 10, 10, 0)),
        ("MAX([metric1, metric2])", (30, 20, 20, 0)),
        ("MIN([metric1, metric2])", (20, 20, 0, 0)),
        ('SUM(METRICS("metric"))', (50, 20, 20, 0)),
        ('SUM([METRICS("metric1"), sparse])', (35, 20, 0, 0)),
        ("FILL(sparse, 0)", (5, 0, 0, 0, 0)),
        ("FILL(none, 7)", (7, 7, 7, 7, 7)),
        ("FILL(sparse, other)", (5, 0, 20, 0, 20)),
        ("SUM(FILL([sparse, none], 1))", (6, 2, 2, 2, 2)),
    ],
)
def test_an_expression(expression: str, values: tuple[float | None, ...]) -> None:
    assert evaluated(expression) == series(*values)


def test_a_rate_with_a_floor_of_samples_has_a_value_in_each_period() -> None:
    rate = "IF(FILL(metric1, 0) >= 25, 100 * FILL(metric2, 0) / FILL(metric1, 0), 0)"
    assert evaluated(rate) == series(100 * 20 / 30, 0, 0, 0, 0)


def test_an_expression_may_name_another() -> None:
    assert evaluated("double + 1", double="2 * sparse") == series(11)


@pytest.mark.parametrize(
    "expression",
    [
        "1 + 1",
        "METRICS()",
        "METRICS() / 2",
        "SUM(metric1)",
        "MAX([metric1, 1])",
        "IF(1, 2, 3)",
        "missing",
        "RATE(metric1)",
        "metric1 if 1 else 2",
        "SUM(",
        "metric1 < metric2 < truth",
    ],
)
def test_other_expressions_are_refused(expression: str) -> None:
    with pytest.raises(MetricMathError):
        evaluated(expression)
