"""All checks of the doctor, with answers in the form of AWS."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops.doctor.__main__ import main
from ops.doctor.checkup import Checkup
from ops.doctor.deployment import Deployment, read_deployment
from ops.doctor.keys import GeminiAnswer
from ops.finding import Finding, Verdict
from ops.settings import read_settings
from tests.documents import ROOT

pytestmark = pytest.mark.unit

KEY = "AQ.not-a-real-key"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"
PAGE = "https://talk.example.com/"
type Answers = dict[str, Any]


def refusal(code: str, words: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, "TheOperation")


class FakeClient:
    """Answers operations from a dictionary; exceptions in it are raised."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            answer = self._answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        call = getattr(self, operation)

        class Paginator:
            def paginate(self, **_: Any) -> list[Any]:
                return [call()]

        return Paginator()


class FakeSession:
    def __init__(self, answers: Mapping[str, Answers]) -> None:
        self._answers = answers

    def client(self, service: str, **_: Any) -> FakeClient:
        return FakeClient(self._answers.get(service, {}))


def resource(logical_id: str, kind: str) -> dict[str, str]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"dev-{logical_id}",
        "ResourceType": kind,
        "ResourceStatus": "CREATE_COMPLETE",
    }


def as_parameters(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def healthy(deployment: Deployment) -> dict[str, Answers]:
    """Return the answers about a healthy stack."""
    kinds = {
        **dict.fromkeys(deployment.functions, "AWS::Lambda::Function"),
        **dict.fromkeys(deployment.tables, "AWS::DynamoDB::Table"),
        **dict.fromkeys(("GeminiKeySecret", "TicketKeySecret"), "AWS::SecretsManager::Secret"),
        "TurnErrorsAlarm": "AWS::CloudWatch::Alarm",
        "UserPool": "AWS::Cognito::UserPool",
        "UserPoolClient": "AWS::Cognito::UserPoolClient",
        "UserPoolDomain": "AWS::Cognito::UserPoolDomain",
    }
    parameters = {"Voice": "Puck", "PageUrl": PAGE}
    return {
        "cloudformation": {
            "describe_stacks": {
                "Stacks": [
                    {
                        "StackStatus": "UPDATE_COMPLETE",
                        "Parameters": as_parameters(parameters),
                    }
                ]
            },
            "list_stack_resources": {
                "StackResourceSummaries": [resource(name, kind) for name, kind in kinds.items()]
            },
        },
        "lambda": {
            "get_account_settings": {
                "AccountLimit": {
                    "ConcurrentExecutions": 10,
                    "UnreservedConcurrentExecutions": 10,
                }
            },
            "get_function_configuration": {
                "State": "Active",
                "LastUpdateStatus": "Successful",
                "Architectures": ["arm64"],
            },
            "get_function_concurrency": {},
        },
        "apigateway": {"get_account": {}},
        "dynamodb": {
            "get_item": {},
            "describe_table": {"Table": {"TableStatus": "ACTIVE"}},
            "describe_time_to_live": {
                "TimeToLiveDescription": {
                    "TimeToLiveStatus": "ENABLED",
                    "AttributeName": "expires_at",
                }
            },
            "describe_continuous_backups": {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
                }
            },
        },
        "secretsmanager": {"get_secret_value": {"SecretString": KEY + "x" * 32}},
        "cognito-idp": {
            "describe_user_pool_client": {
                "UserPoolClient": {
                    "AllowedOAuthFlowsUserPoolClient": True,
                    "AllowedOAuthFlows": ["code"],
                    "CallbackURLs": [PAGE],
                }
            },
            "describe_user_pool_domain": {"DomainDescription": {"Status": "ACTIVE"}},
        },
        "cloudwatch": {
            "describe_alarms": {
                "MetricAlarms": [{"AlarmName": "dev-TurnErrorsAlarm", "AlarmActions": [TOPIC]}]
            }
        },
        "sns": {"get_topic_attributes": {"Attributes": {"SubscriptionsConfirmed": "1"}}},
    }


@pytest.fixture(scope="module")
def dev() -> Deployment:
    return read_deployment(read_settings(ROOT / "samconfig.toml", "dev"), ROOT / "template.yaml")


def examined(deployment: Deployment, answers: Mapping[str, Answers]) -> dict[str, Finding]:
    def ask(_key: str, base_url: str, models: Iterable[str]) -> list[GeminiAnswer]:
        assert base_url == "https://gemini.invalid"
        return [GeminiAnswer(model, 200) for model in models]

    session: Any = FakeSession(answers)
    found = list(Checkup(session, deployment, ask, "https://gemini.invalid").findings())
    assert KEY not in str(found)
    return {finding.subject: finding for finding in found}


def of(findings: Mapping[str, Finding], verdict: Verdict) -> set[str]:
    return {subject for subject, one in findings.items() if one.verdict is verdict}


def test_a_healthy_stack_has_a_finding_for_each_resource_and_no_advice(dev: Deployment) -> None:
    found = examined(dev, healthy(dev))
    assert (
        of(found, Verdict.OK)
        == set(found)
        == {
            "Lambda concurrency",
            "stack repartee-dev",
            *dev.functions,
            *dev.tables,
            "desk rules",
            "TicketKeySecret",
            "GeminiKeySecret",
            "sign-in to the page",
            "alarms",
        }
    )
    assert not any(finding.advice for finding in found.values())


def test_before_a_deployment_only_the_account_is_checked(dev: Deployment) -> None:
    answers = healthy(dev)
    absent = refusal("ValidationError", "Stack with id repartee-dev does not exist")
    answers["cloudformation"]["describe_stacks"] = absent
    found = examined(dev, answers)
    assert set(found) == {"Lambda concurrency", "stack repartee-dev"}
    assert "not deployed yet" in found["stack repartee-dev"].detail


