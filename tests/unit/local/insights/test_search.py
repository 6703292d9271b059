from pathlib import Path

import pytest

from local.insights.events import read_events
from local.insights.search import Event, Instant, run_query
from local.insights.syntax import QueryError, parse_query

pytestmark = pytest.mark.unit

HOUR_MS = 3_600_000
EVENTS: list[Event] = [
    {"@timestamp": Instant(1_000), "message": "opened", "turn": 1.0, "ms": 300.0},
    {"@timestamp": Instant(2_000), "message": "closed", "turn": 2.0, "code": "1011"},
    {"@timestamp": Instant(HOUR_MS + 5), "message": "opened", "turn": 10.0, "ms": 100.0},
]


def rows(query: str) -> list[tuple[object, ...]]:
    return list(run_query(parse_query(query), EVENTS).rows)


@pytest.mark.parametrize(
    ("condition", "turns"),
    [
        ("message = 'opened'", [1, 10]),
        ("message != 'opened'", [2]),
        ("turn > 1 and turn <= 10", [2, 10]),
        ("code = 1011", [2]),
        ("ms != 300", [10]),
        ("ispresent(code) or ms < 200", [2, 10]),
        ("not ispresent(ms)", [2]),
        ("message like /^clo/", [2]),
        ("message in ['closed', 'other']", [2]),
        ("message = 'opened' and (turn = 2 or turn = 10)", [10]),
        ("turn * 2 - 1 = 3", [2]),
        ("ms / 0 > 0", []),
    ],
)
def test_a_filter_keeps_the_events_that_meet_its_condition(condition: str, turns: list[int]):
    assert rows(f"fields turn | filter {condition}") == [(turn,) for turn in turns]


def test_events_are_sorted_by_several_keys_and_missing_values_are_the_lowest():
    assert rows("fields turn | sort message asc, turn desc") == [(2,), (10,), (1,)]
    assert rows("fields turn | sort ms asc | limit 2") == [(2,), (10,)]


def test_statistics_are_of_each_group():
    found = run_query(
        parse_query(
            "stats count(*) as times, count(ms), sum(ms), avg(ms), min(ms), max(ms), "
            "latest(turn), pct(ms, 50) by message | sort times desc"
        ),
        EVENTS,
    )

    assert found.columns[:3] == ("message", "times", "count(ms)")
    assert found.rows == (
        ("opened", 2, 2, 400, 200, 100, 300, 10, 100),
        ("closed", 1, 0, None, None, None, None, 2, None),
    )


def test_events_are_grouped_by_hour():
    query = "fields bin(1h) as hour | stats sum(turn) / count(*) as mean by hour | sort hour desc"
    found = rows(query)

    assert found == [(HOUR_MS, 10), (0, 1.5)]
    assert isinstance(found[0][0], Instant)


def test_the_first_value_that_is_present_is_chosen_and_named():
    found = run_query(parse_query("fields coalesce(code, message) as what"), EVENTS)

    assert found.columns == ("what",)
    assert found.rows == (("opened",), ("1011",), ("opened",))


def test_a_query_names_its_log_groups():
    assert parse_query("SOURCE '/a' | SOURCE '/b' | limit 1").log_groups == ("/a", "/b")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("parse @message '*' as a", "the command parse is not supported"),
        ("fields strlen(a)", "the function strlen is not supported"),
        ("filter a = ", "expected at the end"),
        ("fields a b", "| is expected before 'b'"),
        ("filter a ~ 'b'", "not understood: \"~ 'b'\""),
        ("sort a", "asc is expected"),
        ("stats message", "stats takes functions"),
        ("stats sum(a) + b by c", "stats takes b in a function only"),
        ("filter sum(a) > 1", "sum is allowed in stats only"),
    ],
)
def test_what_is_not_supported_is_an_error(query: str, message: str):
    with pytest.raises(QueryError) as refused:
        run_query(parse_query(query), EVENTS)
    assert message in str(refused.value)


def test_fields_of_log_lines_are_discovered_as_by_insights(tmp_path: Path):
    log = tmp_path / "function.log"
    log.write_text(
        '{"timestamp":"1970-01-01T00:00:01.500+00:00","message":"a","troubles":["x"],"none":null}\n'
        "REPORT RequestId: 1\n"
        '{"broken\n'
        '{"_aws":{"Timestamp":2000},"CostUsd":[0.5],"service":"s"}\n'
        '{"message":"without a time"}\n'
    )

    logged, counted = read_events(log, "/group")

    assert (logged["@timestamp"], logged["troubles.0"], logged["@log"]) == (1_500, "x", "/group")
    assert "none" not in logged
    assert (counted["@timestamp"], counted["CostUsd.0"]) == (2_000, 0.5)
    assert list(read_events(tmp_path / "missing.log", "/group")) == []
