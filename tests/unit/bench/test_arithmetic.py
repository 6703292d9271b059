"""The benchmarks' arithmetic: percentiles, slopes, memory, chunks, units and prices."""

import json
from array import array
from decimal import Decimal

import pytest

from bench.first_audio_results import Pair, Plan, Sample, Stages
from bench.process_memory import memory_of, parse_smaps_rollup
from bench.report import Report, Table
from bench.speech.chunked_speech import ChunkedSpeech
from bench.speech.hearing import FLITE_VOICES, sentences
from bench.speech.hearing_results import HeardSentence, report
from bench.speech.hearing_times import hearing_times_after
from bench.speech.room_noise import NOISE_RMS, with_room_noise
from bench.statistics import Summary, percentile, slope
from bench.units.consumed_units import (
    batch_read_units,
    reported_units,
    transaction_item_units,
    transaction_items,
)
from bench.units.counting_proxies import MESSAGE_UNIT_BYTES, Counts
from bench.units.prices import BilledItem, Usage
from bench.units.purposes import purpose_of
from repartee_client.recordings import Recording
from tests.documents import ROOT

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.95, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
        ([0.0, 10.0], 0.95, 9.5),
        ([5.0, 1.0], 0.0, 1.0),
        ([5.0, 1.0], 1.0, 5.0),
    ],
)
def test_a_percentile_lies_between_its_neighbours(values, share, expected):
    assert percentile(values, share) == pytest.approx(expected)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_a_percentile_of_nothing_or_outside_the_range_is_refused(values, share):
    with pytest.raises(ValueError, match=r"no values|share"):
        percentile(values, share)


def test_a_summary_shows_count_median_tail_and_range():
    summary = Summary.of([4.0, 1.0, 2.0, 3.0, 100.0])
    assert (summary.n, summary.p50, summary.least, summary.most) == (5, 3.0, 1.0, 100.0)
    assert summary.p95 == pytest.approx(80.8)


def test_a_slope_is_the_growth_per_user_whatever_the_start():
    assert slope([(10, 1_100), (50, 1_500), (200, 3_000)]) == pytest.approx(10.0)
    assert slope([(10, 800), (50, 800), (200, 800)]) == pytest.approx(0.0)


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(3.0, 1.0), (3.0, 9.0)]])
def test_a_slope_without_two_different_counts_is_refused(points):
    with pytest.raises(ValueError, match="two different"):
        slope(points)


def test_shared_pages_are_read_in_part_and_in_full():
    text = (
        "55d-7ff ---p 00000000 00:00 0 [rollup]\nRss:   2048 kB\nPss:   512 kB\nPss_Dirty: 9 kB\n"
    )
    memory = parse_smaps_rollup(text)
    assert (memory.processes, memory.pss_kib, memory.rss_kib) == (1, 512, 2048)


def test_memory_without_its_fields_or_of_a_process_that_is_gone_is_refused():
    with pytest.raises(ValueError, match="no Pss"):
        parse_smaps_rollup("Rss: 1 kB\n")
    with pytest.raises(RuntimeError, match="cannot be read"):
        memory_of([2**22 + 1])


def test_an_utterance_is_its_recording_and_then_the_detectors_silence():
    speech = ChunkedSpeech.of(Recording(b"\1\0" * 16_000), 200)
    assert speech.spoken_chunks == 5
    assert b"".join(speech.chunks) == b"\1\0" * 16_000 + bytes(300 * 32)
    assert [speech.duration_ms(chunk) for chunk in speech.chunks] == [200.0] * 6 + [100.0]


def sample(first_audio_ms: float, to_gemini: float, hearing: float, back: float) -> Sample:
    return Sample(first_audio_ms, 0.0, Stages(to_gemini, hearing, back), "")


def test_a_pair_shows_the_difference_with_and_without_the_simulators_hearing():
    pair = Pair(sample(800.0, 300.0, 200.0, 300.0), sample(900.0, 330.0, 250.0, 320.0))
    assert pair.added_ms == 100.0
    assert pair.added_on_the_way_ms == 50.0


