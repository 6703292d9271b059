"""Metrics are lines of the embedded metric format on standard output; logs are JSON lines."""

import asyncio
import json
import logging
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from repartee.observability import MetricsRecorder, get_logger, log_fields
from repartee.ports.metrics import DIMENSION, NAMESPACE, Metric
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.unit

SHARED = Path(__file__).parents[3] / "layers" / "shared"


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def recorder(service: str | None = "stream-agent") -> MetricsRecorder:
    return MetricsRecorder(FakeClock(), service)


def test_a_line_holds_all_values_of_one_moment(capsys: pytest.CaptureFixture[str]) -> None:
    recorder().record({Metric.TURNS: 1, Metric.COST_USD: Decimal("0.00183")})

    (line,) = emitted(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [[DIMENSION]]
    assert directive["Metrics"] == [
        {"Name": "Turns", "Unit": "Count"},
        {"Name": "CostUsd", "Unit": "None"},
    ]
    assert line[DIMENSION] == "stream-agent"
    assert (line["Turns"], line["CostUsd"]) == ([1.0], [0.00183])


def test_the_time_of_a_line_is_that_of_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock(unix_ms=1_000)
    MetricsRecorder(clock, "s").record({Metric.TURNS: 1})
    clock.advance(60_000)
    MetricsRecorder(clock, "s").record({Metric.TURNS: 1})

    assert [line["_aws"]["Timestamp"] for line in emitted(capsys)] == [1_000, 61_000]


def test_a_metric_with_a_dimension_counts_for_the_function_and_for_the_dimension(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorder().record({Metric.LIVE_REFUSED: 1}, by="busy")

    (line,) = emitted(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [[DIMENSION], [DIMENSION, "code"]]
    assert (line[DIMENSION], line["code"], line["LiveRefused"]) == ("stream-agent", "busy", [1.0])


def test_metrics_of_different_dimensions_are_reported_and_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorder().record({Metric.LIVE_REFUSED: 1, Metric.TURNS: 1}, by="busy")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "metrics lost: LiveRefused, Turns" in captured.err


def test_lines_of_one_recorder_never_run_together(capsys: pytest.CaptureFixture[str]) -> None:
    recording = recorder()
    for _ in range(3):
        recording.record({Metric.TURNS: 1})

    assert [line["Turns"] for line in emitted(capsys)] == [[1.0], [1.0], [1.0]]


def test_without_a_service_the_deployed_setting_names_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack-stream-agent")
    recorder(None).record({Metric.LIVE_REFUSED: 1}, by="busy")

    (line,) = emitted(capsys)
    assert line[DIMENSION] == "stack-stream-agent"


def test_a_number_that_cannot_be_written_is_reported_and_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken(float):
        def __float__(self) -> float:
            raise OverflowError

    recorder().record({Metric.FIRST_AUDIO_MS: Broken(1)})

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "metrics lost" in captured.err
    assert "OverflowError" in captured.err


def test_no_two_metrics_share_a_name() -> None:
    assert len({metric.label for metric in Metric}) == len(Metric)


def test_fields_are_in_the_lines_of_a_task_and_of_its_threads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = get_logger("fields-log-test")

    async def session(session_id: str) -> None:
        with log_fields(session_id=session_id, epoch=2):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.info, "turn timed", turn=3)
            with log_fields(session_id="earlier"):
                log.info("lease taken")
            log.info("lease left", epoch=4)
        log.info("idle")

    async def two() -> None:
        await asyncio.gather(session("a"), session("b"))

    asyncio.run(two())
    lines = emitted(capsys)
    kept = [tuple(one.get(key) for key in ("session_id", "epoch", "turn")) for one in lines]
    said = [line["message"] for line in lines]
    assert sorted(zip(said, kept, strict=True), key=repr) == [
        ("idle", (None, None, None)),
        ("idle", (None, None, None)),
        ("lease left", ("a", 4, None)),
        ("lease left", ("b", 4, None)),
        ("lease taken", ("earlier", 2, None)),
        ("lease taken", ("earlier", 2, None)),
        ("turn timed", ("a", 2, 3)),
        ("turn timed", ("b", 2, 3)),
    ]


def test_a_log_line_has_its_message_and_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    get_logger("stream-agent-log-test").info("turn committed", session="s1", turn=3)

    (line,) = emitted(capsys)
    assert line["message"] == "turn committed"
    assert line["service"] == "stream-agent-log-test"
    assert (line["session"], line["turn"]) == ("s1", 3)


def test_at_debug_libraries_still_say_nothing_of_what_passes_through_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Lambda's runtime client does when LogLevel is DEBUG.
    root, to_stdout = logging.getLogger(), logging.StreamHandler(sys.stdout)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    monkeypatch.setattr(root, "handlers", [to_stdout])
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")

    own = get_logger("debug-log-test")
    logging.getLogger("botocore.parsers").debug("Response body: a key")
    logging.getLogger("websockets.client").debug("x-goog-api-key: a key")
    logging.getLogger("httpx").info("HTTP Request: an address")
    own.debug("said by us")

    assert [line["message"] for line in emitted(capsys)] == ["said by us"]


def test_importing_the_module_loads_neither_powertools_nor_a_tracer() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import repartee.observability;"
        "print(sorted(n for n in sys.modules"
        " if n.partition('.')[0] in ('aws_lambda_powertools', 'aws_xray_sdk', 'boto3')))"
    )
    run = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-I", "-c", program, str(SHARED)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
