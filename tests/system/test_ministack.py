"""The template deploys with IAM enforced, and a whole conversation passes."""

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import boto3
import pytest
from botocore.exceptions import ClientError

from local.calls.opening import open_reconnecting_voice_call
from local.calls.utterances import AnsweredUtterance, say
from local.demo.recorded_script import load_script
from local.stack.options import PROJECT
from local.template.model import REGION
from repartee_client.access import HttpApiClient
from repartee_client.recordings import read_wav
from tests.system.adaptations import Template
from tests.system.ministack import MiniStack, make

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.system

PASSWORD = "Correct-Horse-1"
ANSWER_S = 120.0


def signed_in(deployed: MiniStack, user: str) -> HttpApiClient:
    """Return an HTTP client with a token of the stack's user pool."""
    deployed.create_user(user, PASSWORD)
    outputs = deployed.outputs()
    answer = deployed.client("cognito-idp").admin_initiate_auth(
        UserPoolId=outputs["UserPoolId"],
        ClientId=outputs["UserPoolClientId"],
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
    )
    return HttpApiClient(outputs["HttpApiUrl"], answer["AuthenticationResult"]["IdToken"])


@pytest.fixture(scope="module")
def warm(deployed: MiniStack) -> MiniStack:
    """Start the heavy functions once, because the first start is slow beside other tests."""
    deployed.invoke("CoreAgentFunctionName", "core_agent.opening_hours")
    deployed.invoke("StreamAgentFunctionName", "stream_agent.unknown_session")
    return deployed


async def booked(api: HttpApiClient) -> AnsweredUtterance:
    """Run a call in which the user books by voice."""
    booking = load_script(PROJECT / "local" / "recordings" / "default")[1]
    async with open_reconnecting_voice_call(api, await api.start_session()) as call:
        await call.until_ready(ANSWER_S)
        exchange = await say(call, read_wav(booking.wav), timeout_s=ANSWER_S)
        await call.hang_up(ANSWER_S)
        return exchange


async def ask(api: HttpApiClient, method: str, path: str) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {api.token}"}
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, api.url + path, headers=headers) as response,
    ):
        return response.status, await response.json(content_type=None)


def test_a_user_signs_in_books_by_voice_exports_and_is_erased(warm: MiniStack) -> None:
    api = signed_in(warm, "you@example.com")
    exchange = warm.runner.run(booked(api))
    assert exchange.tool_calls == ["ask_core_agent"]
    assert "booked" in exchange.said, warm.log("core-agent")
    status, export = warm.runner.run(ask(api, "GET", "/me/export"))
    assert status == 200
    (conversation,) = export["conversations"]
    assert any("booked" in turn["said"]["text"] for turn in conversation["turns"])
    status, erasure = warm.runner.run(ask(api, "DELETE", "/me"))
    assert (status, erasure["finished"]) == (200, True)


def test_the_http_api_refuses_a_caller_without_a_token(deployed: MiniStack) -> None:
    stranger = HttpApiClient(deployed.outputs()["HttpApiUrl"], "no.such.token")
    assert deployed.runner.run(ask(stranger, "GET", "/health"))[0] == 200
    assert deployed.runner.run(ask(stranger, "GET", "/conversations"))[0] == 401


def test_a_deployment_without_a_change_is_no_error(deployed: MiniStack, template: Template) -> None:
    run = deployed.deploy(template)
    assert run.returncode == 0, run.stderr[-2_000:]
    assert "No changes to deploy" in run.stdout


def test_the_doctor_reports_only_what_ministack_lacks(deployed: MiniStack) -> None:
    """MiniStack ignores TTL and point-in-time recovery; ENV=dev names no receiver for alarms."""
    run = make(
        *("doctor", "ENV=dev", "ARGS=--gemini-url http://127.0.0.1:9"),
        AWS_ENDPOINT_URL=deployed.endpoint,
        AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    assert run.returncode != 0
    findings = [line.split(": ")[0] for line in run.stdout.splitlines()]
    found = {verdict: set[str]() for verdict in ("ok", "wrong", "could not check")}
    for finding in findings[1:]:
        verdict, subject = finding[:15].strip(), finding[15:].strip()
        found[verdict].add(subject)
    assert found["wrong"] == {"MemoryTable", "LiveTable", "DeskTable", "alarms"}, run.stdout
    assert found["could not check"] == {"GeminiKeySecret"}
    assert len(found["ok"]) == 12


def test_a_function_may_do_only_what_its_role_allows(deployed: MiniStack) -> None:
    """Without this test, the conversation above would not test the policies."""
    before = deployed.invoke("ConnectFunctionName", "connect.new_session")
    assert before["statusCode"] == 200
    iam, role = deployed.client("iam"), deployed.physical_id("ConnectFunctionRole")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    try:
        after = deployed.invoke("ConnectFunctionName", "connect.new_session")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    assert "AccessDenied" in after["errorMessage"]
    assert "no identity-based policy allows" in after["errorMessage"]


def test_a_role_reaches_only_the_partitions_that_its_policy_names(deployed: MiniStack) -> None:
    """A user with the policy of core_agent, which may read the desk's rules and not change them."""
    iam, role = deployed.client("iam"), deployed.physical_id("CoreAgentFunctionRole")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    iam.create_user(UserName="like-core-agent")
    iam.put_user_policy(
        UserName="like-core-agent", PolicyName="same", PolicyDocument=json.dumps(document)
    )
    key = iam.create_access_key(UserName="like-core-agent")["AccessKey"]
    session = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    tables = session.client("dynamodb", endpoint_url=deployed.endpoint)
    desk, live = (deployed.outputs()[f"{name}TableName"] for name in ("Desk", "Live"))
    rules = {"pk": {"S": "desk"}, "sk": {"S": "hours"}}

    tables.get_item(TableName=desk, Key=rules)
    slot = {"pk": {"S": "day#2027-01-01"}, "sk": {"S": "slot#09:00"}}
    tables.delete_item(TableName=desk, Key=slot)
    with pytest.raises(ClientError, match=r"AccessDenied.*dynamodb:PutItem"):
        tables.put_item(TableName=desk, Item=rules)
    update_state(tables, live, "session#1")
    with pytest.raises(ClientError, match=r"AccessDenied.*dynamodb:UpdateItem"):
        update_state(tables, live, "user#1")


def update_state(tables: "DynamoDBClient", table: str, partition: str) -> None:
    """Change an item in a transaction, each of whose items is authorized alone."""
    tables.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": table,
                    "Key": {"pk": {"S": partition}, "sk": {"S": "state"}},
                    "UpdateExpression": "SET seen = :seen",
                    "ExpressionAttributeValues": {":seen": {"BOOL": True}},
                }
            }
        ]
    )


def test_without_credentials_sam_reports_it_in_the_users_region() -> None:
    run = make("deploy", "ENV=dev", AWS_REGION="eu-central-1")
    assert run.returncode == 2
    assert "Deploying stack repartee-dev (dev of samconfig.toml) to eu-central-1." in run.stdout
    assert "Error: Unable to locate credentials" in run.stderr