def test_a_given_number_of_pairs_holds_for_every_kind_of_turn():
    assert Plan().with_pairs(None) == Plan()
    assert Plan().with_pairs(5) == Plan(5, 5)


def event(kind: str, second: int) -> str:
    return json.dumps({"kind": kind, "at": f"2026-01-01T00:00:{second:02d}.500+00:00"})


def test_the_moments_of_an_utterance_are_found_in_whichever_connection_heard_it(tmp_path):
    for name, seconds in (("one", (1, 2)), ("two", (5, 7))):
        (tmp_path / name).mkdir()
        lines = [event("speech_ended", seconds[0]), event("heard", seconds[1])]
        (tmp_path / name / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))
    midnight_ms = 1_767_225_600_000
    moments = hearing_times_after(tmp_path, midnight_ms + 3_000)
    assert moments.speech_ended_ms == midnight_ms + 5_500
    assert moments.heard_ms == midnight_ms + 7_500
    with pytest.raises(RuntimeError, match="no utterance"):
        hearing_times_after(tmp_path, midnight_ms + 6_000)


def test_units_are_counted_by_what_they_are_for():
    counts = Counts()
    counts.add_dynamodb("Query", "looks", 200, {}, 1.5)
    counts.add_dynamodb("PutItem", "puts", 200, {}, 7.0)
    counts.add_dynamodb("TransactWriteItems", "commits", 200, {}, 6.0)
    counts.add_dynamodb("GetItem", "others", 200, {}, 1.0)
    counts.add_dynamodb("UpdateItem", "others", 200, {}, 2.0)
    assert counts.reads == {"looks": 1.5, "others": 1.0}
    assert counts.writes == {"puts": 7.0, "commits": 6.0, "others": 2.0}
    assert counts.operations == {"looks": 1, "puts": 1, "commits": 1, "others": 2}


AUDIO = {"pk": {"S": "session#S"}, "sk": {"S": "in#000000000007"}, "kind": {"S": "audio"}}
STATE = {"pk": {"S": "session#S"}, "sk": {"S": "state"}}


def batch(*sorts: str) -> dict[str, object]:
    deletes = [{"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": one}}}} for one in sorts]
    return {"RequestItems": {"t": deletes}}


@pytest.mark.parametrize(
    ("operation", "asked", "expected"),
    [
        ("PutItem", {"Item": AUDIO}, "puts of audio"),
        ("PutItem", {"Item": {**AUDIO, "kind": {"S": "text"}}}, "puts of other messages"),
        ("PutItem", {"Item": {**AUDIO, "sk": {"S": "in#~ack"}}}, "puts of acks"),
        ("PutItem", {"Item": {**AUDIO, "sk": {"S": "in#~01J"}}}, "others"),
        ("PutItem", {"Item": STATE}, "others"),
        ("BatchWriteItem", batch("in#000000000007", "in#~01J"), "deletes of input"),
        ("BatchWriteItem", batch("in#000000000007", "meta"), "others"),
        ("DeleteItem", {"Key": AUDIO}, "deletes of input"),
        ("GetItem", {"Key": STATE}, "reads of the state"),
        ("GetItem", {"Key": {**STATE, "sk": {"S": "profile"}}}, "others"),
        (
            "Query",
            {"ExpressionAttributeValues": {":first": {"S": "in#000000000008"}}},
            "looks into the mailbox",
        ),
        ("Query", {"ExpressionAttributeValues": {":first": {"S": "turn#"}}}, "others"),
        (
            "UpdateItem",
            {"Key": STATE, "UpdateExpression": "SET lease_until_ms = :until"},
            "renewals of the lease",
        ),
        ("UpdateItem", {"Key": STATE, "UpdateExpression": "SET connection_id = :c"}, "others"),
        ("TransactWriteItems", {"TransactItems": []}, "commits"),
    ],
)
def test_a_request_is_classified_by_its_purpose(operation, asked, expected):
    assert purpose_of(operation, asked) == expected


