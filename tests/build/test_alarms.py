"""Rules that the alarms of template.yaml keep."""

from typing import Any

import pytest

from local.cloudwatch.metric_math import MetricMath
from local.cloudwatch.template_alarms import read_alarms, read_composite_alarms
from repartee.ports.metrics import DIMENSION, NAMESPACE, Metric
from tests.build.cloudformation import ROOT, load_template, resources_of_type, text_of

pytestmark = pytest.mark.build

TEMPLATE = load_template()
ALARMS = resources_of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
COMPOSITES = resources_of_type(TEMPLATE, "AWS::CloudWatch::CompositeAlarm")
READ = read_alarms(ROOT / "template.yaml", {"JwtIssuer": "https://i", "JwtAudience": "a"})
PAGED = read_composite_alarms(ROOT / "template.yaml")["UsersAreHurtAlarm"]
FUNCTIONS = resources_of_type(TEMPLATE, "AWS::Serverless::Function")

each_alarm = pytest.mark.parametrize("name", ALARMS)


def metrics_of(name: str) -> dict[str, Any]:
    """Return the metrics of an alarm by id."""
    return {one["Id"]: one["MetricStat"] for one in ALARMS[name]["Metrics"] if "MetricStat" in one}


def functions_with(metric: str) -> set[str]:
    """Return the functions of which an alarm watches a metric."""
    return {
        stat["Metric"]["Dimensions"][0]["Value"]["Ref"]
        for name in ALARMS
        for stat in metrics_of(name).values()
        if (stat["Metric"]["Namespace"], stat["Metric"]["MetricName"]) == ("AWS/Lambda", metric)
    }


@pytest.mark.parametrize("name", [*ALARMS, *COMPOSITES])
def test_a_description_ends_with_the_address_of_the_runbooks_section(name: str) -> None:
    description = text_of((ALARMS | COMPOSITES)[name]["AlarmDescription"])
    assert description.endswith(f" ${{RunbookUrl}}#{name.lower()}")


@pytest.mark.parametrize("name", [*ALARMS, *COMPOSITES])
def test_an_alarm_also_notifies_when_it_returns_to_ok(name: str) -> None:
    alarm = (ALARMS | COMPOSITES)[name]
    assert alarm["OKActions"] == alarm["AlarmActions"]


def test_every_alarm_is_a_page_or_notifies_somebody_itself() -> None:
    warning = {"Ref": "WarningTopicArn"}
    none = {"Ref": "AWS::NoValue"}
    page = {"Fn::If": ["NotifyAlarms", [{"Ref": "AlarmTopicArn"}], none]}
    for name, alarm in ALARMS.items():
        otherwise = none if name in PAGED else page
        assert alarm["AlarmActions"] == {"Fn::If": ["NotifyWarnings", [warning], otherwise]}, name
    assert COMPOSITES["UsersAreHurtAlarm"]["AlarmActions"] == page
    assert set(PAGED) < set(ALARMS)


@each_alarm
def test_cloudwatch_accepts_the_metrics_of_an_alarm(name: str) -> None:
    """Source: CloudWatch user guide, "Alarms on math expressions"."""
    metrics = metrics_of(name)
    assert len(metrics) <= 10
    assert len({stat["Period"] for stat in metrics.values()}) == 1
    alarm = READ[name]
    assert alarm.evaluation_periods * alarm.period_s <= 86_400
    assert alarm.datapoints_to_alarm <= alarm.evaluation_periods


@each_alarm
def test_an_alarm_is_silent_and_has_a_value_when_nothing_happens(name: str) -> None:
    """Without a value CloudWatch would evaluate older periods again."""
    alarm = READ[name]
    math = MetricMath({key: {} for key in alarm.queries}, [0, 60_000], alarm.expressions)
    values = math.evaluate(alarm.expressions[alarm.watched])
    assert values == {0: 0, 60_000: 0}
    assert not alarm.breaches(0)
    assert alarm.missing_data_rule == "notBreaching"


def test_our_own_metrics_exist_and_have_a_function_that_writes_them() -> None:
    known = {metric.label: metric for metric in Metric}
    own = [
        stat["Metric"]
        for name in ALARMS
        for stat in metrics_of(name).values()
        if stat["Metric"]["Namespace"] == NAMESPACE
    ]
    assert own
    for metric in own:
        (dimension,) = metric["Dimensions"]
        assert dimension["Name"] == DIMENSION
        folder = FUNCTIONS[dimension["Value"]["Ref"]]["Handler"].partition(".")[0]
        assert folder in known[metric["MetricName"]].writers


def test_errors_and_throttles_of_every_function_are_watched() -> None:
    # http_api answers 5xx itself, and the API counts its failures as well.
    assert functions_with("Errors") == set(FUNCTIONS) - {"HttpApiFunction"}
    assert functions_with("Throttles") == set(FUNCTIONS)
    requests = metrics_of("HttpErrorsAlarm")["errors"]["Metric"]
    assert requests["MetricName"] == "5xx"
    assert requests["Dimensions"] == [{"Name": "ApiId", "Value": {"Ref": "HttpApi"}}]


def test_an_alarm_sees_an_error_that_lambda_counts_at_the_start_of_a_long_invocation() -> None:
    """Lambda counts a worker's error at its start, 15 min earlier (AWS: metrics of functions)."""
    alarm = READ["FunctionErrorsAlarm"]
    longest_s = max(function["Timeout"] for function in FUNCTIONS.values())
    # CloudWatch evaluates complete minutes, some of them late.
    assert alarm.period_s * alarm.evaluation_periods >= longest_s + 120
    assert alarm.datapoints_to_alarm == 1


@pytest.mark.parametrize(("reserved", "limit"), [("200", 200.0), ("0", 1_000.0)])
def test_the_pool_is_the_reserved_one_or_the_accounts_quota(reserved: str, limit: float) -> None:
    parameters = {"StreamAgentConcurrency": reserved, "AccountConcurrency": "1000"}
    alarm = read_alarms(ROOT / "template.yaml", parameters)["FullPoolAlarm"]
    math = MetricMath({"running": {0: limit * 0.8}}, [0], alarm.expressions)
    assert alarm.breaches(math.evaluate(alarm.expressions[alarm.watched])[0])
    dimensions = dict(alarm.queries["running"].metric.dimensions)
    assert ("FunctionName" in dimensions) is (reserved != "0")
