"""The statistics of a metric by period."""

import pytest

from local.cloudwatch.metric_store import MetricId, MetricStore, statistic_of

pytestmark = pytest.mark.unit

METRIC = MetricId.of("Repartee", "Turns", {"service": "worker"})


def sums(store: MetricStore, **limits: int) -> dict[int, float]:
    return store.series(METRIC, "Sum", 60, **{"start_ms": 0, "end_ms": 600_000, **limits})


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("Sum", 110),
        ("Average", 22),
        ("Minimum", 1),
        ("Maximum", 100),
        ("SampleCount", 5),
        ("p50", 3),
        ("p95", 100),
        ("p0", 1),
    ],
)
def test_statistics(statistic: str, value: float) -> None:
    assert statistic_of(statistic, [100, 1, 2, 3, 4]) == value


def test_an_unknown_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match="TM90"):
        statistic_of("TM90", [1])


def test_a_period_starts_at_a_multiple_of_its_length_and_is_missing_without_data() -> None:
    store = MetricStore()
    store.add(METRIC, 59_999, [1])
    store.add(METRIC, 60_000, [2, 3])
    store.add(METRIC, 185_000, [4])
    assert sums(store) == {0: 1, 60_000: 5, 180_000: 4}
    assert sums(store, start_ms=60_000, end_ms=185_000) == {60_000: 5}


def test_dimensions_in_another_order_are_the_same_metric_and_fewer_are_another() -> None:
    both = MetricId.of("N", "M", {"b": "1", "a": "2"})
    assert both == MetricId.of("N", "M", {"a": "2", "b": "1"})
    assert both != MetricId.of("N", "M", {"a": "2"})


def test_a_late_datum_is_missing_until_it_is_seen() -> None:
    store = MetricStore()
    store.add(METRIC, 0, [1], seen_ms=900_000)
    assert sums(store, seen_by_ms=899_999) == {}
    assert sums(store, seen_by_ms=900_000) == {0: 1}


def test_a_stretched_second_is_a_minute() -> None:
    store = MetricStore()
    store.add(METRIC, 120_500, [1], seen_ms=121_000)
    (datum,) = store.stretched(120_000, 60).data(METRIC)
    assert (datum.at_ms, datum.seen_ms) == (150_000, 180_000)
    (datum,) = store.stretched(120_000, 60, to_ms=60_000).data(METRIC)
    assert (datum.at_ms, datum.seen_ms) == (90_000, 120_000)


def test_a_range_of_time_is_cut_out() -> None:
    store = MetricStore()
    for at_ms in (1, 2, 3):
        store.add(METRIC, at_ms, [at_ms])
    assert [datum.value for datum in store.between(2, 3).data(METRIC)] == [2]
    assert not store.between(4, 9).metrics()


def test_the_span_of_a_store() -> None:
    store = MetricStore()
    assert store.span_ms() is None
    store.add(METRIC, 5, [1])
    store.add(METRIC, 3, [1])
    assert store.span_ms() == (3, 5)
    assert store.metrics() == [METRIC]
