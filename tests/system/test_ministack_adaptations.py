"""Each adaptation of the template to MiniStack is still needed."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.system.adaptations import ADAPTATIONS, Template
from tests.system.ministack import MiniStack

pytestmark = pytest.mark.system


def made(ministack: MiniStack, name: str, **resources: Any) -> dict[str, Any]:
    """Create a stack of a few resources; return MiniStack's description of it."""
    outputs = {"Reference": {"Value": {"Ref": next(iter(resources))}}}
    cloudformation = ministack.client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
    )
    for _ in range(100):
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            found: dict[str, Any] = stack
            return found
        ministack.pause(0.2)
    raise AssertionError(f"{name} is not done: {stack}")


def reference(stack: dict[str, Any]) -> str:
    """Return the value of Ref for the stack's first resource."""
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return str(stack["Outputs"][0]["OutputValue"])


def metric_math_fails(ministack: MiniStack) -> bool:
    statistic = {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"}, "Stat": "Sum"}
    properties = {
        "Metrics": [
            {"Id": "all", "Expression": "SUM(METRICS())"},
            {"Id": "one", "ReturnData": False, "MetricStat": {**statistic, "Period": 60}},
        ],
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
    return str(made(ministack, "metric-math", Alarm=alarm)["StackStatus"]) != "CREATE_COMPLETE"


def composite_alarm_is_unknown(ministack: MiniStack) -> bool:
    alarm = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "FALSE"}}
    try:
        made(ministack, "composite-alarm", Alarm=alarm)
    except ClientError as error:
        return "CompositeAlarm" in str(error)
    return False


def secret_is_named(ministack: MiniStack) -> bool:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "x"}}
    return not reference(made(ministack, "secret", Secret=secret)).startswith("arn:")


def body_is_ignored(ministack: MiniStack) -> bool:
    body = {
        "openapi": "3.0.1",
        "info": {"title": "probe", "version": "1"},
        "paths": {"/health": {"get": {"responses": {}}}},
    }
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}}
    api_id = reference(made(ministack, "body", Api=api))
    return not ministack.client("apigatewayv2").get_routes(ApiId=api_id)["Items"]


def addresses_differ(ministack: MiniStack) -> bool:
    properties = {"Name": "probe", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$x"}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": properties}
    api_id = reference(made(ministack, "address", Api=api))
    endpoint: str = ministack.client("apigatewayv2").get_api(ApiId=api_id)["ApiEndpoint"]
    return not endpoint.endswith(".amazonaws.com")


def saved_query_is_unknown(ministack: MiniStack) -> bool:
    properties = {"Name": "probe", "QueryString": "limit 1"}
    query = {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}
    try:
        made(ministack, "saved-query", Query=query)
    except ministack.client("cloudformation").exceptions.ClientError as error:
        return "QueryDefinition" in str(error)
    return False


def layers_are_elsewhere(ministack: MiniStack) -> bool:
    functions = ministack.client("lambda")
    layer = functions.publish_layer_version(
        LayerName="probe", Content={"ZipFile": zipped("site/index.html", "")}
    )
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = ministack.client("iam").create_role(
        RoleName="layer-probe", AssumeRolePolicyDocument=trust
    )
    code = "import os\ndef handler(*_): return os.path.exists('/opt/site/index.html')"
    functions.create_function(
        FunctionName="layer-probe",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Layers=[layer["LayerVersionArn"]],
        Code={"ZipFile": zipped("index.py", code)},
    )
    answer = functions.invoke(FunctionName="layer-probe")["Payload"].read()
    return bool(answer == b"false")


def zipped(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


PROBES: dict[str, Callable[[MiniStack], bool]] = {
    "no metric math": metric_math_fails,
    "no composite alarms": composite_alarm_is_unknown,
    "secrets by Id": secret_is_named,
    "HTTP routes": body_is_ignored,
    "no saved queries": saved_query_is_unknown,
    "page files": layers_are_elsewhere,
    "addresses": addresses_differ,
}


def test_every_adaptation_has_a_probe_and_a_reason() -> None:
    assert set(PROBES) == set(ADAPTATIONS)
    assert all(adaptation.reason for adaptation in ADAPTATIONS.values())


@pytest.mark.parametrize("name", ADAPTATIONS)
def test_ministack_still_differs_from_aws(name: str, ministack: MiniStack) -> None:
    assert PROBES[name](ministack), f"MiniStack does what AWS does: take {name!r} away"


@pytest.mark.parametrize("name", ADAPTATIONS)
def test_an_adaptation_changes_something_of_the_template(name: str, template: Template) -> None:
    assert ADAPTATIONS[name].change(template, "http://127.0.0.1:1") != template
