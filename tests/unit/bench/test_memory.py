"""The memory benchmark's arithmetic: units, ratios and contenders that stopped."""

import pytest

from bench.memory_results import OURS, Plan, Result, Sample, read_result, report
from bench.phrases import phrases
from bench.units.consumed_units import item_bytes

pytestmark = pytest.mark.unit


def result(kind: str, size: int, ms: float, reads: float, writes: float) -> Result:
    return Result(kind, size, (Sample(ms, reads, writes, 3), Sample(ms, reads, writes, 3)))


def test_an_item_counts_its_names_and_values():
    assert item_bytes({"pk": {"S": "é"}, "n": {"N": "12345"}, "b": {"BOOL": True}}) == 4 + 5 + 2
    nested = {"l": {"L": [{"S": "ab"}, {"N": "-1"}]}, "m": {"M": {"k": {"NULL": True}}}}
    assert item_bytes(nested) == (1 + 3 + 3 + 3) + (1 + 3 + 1 + 1 + 1)
    assert item_bytes({}) == 0


def test_a_write_unit_costs_five_read_units():
    assert Sample(1.0, 5.0, 0.0, 1).micro_usd == pytest.approx(0.625)
    assert Sample(1.0, 0.0, 1.0, 1).micro_usd == pytest.approx(0.625)


def test_other_results_are_shown_as_multiples_of_repartees_at_the_same_size():
    results = [
        result(OURS, 10, 4.0, 4.0, 10.0),
        result(OURS, 100, 5.0, 6.0, 10.0),
        result("History", 10, 8.0, 0.0, 5.4),
        result("History", 100, 10.0, 10.0, 40.0),
    ]

    (table,) = report(results, {}, Plan((10, 100), 2)).tables

    assert [row[-2:] for row in table.rows] == [
        ("1.00", "1.00"),
        ("1.00", "1.00"),
        ("0.50", "2.00"),
        ("3.75", "2.00"),
    ]


def test_a_stopped_contender_is_reported_with_the_reason():
    stopped = read_result(
        {"kind": "Saver", "size": 100, "samples": [], "stopped_at": 77, "reason": "too large"}
    )

    shown = report([result(OURS, 100, 5.0, 6.0, 10.0), stopped], {}, Plan((100,), 2))

    assert shown.tables[0].rows[1][-2:] == ("stopped", "at 77")
    assert "Saver stopped at 77 turns: too large" in shown.notes
    assert "stopped at 77" in shown.text()


def test_phrases_are_repeatable_and_no_two_are_alike():
    assert phrases(7) == phrases(7)
    assert len({phrases(number) for number in range(2_000)}) == 2_000
    lengths = [len(heard) + len(said) for heard, said in map(phrases, range(200))]
    assert 140 < sum(lengths) / len(lengths) < 190