def test_missing_resources_of_a_rolled_back_stack_are_not_checked(dev: Deployment) -> None:
    answers = healthy(dev)
    answers["cloudformation"]["describe_stacks"] = {
        "Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]
    }
    found = examined(dev, answers)
    assert set(found) == {"Lambda concurrency", "stack repartee-dev"}
    assert of(found, Verdict.WRONG) == {"stack repartee-dev"}


def test_the_log_role_is_checked_only_if_websocket_logs_need_it(dev: Deployment) -> None:
    answers = healthy(dev)
    answers["cloudformation"]["describe_stacks"]["Stacks"][0]["Parameters"] = as_parameters(
        {"WebSocketLogs": "true", "PageUrl": PAGE}
    )
    assert of(examined(dev, answers), Verdict.WRONG) == {"API Gateway log role"}


@pytest.mark.parametrize(
    ("service", "operation", "code", "unseen"),
    [
        ("lambda", "get_account_settings", "AccessDeniedException", {"Lambda concurrency"}),
        ("cloudformation", "describe_stacks", "AccessDenied", {"stack repartee-dev"}),
        (
            "dynamodb",
            "describe_continuous_backups",
            "AccessDeniedException",
            {"MemoryTable", "LiveTable", "DeskTable"},
        ),
        (
            "secretsmanager",
            "get_secret_value",
            "AccessDeniedException",
            {"GeminiKeySecret", "TicketKeySecret"},
        ),
        (
            "cognito-idp",
            "describe_user_pool_client",
            "AccessDeniedException",
            {"sign-in to the page"},
        ),
        ("cloudwatch", "describe_alarms", "AccessDenied", {"alarms"}),
        ("sns", "get_topic_attributes", "AuthorizationError", {"alarms"}),
    ],
)
def test_a_missing_permission_does_not_stop_the_other_checks(
    service: str, operation: str, code: str, unseen: set[str], dev: Deployment
) -> None:
    answers = healthy(dev)
    answers[service][operation] = refusal(code)
    found = examined(dev, answers)
    assert of(found, Verdict.UNKNOWN) == unseen
    assert of(found, Verdict.WRONG) == set()
    assert all("let this caller use TheOperation" in found[one].advice for one in unseen)


def test_an_unreachable_service_is_unknown_and_not_wrong(
    dev: Deployment,
) -> None:
    answers = healthy(dev)
    answers["cloudwatch"]["describe_alarms"] = EndpointConnectionError(endpoint_url="https://x")
    found = examined(dev, answers)
    assert of(found, Verdict.UNKNOWN) == {"alarms"}
    assert found["alarms"].advice == ""


@pytest.mark.parametrize(
    ("service", "operation", "subjects"),
    [
        ("lambda", "get_function_configuration", 7),
        ("dynamodb", "describe_table", 3),
        ("secretsmanager", "get_secret_value", 2),
        ("cognito-idp", "describe_user_pool_client", 1),
    ],
)
def test_a_resource_that_was_deleted_is_wrong(
    service: str, operation: str, subjects: int, dev: Deployment
) -> None:
    answers = healthy(dev)
    answers[service][operation] = refusal("ResourceNotFoundException")
    assert len(of(examined(dev, answers), Verdict.WRONG)) == subjects


def test_a_stack_may_have_another_architecture_than_the_environment(dev: Deployment) -> None:
    answers = healthy(dev)
    answers["cloudformation"]["describe_stacks"]["Stacks"][0]["Parameters"] = as_parameters(
        {"Architecture": "x86_64", "PageUrl": PAGE}
    )
    assert of(examined(dev, answers), Verdict.WRONG) == set(dev.functions)
    answers["lambda"]["get_function_configuration"]["Architectures"] = ["x86_64"]
    assert of(examined(dev, answers), Verdict.WRONG) == set()


def test_a_topic_that_was_deleted_makes_the_alarms_wrong(dev: Deployment) -> None:
    answers = healthy(dev)
    answers["sns"]["get_topic_attributes"] = refusal("NotFound")
    assert of(examined(dev, answers), Verdict.WRONG) == {"alarms"}


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROFILE", "REGION", "DEFAULT_REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize(
    ("environment", "region", "profile", "said"),
    [
        ("dev", "", "", "no region: set AWS_REGION"),
        ("dev", "eu-west-1", "", "no AWS credentials"),
        ("dev", "eu-west-1", "gone", "gone"),
        ("", "eu-west-1", "", "set ENV=dev or ENV=prod"),
        ("x", "eu-west-1", "", "ENV=x is not in samconfig.toml"),
    ],
)
def test_a_doctor_that_cannot_start_names_what_is_missing(
    environment: str,
    region: str,
    profile: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("ops.answers.ANSWERS", Path("/nowhere/samconfig.local.toml"))
    for name, value in (("AWS_REGION", region), ("AWS_PROFILE", profile)):
        if value:
            monkeypatch.setenv(name, value)
    assert main(["--env", environment]) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("item", "word"),
    [
        ({"week": {"M": {}}, "time_zone": {"S": "America/New_York"}}, "America/New_York"),
        ({"slot_minutes": {"N": "-5"}}, "slot_minutes"),
    ],
    ids=lambda one: str(one) if isinstance(one, str) else None,
)
def test_invalid_desk_rules_are_wrong(dev: Deployment, item: Answers, word: str) -> None:
    answers = healthy(dev)
    key = {"pk": {"S": "desk"}, "sk": {"S": "hours"}}
    answers["dynamodb"]["get_item"] = {"Item": {**key, **item}}

    finding = examined(dev, answers)["desk rules"]

    assert finding.verdict is Verdict.WRONG
    assert word in finding.detail
    assert "make desk" in finding.advice
