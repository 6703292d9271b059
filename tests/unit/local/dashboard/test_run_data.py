import json
from pathlib import Path

import pytest

from local.cloudwatch.alarms import AlarmState
from local.cloudwatch.run_metrics import AWS_METRICS
from local.dashboard.__main__ import run_folder
from local.dashboard.run_data import NoDataError, dashboards
from local.dashboard.views import Alarms, Logs, Numbers, View
from local.stack.run_folders import write_parameters

pytestmark = pytest.mark.unit

AT_MS = 1_796_083_260_000


def run(folder: Path, *, turns: int, session: str) -> Path:
    """Write the records of a run: a metric line, a log line, and errors of a function."""
    (folder / "logs").mkdir(parents=True)
    write_parameters(folder, {})
    metric = {"Namespace": "Repartee", "Dimensions": [["service"]], "Metrics": [{"Name": "Turns"}]}
    counted = {"_aws": {"Timestamp": AT_MS, "CloudWatchMetrics": [metric]}}
    logged = {"timestamp": "2026-12-01T00:01:00+00:00", "message": "m", "session_id": session}
    lines = [{**counted, "service": "local-stream-agent", "Turns": [turns]}, logged]
    log = folder / "logs" / "StreamAgentFunction.log"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    dimensions = {"FunctionName": "local-stream-agent"}
    for name, value in (("Errors", 50), ("Invocations", 50)):
        datum = {"namespace": "AWS/Lambda", "name": name, "dimensions": dimensions}
        with (folder / AWS_METRICS).open("a") as file:
            file.write(
                json.dumps({**datum, "at_ms": AT_MS, "value": value, "unit": "Count"}) + "\n"
            )
    return folder


def views(runs: list[Path], session: str | None = None) -> list[View]:
    return [placed.view for one in dashboards(runs, session) for placed in one.views]


def stories(runs: list[Path], session: str | None = None) -> int:
    found = [view for view in views(runs, session) if isinstance(view, Logs)]
    return len(found[0].table.rows)


def test_the_records_of_several_runs_add_up(tmp_path: Path):
    runs = [
        run(tmp_path / "one", turns=2, session="01A"),
        run(tmp_path / "two", turns=3, session="01B"),
    ]

    (numbers,) = [view for view in views(runs) if isinstance(view, Numbers)]

    assert numbers.numbers["turns"] == 5
    assert stories(runs) == 2
    assert stories(runs, "01B") == 1


def test_alarms_have_the_states_that_the_metrics_give_them(tmp_path: Path):
    runs = [run(tmp_path / "one", turns=2, session="01A")]

    (alarms,) = [view for view in views(runs) if isinstance(view, Alarms)]

    assert alarms.states["HttpErrorsAlarm"] is AlarmState.OK
    assert alarms.states["FunctionErrorsAlarm"] is AlarmState.ALARM
    assert alarms.states["UsersAreHurtAlarm"] is AlarmState.ALARM


def test_a_folder_without_metrics_has_no_dashboards(tmp_path: Path):
    with pytest.raises(NoDataError, match="not the folder of a run"):
        dashboards([tmp_path])
    write_parameters(tmp_path, {})
    with pytest.raises(NoDataError, match="no metric"):
        dashboards([tmp_path])


def test_the_running_stack_is_drawn_or_else_the_last_run(tmp_path: Path):
    assert run_folder(8700, tmp_path) is None
    first, last = tmp_path / "run-20261201-100000-1", tmp_path / "demo" / "run-20261201-110000-2"
    for folder in (first, last, tmp_path / "running"):
        folder.mkdir(parents=True)
    assert run_folder(8700, tmp_path) == last
    (tmp_path / "running" / "8700").symlink_to(first)
    assert run_folder(8700, tmp_path) == first
    assert run_folder(9000, tmp_path) == last
