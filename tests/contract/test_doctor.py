"""``make doctor`` against MiniStack.

The stack has the template's logical ids and is made by CloudFormation. MiniStack's CloudFormation
leaves out TTL and point-in-time recovery, so the test sets them afterwards.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from boto3.session import Session

from local.template.intrinsics import parse
from ops.doctor.gemini import ask
from ops.smoke.__main__ import main as smoke
from tests.contract.aws_double import Answer, AwsDouble, Request, aws_double
from tests.contract.servers import MINISTACK, Servers, require
from tests.documents import ROOT

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

STACK = "repartee-dev"
KEY = "AQ.not-a-real-key"
TOPIC_NAME = "doctor-oncall"


@pytest.fixture(scope="module")
def aws(servers: Servers) -> Iterator[Session]:
    require(servers, MINISTACK)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", servers.endpoint(MINISTACK))
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield boto3.session.Session()


@pytest.fixture(scope="module")
def gemini() -> Iterator[AwsDouble]:
    with aws_double() as double:
        double.respond = described
        yield double


def described(request: Request) -> Answer:
    """Return the Gemini API's description of a model."""
    if request.headers.get("x-goog-api-key") != KEY:
        return Answer(401, body='{"error": {"code": 401, "status": "UNAUTHENTICATED"}}')
    return Answer(body=json.dumps({"name": request.path.removeprefix("/v1beta/")}))


def doctor(gemini: AwsDouble) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the project's own make
        ["make", "--silent", "doctor", "ENV=dev", f"ARGS=--gemini-url {gemini.url}"],  # noqa: S607
        cwd=ROOT,
        env=dict(os.environ),  # noqa: TID251 - with MiniStack's address and its credentials
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(404, body='{"error": {"code": 404, "status": "NOT_FOUND"}}'), 404),
        (Answer(429, body='{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}'), 429),
        (Answer(hang_up=True), None),
    ],
)
def test_models_are_checked_up_to_the_first_unknown_one(answer: Answer, status: int | None) -> None:
    with aws_double() as double:
        double.respond = lambda request: (
            answer if request.path.endswith("/b") else Answer(body="{}")
        )
        found = ask(KEY, double.url, ["a", "b", "c"])
    assert [(one.model, one.status) for one in found] == [("a", 200), ("b", status)]
    assert [request.path for request in double.requests][:2] == [
        "/v1beta/models/a",
        "/v1beta/models/b",
    ]
    assert {request.method for request in double.requests} == {"GET"}


def lines(output: str, verdict: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(verdict)]


def stack_template(topic: str) -> str:
    """Return the template's functions, tables, secrets and one alarm as plain CloudFormation."""
    resources: dict[str, Any] = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "TurnErrorsAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "Repartee",
                "MetricName": "TurnErrors",
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 5,
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [topic],
            },
        },
    }
    for name, one in parse((ROOT / "template.yaml").read_text())["Resources"].items():
        if one["Type"] in {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"}:
            resources[name] = one | {"DeletionPolicy": "Delete"}
        elif one["Type"] == "AWS::Serverless::Function":
            resources[name] = {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": one["Properties"]["FunctionName"],
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Architectures": ["arm64"],
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context): pass"},
                },
            }
    # The user pool is not part of this stack.
    issuer = {"Type": "String", "Default": "https://login.example.com"}
    return json.dumps({"Parameters": {"JwtIssuer": issuer}, "Resources": resources})


@pytest.fixture(scope="module")
def deployed(aws: Session) -> dict[str, str]:
    """Deploy a stack without faults; return its physical ids by logical id."""
    sns, dynamodb = aws.client("sns"), aws.client("dynamodb")
    topic = sns.create_topic(Name=TOPIC_NAME)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15550100")
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=stack_template(topic))
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    physical = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
    for name in ("MemoryTable", "LiveTable"):
        dynamodb.update_time_to_live(
            TableName=physical[name],
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )
    for name in ("MemoryTable", "DeskTable"):
        dynamodb.update_continuous_backups(
            TableName=physical[name],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    secrets = aws.client("secretsmanager")
    secrets.put_secret_value(SecretId=physical["GeminiKeySecret"], SecretString=KEY)
    return physical


def test_before_the_first_deployment_only_the_account_is_checked(
    aws: Session, gemini: AwsDouble
) -> None:
    ended = doctor(gemini)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "not deployed yet" in ended.stdout
    assert len(lines(ended.stdout, "ok")) == 2


def test_a_healthy_stack_has_no_finding(deployed: dict[str, str], gemini: AwsDouble) -> None:
    ended = doctor(gemini)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(lines(ended.stdout, "ok")) == len(ended.stdout.splitlines()) - 1 == 17
    assert "an auth key (AQ.…), answers for gemini-3.8-live, gemini-3.8-flash" in ended.stdout
    assert KEY not in ended.stdout


def test_three_faults_are_reported_and_no_others(
    aws: Session, deployed: dict[str, str], gemini: AwsDouble
) -> None:
    aws.client("secretsmanager").put_secret_value(
        SecretId=deployed["GeminiKeySecret"], SecretString="AIza-a-standard-key"
    )
    aws.client("dynamodb").update_time_to_live(
        TableName=deployed["LiveTable"],
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
    )
    aws.client("lambda").delete_function(FunctionName=deployed["CoreAgentFunction"])

    ended = doctor(gemini)

    assert ended.returncode != 0
    wrong = lines(ended.stdout, "wrong")
    assert [line.split()[1] for line in wrong] == [
        "CoreAgentFunction:",
        "LiveTable:",
        "GeminiKeySecret:",
    ]
    assert all(" | mend: " in line for line in wrong)
    assert "a standard key (AIza…); Gemini refuses it: 401" in ended.stdout
    assert "AIza-a-standard-key" not in ended.stdout
    assert lines(ended.stdout, "could not check") == []
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "check",
    [
        ["functions", "--stack", "no-such-stack"],
        ["tables", "--live-table", "no-such-table", "--memory-table", "no-such-table"],
    ],
)
def test_a_smoke_check_of_a_missing_resource_prints_no_traceback(
    check: list[str], aws: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke(check) == 2
    assert "could not be made" in capsys.readouterr().err