def test_a_room_makes_the_same_noise_under_all_of_a_recording():
    silent = Recording(bytes(32_000))
    room = with_room_noise(silent, seed=3)
    assert room == with_room_noise(silent, seed=3) != with_room_noise(silent, seed=4)
    samples = array("h", room.pcm)
    assert sum(sample**2 for sample in samples) / len(samples) == pytest.approx(NOISE_RMS**2, 0.1)
    loud = array("h", with_room_noise(Recording(b"\xff\x7f" * 1_000), seed=3).pcm)
    assert 32_000 < min(loud) <= max(loud) == 32_767


def test_units_are_what_dynamodb_says_it_consumed():
    both = [{"CapacityUnits": 4.0}, {"CapacityUnits": 2.0}]
    assert reported_units({"ConsumedCapacity": {"CapacityUnits": 1.5}}) == 1.5
    assert reported_units({"ConsumedCapacity": both}) == 6.0
    assert reported_units({}) == 0.0


def test_each_item_of_a_transaction_counts_twice_its_kilobytes():
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    put = {"Put": {"TableName": "t", "Item": {**key, "n": {"N": "1"}}}}
    update = {"Update": {"TableName": "u", "Key": key}}
    assert list(transaction_items({"TransactItems": [put, update]})) == [("t", key), ("u", key)]
    assert transaction_item_units(key) == transaction_item_units({}) == 2
    assert transaction_item_units({**key, "text": {"S": "x" * 1_024}}) == 4


def test_a_missing_item_of_a_batch_counts_as_a_small_item():
    asked = {"RequestItems": {"t": {"Keys": [{}, {}, {}], "ConsistentRead": True}}}
    found = [{"text": {"S": "x" * 4_096}}, {"text": {"S": "x"}}]
    assert batch_read_units(asked, {"Responses": {"t": found}}) == 2 + 1 + 1
    asked["RequestItems"]["t"]["ConsistentRead"] = False
    assert batch_read_units(asked, {"Responses": {}}) == 1.5


def test_a_refused_condition_counts_as_a_write():
    counts = Counts()
    refused = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    counts.add_dynamodb("PutItem", "puts", 400, {"__type": refused}, 0)
    counts.add_dynamodb("PutItem", "puts", 400, {"__type": "com.amazon#ValidationException"}, 0)
    assert (counts.writes, counts.refused_writes) == ({"puts": 1.0}, 1)


@pytest.mark.parametrize(
    ("size_bytes", "units"),
    [(0, 1), (1, 1), (MESSAGE_UNIT_BYTES, 1), (MESSAGE_UNIT_BYTES + 1, 2)],
)
def test_a_post_is_billed_for_each_32_kib_that_it_begins(size_bytes, units):
    counts = Counts()
    counts.add_post(size_bytes, "audio")
    counts.add_post(1, "pong")
    assert (counts.posts, counts.posted_bytes) == (units + 1, size_bytes + 1)
    assert counts.posts_by_type == {"audio": units, "pong": 1}


def test_a_cost_is_its_units_at_the_list_price():
    assert BilledItem.WRITE_UNITS.cost_usd(1_000_000) == Decimal("0.625")
    assert BilledItem.MESSAGES_IN.cost_usd(300) == Decimal("0.0003")
    assert BilledItem.WORKER_GB_S.cost_usd(30) == Decimal("0.000400002")


