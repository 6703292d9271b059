"""Metrics are lines of the embedded metric format on standard output; logs are JSON lines."""

import json
import logging
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from repartee.observability import DIMENSION, NAMESPACE, Metric, MetricsRecorder, get_logger

pytestmark = pytest.mark.unit

SHARED = Path(__file__).parents[3] / "layers" / "shared"


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def declared(line: dict[str, Any]) -> dict[str, str]:
    """Return the units in a metric line, by metric name."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert directive["Dimensions"] == [[DIMENSION]]
    return {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}


def finish_turn(recorder: MetricsRecorder, first_audio_ms: float | None = 412.5) -> None:
    recorder.turn_finished(
        first_audio_ms=first_audio_ms,
        input_tokens=250,
        output_tokens=90,
        cost_usd=Decimal("0.00183"),
        errors=0,
        tool_calls=0,
    )


def test_a_turn_is_one_line_with_every_number_of_the_turn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    finish_turn(MetricsRecorder("stream-agent"))

    (line,) = emitted(capsys)
    assert line[DIMENSION] == "stream-agent"
    assert declared(line) == {
        "Turns": "Count",
        "FirstAudioMs": "Milliseconds",
        "TurnErrors": "Count",
        "InputTokens": "Count",
        "OutputTokens": "Count",
        "CostUsd": "None",
        "ToolCalls": "Count",
    }
    assert line["FirstAudioMs"] == [412.5]
    assert line["InputTokens"] == [250.0]
    assert line["OutputTokens"] == [90.0]
    assert line["CostUsd"] == [0.00183]


def test_missing_steps_of_a_turn_are_recorded_as_zero(
    capsys: pytest.CaptureFixture[str],
) -> None:
    finish_turn(MetricsRecorder("stream-agent"))

    (line,) = emitted(capsys)
    assert line["TurnErrors"] == [0.0]
    assert line["ToolCalls"] == [0.0]


def test_a_turn_without_audio_to_time_records_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    finish_turn(MetricsRecorder("stream-agent"), first_audio_ms=None)

    (line,) = emitted(capsys)
    assert Metric.FIRST_AUDIO_MS.label not in declared(line)
    assert Metric.TURNS.label in declared(line)


@pytest.mark.parametrize(("takeover", "value"), [(True, [1.0]), (False, [0.0])])
def test_every_lease_says_whether_it_was_a_takeover(
    takeover: bool, value: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    MetricsRecorder("stream-agent").lease_taken(takeover=takeover)

    (line,) = emitted(capsys)
    assert declared(line) == {"Takeovers": "Count"}
    assert line["Takeovers"] == value


def test_turns_of_one_recorder_never_run_together(capsys: pytest.CaptureFixture[str]) -> None:
    recorder = MetricsRecorder("stream-agent")
    for _ in range(3):
        finish_turn(recorder)

    assert [line["Turns"] for line in emitted(capsys)] == [[1.0], [1.0], [1.0]]


def test_without_a_service_the_deployed_setting_names_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack-stream-agent")
    MetricsRecorder().session_opened()

    (line,) = emitted(capsys)
    assert line[DIMENSION] == "stack-stream-agent"


def test_a_number_that_cannot_be_written_is_reported_and_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken(float):
        def __float__(self) -> float:
            raise OverflowError

    finish_turn(MetricsRecorder("stream-agent"), first_audio_ms=Broken(1))

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "metrics lost" in captured.err
    assert "OverflowError" in captured.err


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
