"""docs/operations.md names all settings, metrics, alarms and log messages."""

import re
from dataclasses import fields
from typing import Any

import pytest

from repartee.application.connections.client_answers import Trouble
from repartee.domain.persona import Persona
from repartee.domain.phrases import Phrases
from repartee.domain.session.effects import FinishReason
from repartee.observability import Metric
from tests.build.cloudformation import load_template, resources_of_type, text_of
from tests.documents import ROOT, code_spans, first_code, page, rows, section, sections

pytestmark = pytest.mark.unit

OPERATIONS = page("docs/operations.md")
TEMPLATE = load_template()
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
FUNCTIONS = resources_of_type(TEMPLATE, "AWS::Serverless::Function")
PARAMETER_ROWS = {first_code(row[0]): row for row in rows(section(OPERATIONS, "Parameters"))}


def sources(*folders: str) -> str:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return "".join(path.read_text() for path in sorted(found))


def variables(function: str) -> set[str]:
    return set(FUNCTIONS[function]["Environment"]["Variables"])


def folder(function: str) -> str:
    return str(FUNCTIONS[function]["Handler"]).partition(".")[0]


def subsection(title: str) -> str:
    return next(each.text for each in sections(OPERATIONS, 3) if each.title == title)


def test_every_parameter_of_the_template_has_a_row_and_no_other() -> None:
    assert list(PARAMETER_ROWS) == list(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameters_row_says_its_default_and_limits(name: str) -> None:
    parameter, (_, default, limits, meaning) = PARAMETERS[name], PARAMETER_ROWS[name]
    expected = str(parameter["Default"])
    assert default == (f"`{expected}`" if expected else "empty")
    for bound in ("MinValue", "MaxValue"):
        if bound in parameter:
            assert str(parameter[bound]) in re.findall(r"\d+", limits)
    for value in parameter.get("AllowedValues", ()):
        assert (str(value) or "empty") in re.findall(r"[\w-]+", limits)
    assert meaning


def test_every_environment_variable_has_a_row_that_names_its_readers() -> None:
    everywhere = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    everywhere |= set.intersection(*map(variables, FUNCTIONS))
    readers = {
        variable: {folder(name) for name in FUNCTIONS if variable in variables(name)}
        for variable in set.union(*map(variables, FUNCTIONS)) - everywhere
    } | {variable: {"all"} for variable in everywhere}
    documented = {
        first_code(row[0]): set(re.findall(r"\w+", row[1]))
        for row in rows(section(OPERATIONS, "Environment variables"))
    }
    assert documented == readers


def test_every_route_has_a_row_that_names_its_function() -> None:
    expected = {}
    for api in resources_of_type(TEMPLATE, "AWS::Serverless::WebSocketApi").values():
        for route, target in api["Routes"].items():
            expected[route] = folder(target["FunctionArn"]["Fn::GetAtt"][0])
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            properties = event["Properties"]
            expected[f"{properties['Method']} {properties['Path']}"] = folder(name)
    documented = {first_code(row[0]): row[1] for row in rows(section(OPERATIONS, "Routes"))}
    assert documented == expected


def test_every_metric_has_a_row_with_its_unit_and_its_functions() -> None:
    documented = {first_code(row[0]): row[1:3] for row in rows(section(OPERATIONS, "Metrics"))}
    assert documented == {
        metric.label: [metric.unit, ", ".join(metric.writers)] for metric in Metric
    }


def test_the_row_of_a_metric_names_its_dimension() -> None:
    meaning = {first_code(row[0]): row[3] for row in rows(section(OPERATIONS, "Metrics"))}
    for metric in Metric:
        assert not metric.dimension or f"by `{metric.dimension}`" in meaning[metric.label]


def test_every_alarm_has_a_section_in_the_runbook_under_the_address_in_its_description() -> None:
    alarms = {
        **resources_of_type(TEMPLATE, "AWS::CloudWatch::Alarm"),
        **resources_of_type(TEMPLATE, "AWS::CloudWatch::CompositeAlarm"),
    }
    found = sections(page("docs/runbook.md"), 2)
    assert {each.title for each in found} == set(alarms)
    for each in found:
        _, _, anchor = text_of(alarms[each.title]["AlarmDescription"]).partition("${RunbookUrl}#")
        assert anchor == each.title.lower()
        parts = ["Users", "Fires", "See it", "Do", "OK again"]
        wanted = [part for part in parts if (each.title, part) != ("UsersAreHurtAlarm", "Fires")]
        assert re.findall(r"^- \*\*([^*]+):\*\* \w", each.text, re.M) == wanted


def test_every_saved_query_has_a_row() -> None:
    documented = {first_code(row[0]) for row in rows(section(OPERATIONS, "Dashboards"))}
    assert documented == set(resources_of_type(TEMPLATE, "AWS::Logs::QueryDefinition"))


def test_every_log_group_is_listed() -> None:
    groups = resources_of_type(TEMPLATE, "AWS::Logs::LogGroup").values()
    named = {
        str(group["LogGroupName"]["Fn::Sub"]).replace("${AWS::StackName}", "STACK")
        for group in groups
    }
    listed = {first_code(row[0]) for row in rows(section(OPERATIONS, "Logs").split("###")[0])}
    assert listed == named


def test_every_log_message_is_listed_and_no_other() -> None:
    logged = set(
        re.findall(
            r"log\.(?:debug|info|warning|error|exception)\(\s*\"([^\"]+)\"",
            sources("functions", "layers/shared/repartee"),
        )
    )
    assert logged
    table = rows(section(OPERATIONS, "Logs").split("###")[0])
    listed = {message for row in table for message in re.findall(r"`([^`]+)`", row[1])}
    assert listed - {"WebSocketLogs"} == logged


def test_every_reason_for_leaving_a_session_is_explained() -> None:
    assert {reason.value for reason in FinishReason} <= set(code_spans(OPERATIONS))


def test_every_reason_for_refusing_a_connection_is_explained() -> None:
    code = sources("functions/authorizer", "functions/connect", "layers/shared/repartee")
    raised = set(re.findall(r'(?:Ticket|Origin)Refused\(\s*"(\w+)"', code))
    signer = (ROOT / "layers/shared/repartee/adapters/ticket_jwt.py").read_text()
    raised |= set(re.findall(r'reason = "(\w+)" if', signer))
    with_status = re.findall(r'ConnectionRefused\(\s*(\d+),\s*"(\w+)"', code)
    raised |= {reason for _, reason in with_status}
    handlers = sources("functions/authorizer", "functions/connect")
    raised |= set(re.findall(r'"reason": "(\w+)"', handlers))
    table = rows(subsection("Refusal reasons"))
    assert {first_code(row[0]) for row in table} == raised
    assert set(with_status) <= {(row[1], first_code(row[0])) for row in table}


def test_every_trouble_is_explained() -> None:
    core = (ROOT / "layers/shared/repartee/application/answers/answer_question.py").read_text()
    troubles = set(re.findall(r'trouble="(\w+)"', core))
    troubles |= set(re.findall(r'^    "(\w+)": lambda phrases:', core, re.MULTILINE))
    troubles |= {trouble.value for trouble in Trouble}
    table = rows(subsection("Troubles"))
    assert {name for row in table for name in re.findall(r"`(\w+)`", row[0])} == troubles


def test_every_field_and_phrase_of_a_persona_has_a_row() -> None:
    table = [name for row in rows(section(OPERATIONS, "Personas")) for name in code_spans(row[0])]
    assert sorted(table) == sorted([*Persona.model_fields, *(one.name for one in fields(Phrases))])