def test_a_stretch_is_what_came_on_top_scaled_to_a_minute():
    earlier = Usage(
        10.0,
        {BilledItem.READ_UNITS: 100},
        {"looks": 100, "others": 3},
        {"looks": 50.0, "others": 3.0},
        {"others": 4.0},
        {"audio": 7},
    )
    later = Usage(
        40.0,
        {BilledItem.READ_UNITS: 400, BilledItem.INVOCATIONS: 5},
        {"looks": 250, "others": 4},
        {"looks": 125.0, "others": 3.0},
        {"others": 6.0},
        {"audio": 7, "pong": 2},
    )
    minute = later.minus(earlier).per_minute()
    assert minute == Usage(
        60.0,
        {BilledItem.READ_UNITS: 600, BilledItem.INVOCATIONS: 10},
        {"looks": 300, "others": 2},
        {"looks": 150.0},
        {"others": 4.0},
        {"pong": 4},
    )
    assert minute.total_usd == BilledItem.READ_UNITS.cost_usd(
        600
    ) + BilledItem.INVOCATIONS.cost_usd(10)
    assert minute.dynamodb_usd("looks") == BilledItem.READ_UNITS.cost_usd(150)
    assert minute.dynamodb_usd("others") == BilledItem.WRITE_UNITS.cost_usd(4)


def test_writes_that_come_late_belong_to_the_stretch_that_caused_them():
    stretch = Usage(
        9.0, {BilledItem.WRITE_UNITS: 10}, {"puts": 1, "deletes": 1}, {}, {"deletes": 4.0}
    )
    later = Usage(
        5.0, {BilledItem.WRITE_UNITS: 9}, {"deletes": 2}, {}, {"deletes": 7.0, "puts": 2.0}
    )
    assert stretch.with_writes_of(later, "deletes") == Usage(
        9.0, {BilledItem.WRITE_UNITS: 17.0}, {"puts": 1, "deletes": 3}, {}, {"deletes": 11.0}
    )


def test_no_time_cannot_be_scaled():
    with pytest.raises(ValueError, match="no time"):
        Usage(0.0, {}).per_minute()


def test_every_price_names_its_list_and_date():
    for item in BilledItem:
        assert item.usd > 0
        assert item.source.rpartition(", ")[2].startswith("20")


def test_a_report_is_a_table_on_the_screen_and_a_file_with_the_machine(tmp_path):
    table = Table(("what", "ms"), (("one", "1"), ("twenty", "1000")))
    report = Report("name", "title", (table,), ("a note",), {"all": Summary.of([1.0, 2.0])})
    assert report.text().splitlines() == [
        "name: title",
        "what      ms",
        "one        1",
        "twenty  1000",
        "  a note",
    ]
    content = json.loads(report.write(tmp_path).read_text())
    assert content["all"] == {"n": 2, "p50": 1.5, "p95": 1.95, "least": 1.0, "most": 2.0}
    assert content["machine"].keys() >= {"cores", "python", "packages", "load_1_min"}


def test_the_readme_describes_the_sentences_and_the_voices_that_are_heard():
    words = sum(HeardSentence(one, "", 0.0).words for one in sentences())
    readme = (ROOT / "README.md").read_text()
    assert f"{len(set(sentences()))}\nsentences of a front desk's callers ({words} words)" in readme
    assert all(f"| flite {voice} | " in readme for voice in FLITE_VOICES)


@pytest.mark.parametrize(
    ("spoken", "heard", "errors", "has_fragment"),
    [
        ("On Friday at three o'clock.", "on friday at 3:00", 0, False),
        ("On Friday at three.", "You on Friday at 3.", 1, True),
        ("On Friday at three.", "Thank you. On Friday at tree.", 3, True),
        ("On Friday at three.", "You Friday at 3.", 1, False),
        ("Thanks, bye.", "Thanks, bye, bye.", 1, False),
        ("Thanks, bye.", "", 2, False),
    ],
)
def test_word_errors_and_leading_fragments_are_counted(spoken, heard, errors, has_fragment):
    sentence = HeardSentence(spoken, heard, 0.1)
    assert (sentence.errors, sentence.has_leading_fragment) == (errors, has_fragment)


def test_a_voice_is_one_row_of_the_report_on_hearing():
    heard = [HeardSentence("on Friday at three", "You on Friday", s) for s in (0.1, 0.3)]
    (table,) = report({"rms": heard}, ()).tables
    assert table.rows == [("rms", "2", "8", "6", "75.0%", "2", "0.20")]
