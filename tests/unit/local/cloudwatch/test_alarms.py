"""Alarms change their state as the tables of CloudWatch's user guide say."""

from dataclasses import replace

import pytest

from local.cloudwatch.alarms import AlarmHistory, AlarmState, MetricAlarm, MetricQuery, judged
from local.cloudwatch.metric_store import MetricId, MetricStore

pytestmark = pytest.mark.unit

OK, ALARM, NO_DATA = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
RETAINED = "retained"
METRIC = MetricId.of("N", "Errors", {"a": "b"})
THREE_OF_THREE = MetricAlarm(
    name="alarm",
    queries={"m": MetricQuery(METRIC, "Sum", 60)},
    expressions={},
    watched="m",
    comparison="GreaterThanThreshold",
    threshold=0,
    evaluation_periods=3,
    datapoints_to_alarm=3,
    missing_data="notBreaching",
)
TWO_OF_THREE = replace(THREE_OF_THREE, datapoints_to_alarm=2)
MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("alarm", "points", "missing", "ignore", "breaching", "not_breaching"),
    [
        (THREE_OF_THREE, "0-X-X", OK, OK, OK, OK),
        (THREE_OF_THREE, "0----", OK, OK, OK, OK),
        (THREE_OF_THREE, "-----", NO_DATA, RETAINED, ALARM, OK),
        (THREE_OF_THREE, "0XX-X", ALARM, ALARM, ALARM, ALARM),
        (THREE_OF_THREE, "----X", NO_DATA, RETAINED, ALARM, OK),
        (THREE_OF_THREE, "X----", ALARM, RETAINED, ALARM, OK),
        (TWO_OF_THREE, "0-X-X", ALARM, ALARM, ALARM, ALARM),
        (TWO_OF_THREE, "00X0X", ALARM, ALARM, ALARM, ALARM),
        (TWO_OF_THREE, "0-X--", OK, OK, ALARM, OK),
        (TWO_OF_THREE, "----0", OK, OK, ALARM, OK),
        (TWO_OF_THREE, "----X", NO_DATA, RETAINED, ALARM, OK),
    ],
)
def test_missing_data(
    alarm: MetricAlarm,
    points: str,
    missing: AlarmState,
    ignore: AlarmState | str,
    breaching: AlarmState,
    not_breaching: AlarmState,
) -> None:
    found = [{"0": False, "X": True, "-": None}[point] for point in points]
    wanted = {
        "missing": missing,
        "ignore": ignore,
        "breaching": breaching,
        "notBreaching": not_breaching,
    }
    for rule, state in wanted.items():
        for before in AlarmState:
            expected = before if state == RETAINED else state
            assert judged(found, replace(alarm, missing_data=rule), before) is expected, rule


def test_an_alarm_on_a_dynamodb_metric_keeps_its_state_when_data_are_missing() -> None:
    """So it stays red after the last throttle, unless metric math fills the missing data."""
    throttled = MetricId.of("AWS/DynamoDB", "ThrottledRequests", {"TableName": "t"})
    plain = replace(
        THREE_OF_THREE,
        queries={"m": MetricQuery(throttled, "Sum", 60)},
        evaluation_periods=1,
        datapoints_to_alarm=1,
    )
    filled = replace(plain, expressions={"e": "FILL(m, 0)"}, watched="e")
    store = MetricStore()
    store.add(throttled, MINUTE_MS // 2, [3])
    assert AlarmHistory(plain).run(store, 0, 60 * MINUTE_MS).states == [ALARM]
    assert AlarmHistory(filled).run(store, 0, 60 * MINUTE_MS).states == [OK, ALARM, OK]


def test_a_window_slides_by_the_minute() -> None:
    store = MetricStore()
    for minute in range(5):
        store.add(METRIC, minute * MINUTE_MS + 30_000, [1])
    alarm = replace(
        THREE_OF_THREE,
        queries={"m": MetricQuery(METRIC, "Sum", 300)},
        expressions={"e": "FILL(m, 0)"},
        watched="e",
        evaluation_periods=1,
        datapoints_to_alarm=1,
        threshold=2,
    )
    history = AlarmHistory(alarm).run(store, 0, 20 * MINUTE_MS)
    assert [(change.at_ms // MINUTE_MS, change.state) for change in history.changes] == [
        (0, OK),
        (3, ALARM),
        (8, OK),
    ]


def test_an_error_that_is_published_late_is_seen_when_its_window_still_has_its_start() -> None:
    store = MetricStore()
    store.add(METRIC, 30_000, [1], seen_ms=15 * MINUTE_MS)
    short = replace(THREE_OF_THREE, evaluation_periods=1, datapoints_to_alarm=1)
    long = replace(short, queries={"m": MetricQuery(METRIC, "Sum", 1200)})
    assert ALARM not in AlarmHistory(short).run(store, 0, 30 * MINUTE_MS).states
    assert ALARM in AlarmHistory(long).run(store, 0, 30 * MINUTE_MS).states


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_comparisons(comparison: str, breaching: list[bool]) -> None:
    alarm = replace(THREE_OF_THREE, comparison=comparison, threshold=5)
    assert [alarm.breaches(value) for value in (4, 5, 6)] == breaching


def test_another_comparison_is_refused() -> None:
    with pytest.raises(ValueError, match="Band"):
        replace(THREE_OF_THREE, comparison="LessThanLowerBand").breaches(1)
