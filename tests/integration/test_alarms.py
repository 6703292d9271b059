"""Each alarm of the template fires in a run with its fault, and only then.

No test writes a data point: they come from the functions' metric lines and from what the local
gateway, Lambda host and queue count. Alarms are read from the template after SAM's transform.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.cloudwatch.alarms import AlarmState
from local.cloudwatch.template_alarms import read_composite_alarms
from local.hosting.table_faults import TableFaultProxy
from tests.integration.incidents import PARAMETERS, TALKERS, WORKER, Incidents, template_file
from tests.integration.running import options_for_tests, stack_in_thread

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("alarms")]

OK, ALARM = AlarmState.OK, AlarmState.ALARM
# For each alarm: a fault, and the metrics that show it.
FAULTS = [
    ("CannotConnectAlarm", "closed_door", ("Throttles", "ExecutionError")),
    ("CannotConnectAlarm", "failing_tables", ("ConnectFailures",)),
    ("NoFirstAudioAlarm", "refused_key", ("SessionsOpened",)),
    ("SlowFirstAudioAlarm", "late_replies", ("FirstAudioMs",)),
    ("GeminiRefusesAlarm", "refused_key", ("LiveRefused",)),
    ("TurnsFailAlarm", "lost_questions", ("TurnErrors",)),
    ("TurnsFailAlarm", "failing_messages", ("Troubles",)),
    ("ThrottlesAlarm", "closed_door", ("Throttles",)),
    ("ThrottlesAlarm", "lost_questions", ("Throttles",)),
    ("WakesDroppedAlarm", "broken_workers", ("AsyncEventsDropped",)),
    ("FunctionErrorsAlarm", "broken_workers", ("Errors",)),
    ("HttpErrorsAlarm", "closed_api", ("5xx",)),
    ("FullPoolAlarm", "late_replies", ("ConcurrentExecutions",)),
    ("SpendAlarm", "high_prices", ("CostUsd",)),
    ("OnFailureAlarm", "broken_workers", ("NumberOfMessagesSent",)),
]
each_fault = pytest.mark.parametrize(("name", "fault", "metrics"), FAULTS)


@pytest.fixture(scope="module")
def incidents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Incidents]:
    tables = TableFaultProxy()
    options = options_for_tests(tmp_path_factory.mktemp("alarms"))
    parameters = {name: PARAMETERS[name] for name in PARAMETERS if name != "StageName"}
    options = replace(
        options,
        parameters=parameters,
        table_faults=tables,
        prewarm={**options.prewarm, WORKER: TALKERS},
    )
    with stack_in_thread(options) as running:
        yield Incidents(running, tables, template_file(tmp_path_factory.mktemp("template")))


def renamed(template: Path, alarm: str, metrics: tuple[str, ...], folder: Path) -> Path:
    """Write the template with other names for an alarm's metrics, and return its path."""
    document = json.loads(template.read_text())
    for query in document["Resources"][alarm]["Properties"]["Metrics"]:
        metric = query.get("MetricStat", {}).get("Metric", {})
        if metric.get("MetricName") in metrics:
            metric["MetricName"] += "Renamed"
    file = folder / "renamed.json"
    file.write_text(json.dumps(document))
    return file


def test_every_alarm_has_a_fault(incidents: Incidents) -> None:
    assert {name for name, _, _ in FAULTS} == set(incidents.alarms())


def test_without_a_fault_every_alarm_stays_ok(incidents: Incidents) -> None:
    incident = incidents.of("no_fault")
    fired = {
        name: history.changes
        for name, alarm in incidents.alarms().items()
        if (history := incident.history(alarm)).changes
    }
    assert fired == {}


@each_fault
def test_an_alarm_fires_when_its_fault_happens_and_returns_to_ok(
    incidents: Incidents, name: str, fault: str, metrics: tuple[str, ...]
) -> None:
    history = incidents.of(fault).history(incidents.alarms()[name])
    assert history.states[:1] == [ALARM], (name, fault)
    assert history.state is OK


@each_fault
def test_an_alarm_whose_metric_has_another_name_does_not_fire(
    incidents: Incidents, name: str, fault: str, metrics: tuple[str, ...], tmp_path: Path
) -> None:
    template = renamed(incidents.template, name, metrics, tmp_path)
    history = incidents.of(fault).history(incidents.alarms(template)[name])
    assert history.changes == []


def test_a_refused_gemini_key_pages_within_5_minutes_at_one_session_a_minute(
    incidents: Incidents,
) -> None:
    incident, alarms = incidents.of("refused_key"), incidents.alarms()
    children = read_composite_alarms(incidents.template, PARAMETERS)["UsersAreHurtAlarm"]
    fired_ms = [
        change.at_ms
        for name in children
        for change in incident.history(alarms[name]).changes
        if change.state is ALARM
    ]
    assert min(fired_ms) - incident.start_ms <= 5 * 60_000
