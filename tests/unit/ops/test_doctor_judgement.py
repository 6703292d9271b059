"""The judgements of the doctor's single checks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops.doctor.__main__ import line_of
from ops.doctor.account import FRONT, Concurrency, Reservation, judge_concurrency, judge_log_role
from ops.doctor.alarms import Alarm, judge_alarms, topics_of
from ops.doctor.deployment import Deployment, ExpectedTable, read_deployment
from ops.doctor.functions import DeployedFunction, judge_function
from ops.doctor.keys import (
    GeminiAnswer,
    KeyKind,
    classify_key,
    judge_gemini_key,
    judge_ticket_key,
)
from ops.doctor.sign_in import PoolSignIn, judge_other_issuer, judge_pool, read_pool
from ops.doctor.stack import DeployedStack, judge_stack
from ops.doctor.tables import DeployedTable, judge_table
from ops.finding import Verdict, exit_status, ok, unknown, wrong
from ops.settings import DeployError, read_settings
from tests.build.cloudformation import load_template, resources_of_type
from tests.documents import ROOT

pytestmark = pytest.mark.unit

TOPIC = "arn:aws:sns:eu-west-1:123456789012:oncall"
DEPLOY = "make deploy ENV=dev"
PLAN = ExpectedTable("expires_at", is_recoverable=True)
FUNCTION = DeployedFunction("repartee-dev-message", "Active", "Successful", "", "arm64", None)
TABLE = DeployedTable("memory", "ACTIVE", "expires_at", is_recoverable=True)


@pytest.fixture(scope="module")
def dev() -> Deployment:
    return read_deployment(read_settings(ROOT / "samconfig.toml", "dev"), ROOT / "template.yaml")


def test_an_environment_is_combined_with_the_template(dev: Deployment) -> None:
    assert dev.settings.stack_name == "repartee-dev"
    assert dev.parameters({})["StageName"] == "dev"
    assert dev.parameters({})["GeminiLiveModel"] == "gemini-3.8-live"
    assert len(dev.functions) == 7
    assert dev.tables == {
        "MemoryTable": ExpectedTable("expires_at", is_recoverable=True),
        "LiveTable": ExpectedTable("expires_at", is_recoverable=False),
        "DeskTable": ExpectedTable(None, is_recoverable=True),
    }


def test_the_environment_overrides_the_stack_and_the_stack_the_default(dev: Deployment) -> None:
    merged = dev.parameters({"StageName": "old", "Voice": "Puck"})
    assert (merged["StageName"], merged["Voice"], merged["ChunkMs"]) == ("dev", "Puck", "200")


def test_region_profile_and_stack_are_read_from_either_section(tmp_path: Path) -> None:
    path = tmp_path / "samconfig.toml"
    path.write_text("""
[own.global.parameters]
stack_name = "mine"
region = "eu-north-1"
[own.deploy.parameters]
profile = "work"
""")
    own = read_settings(path, "own")
    assert (own.stack_name, own.region, own.profile) == ("mine", "eu-north-1", "work")


def test_an_environment_without_a_stack_cannot_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "samconfig.toml"
    path.write_text("[own.deploy.parameters]\n")
    with pytest.raises(DeployError, match="has no stack_name"):
        read_deployment(read_settings(path, "own"), ROOT / "template.yaml")


@pytest.mark.parametrize(
    ("file", "command"),
    [("samconfig.toml", "make deploy ENV=default"), ("samconfig.local.toml", "make deploy")],
)
def test_the_command_that_deploys_is_that_of_the_settings_file(
    file: str, command: str, dev: Deployment
) -> None:
    settings = replace(dev.settings, file=Path(file), environment="default")
    assert replace(dev, settings=settings).deploy_command == command


@pytest.mark.parametrize(
    ("quota", "unreserved", "own", "wanted", "verdict", "said"),
    [
        (10, 10, 0, 0, Verdict.OK, "--desired-value 1000` raises it"),
        (10, 10, 0, 1, Verdict.WRONG, "10 must stay unreserved"),
        (50, 50, 0, 5, Verdict.WRONG, "50 must stay unreserved"),
        (1000, 1000, 0, 0, Verdict.OK, "reserves none"),
        (1000, 1000, 0, 900, Verdict.OK, "900 can be reserved"),
        (1000, 1000, 0, 901, Verdict.WRONG, "100 must stay unreserved"),
        (1000, 300, 100, 200, Verdict.OK, "200 can be reserved"),
        (1000, 300, 100, 301, Verdict.WRONG, "other functions have reserved 600"),
    ],
)
def test_a_reservation_leaves_what_lambda_keeps_for_other_functions(
    quota: int,
    unreserved: int,
    own: int,
    wanted: int,
    verdict: Verdict,
    said: str,
    dev: Deployment,
) -> None:
    found = judge_concurrency(
        Concurrency(quota, unreserved, own), Reservation(wanted, 0), None, dev
    )
    assert found.verdict is verdict
    assert said in found.detail
    assert bool(found.advice) == (verdict is Verdict.WRONG)


@pytest.mark.parametrize(
    ("wanted", "watched", "verdict"),
    [(0, 10, Verdict.WRONG), (0, 1000, Verdict.OK), (0, None, Verdict.OK), (5, 10, Verdict.OK)],
)
def test_without_a_pool_the_alarm_must_watch_the_accounts_quota(
    wanted: int, watched: int | None, verdict: Verdict, dev: Deployment
) -> None:
    found = judge_concurrency(Concurrency(1000, 1000, 0), Reservation(wanted, 0), watched, dev)
    assert found.verdict is verdict
    assert (DEPLOY in found.advice) is (verdict is Verdict.WRONG)


def test_the_advice_requests_a_sufficient_quota(dev: Deployment) -> None:
    found = judge_concurrency(Concurrency(1000, 300, 0), Reservation(2000, 0), None, dev)
    assert "--desired-value 2800" in found.advice
    assert "StreamAgentConcurrency=200 in [dev.deploy.parameters]" in found.advice


@pytest.mark.parametrize(
    ("role", "managed", "verdict"),
    [
        ("arn:role", "false", Verdict.OK),
        ("", "true", Verdict.OK),
        ("", "false", Verdict.WRONG),
    ],
)
def test_websocket_logs_need_a_role(
    role: str, managed: str, verdict: Verdict, dev: Deployment
) -> None:
    parameters = {"WebSocketLogs": "true", "ManageApiGatewayLogRole": managed}
    assert judge_log_role(role, parameters, dev).verdict is verdict


@pytest.mark.parametrize(
    ("status", "verdict", "serves", "mend"),
    [
        ("CREATE_COMPLETE", Verdict.OK, True, ""),
        ("UPDATE_COMPLETE", Verdict.OK, True, ""),
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.WRONG, True, "describe-stack-events"),
        ("UPDATE_ROLLBACK_FAILED", Verdict.WRONG, True, "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", Verdict.UNKNOWN, True, ""),
        ("ROLLBACK_COMPLETE", Verdict.WRONG, False, "delete-stack"),
        ("DELETE_FAILED", Verdict.WRONG, False, "delete-stack"),
    ],
)
def test_a_stacks_status_shows_whether_it_serves(
    status: str, verdict: Verdict, serves: bool, mend: str, dev: Deployment
) -> None:
    stack = DeployedStack("repartee-dev", status, {}, {}, {})
    found = judge_stack(stack, dev)
    assert (found.verdict, stack.is_serving) == (verdict, serves)
    assert mend in found.advice


@pytest.mark.parametrize(
    ("seen", "verdict", "said", "mend"),
    [
        (FUNCTION, Verdict.OK, "Active", ""),
        (replace(FUNCTION, state="Inactive"), Verdict.OK, "Inactive", ""),
        (None, Verdict.WRONG, "missing", DEPLOY),
        (replace(FUNCTION, state="Failed", reason="no layer"), Verdict.WRONG, "no layer", DEPLOY),
        (replace(FUNCTION, update="Failed", reason="no role"), Verdict.WRONG, "no role", DEPLOY),
        (replace(FUNCTION, update="InProgress"), Verdict.UNKNOWN, "still", ""),
        (replace(FUNCTION, architecture="x86_64"), Verdict.WRONG, "its layers are arm64", DEPLOY),
        (replace(FUNCTION, reserved=5), Verdict.OK, "Active", ""),
        (
            replace(FUNCTION, reserved=0),
            Verdict.WRONG,
            "stopped",
            "put-function-concurrency --function-name repartee-dev-message "
            "--reserved-concurrent-executions 7",
        ),
    ],
)
def test_a_function_that_cannot_run_is_found(
    seen: DeployedFunction | None, verdict: Verdict, said: str, mend: str, dev: Deployment
) -> None:
    found = judge_function("StreamAgentFunction", seen, "arm64", 7, dev)
    assert found.verdict is verdict
    assert said in found.detail
    assert mend in found.advice


def test_a_stopped_function_gets_the_reservation_of_its_parameter(dev: Deployment) -> None:
    stopped = replace(FUNCTION, reserved=0)
    wanted = Reservation(pool=7, front=5)
    for logical_id, advice in (
        ("StreamAgentFunction", "--reserved-concurrent-executions 7"),
        ("MessageFunction", "--reserved-concurrent-executions 5"),
        ("CoreAgentFunction", "delete-function-concurrency"),
    ):
        reserved = wanted.of_function(logical_id)
        found = judge_function(logical_id, stopped, "arm64", reserved, dev)
        assert advice in found.advice


def test_the_front_functions_count_against_the_quota(dev: Deployment) -> None:
    seen = Concurrency(quota=1000, unreserved=1000, own=0)
    assert judge_concurrency(seen, Reservation(400, 100), None, dev).verdict is Verdict.OK
    found = judge_concurrency(seen, Reservation(401, 100), None, dev)
    assert found.verdict is Verdict.WRONG
    assert "5 x FrontConcurrency=100" in found.detail
    assert "--desired-value 1001" in found.advice


def test_every_front_function_reserves_the_parameter(dev: Deployment) -> None:
    functions = resources_of_type(load_template(), "AWS::Serverless::Function")
    reserve = {"Fn::If": ["ReserveFront", {"Ref": "FrontConcurrency"}, {"Ref": "AWS::NoValue"}]}
    reserving = [
        name
        for name, properties in functions.items()
        if properties.get("ReservedConcurrentExecutions") == reserve
    ]
    assert sorted(reserving) == sorted(FRONT)


@pytest.mark.parametrize(
    ("seen", "said", "mend"),
    [
        (None, "missing", DEPLOY),
        (replace(TABLE, status="ARCHIVED"), "ARCHIVED", "wait table-exists"),
        (replace(TABLE, ttl_attribute=None), "do not expire", "update-time-to-live"),
        (replace(TABLE, ttl_attribute="ttl"), "do not expire", "AttributeName=expires_at"),
        (replace(TABLE, is_recoverable=False), "recovery is off", "update-continuous-backups"),
    ],
)
def test_a_table_that_differs_from_the_template_is_found(
    seen: DeployedTable | None, said: str, mend: str, dev: Deployment
) -> None:
    found = judge_table("MemoryTable", seen, PLAN, dev)
    assert found.verdict is Verdict.WRONG
    assert said in found.detail
    assert mend in found.advice


def test_a_table_is_compared_with_the_template_only(dev: Deployment) -> None:
    bare = DeployedTable("desk", "UPDATING", None, is_recoverable=False)
    plan = ExpectedTable(None, is_recoverable=False)
    assert judge_table("DeskTable", bare, plan, dev).verdict is Verdict.OK
    assert judge_table("MemoryTable", TABLE, PLAN, dev).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("alarm", "subscriptions", "verdict", "said", "mend"),
    [
        (Alarm("a", True, (TOPIC,)), {TOPIC: 1}, Verdict.OK, "all 1", ""),
        (Alarm("a", True, ("arn:aws:lambda:x",)), {}, Verdict.OK, "all 1", ""),
        (Alarm("a", True, ()), {}, Verdict.WRONG, "1 of 1 have no receiver", "AlarmTopicArn="),
        (Alarm("a", False, (TOPIC,)), {TOPIC: 1}, Verdict.WRONG, "off", "enable-alarm-actions"),
        (Alarm("a", True, (TOPIC,)), {TOPIC: 0}, Verdict.WRONG, "confirmed", "sns subscribe"),
        (Alarm("a", True, (TOPIC,)), {TOPIC: None}, Verdict.WRONG, "exist", "--name oncall"),
        (Alarm("b", True, (TOPIC,)), {TOPIC: 1}, Verdict.WRONG, "missing: a", DEPLOY),
    ],
)
def test_an_alarm_without_a_receiver_is_found(
    alarm: Alarm,
    subscriptions: dict[str, int | None],
    verdict: Verdict,
    said: str,
    mend: str,
    dev: Deployment,
) -> None:
    found = judge_alarms(["a"], [alarm], subscriptions, dev)
    assert found.verdict is verdict
    assert said in found.detail
    assert mend in found.advice


def test_an_alarm_that_a_paging_composite_alarm_names_needs_no_receiver(dev: Deployment) -> None:
    single, other = Alarm("a", True, ()), Alarm("ab", True, ())
    page = Alarm("page", True, (TOPIC,), 'ALARM("a") OR ALARM("c")')
    seen = [single, page]
    assert judge_alarms(["a", "page"], seen, {TOPIC: 1}, dev).verdict is Verdict.OK
    found = judge_alarms(["a", "ab", "page"], [*seen, other], {TOPIC: 1}, dev)
    assert "1 of 3 have no receiver" in found.detail
    silent_page = Alarm("page", True, (), page.rule)
    found = judge_alarms(["a", "page"], [single, silent_page], {}, dev)
    assert "2 of 2 have no receiver" in found.detail


def test_a_stack_without_alarms_is_wrong_and_other_actions_are_no_topics(dev: Deployment) -> None:
    assert judge_alarms([], [], {}, dev).verdict is Verdict.WRONG
    assert topics_of([Alarm("a", True, (TOPIC, "arn:aws:lambda:x", "odd"))]) == [TOPIC]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, KeyKind.MISSING),
        ("", KeyKind.MISSING),
        (" \n", KeyKind.MISSING),
        ("AQ.abc\n", KeyKind.PADDED),
        ('{"key": "AQ.abc"}', KeyKind.JSON),
        ("AQ.abc", KeyKind.AUTH),
        ("AIzaabc", KeyKind.STANDARD),
        ("abc", KeyKind.OTHER),
    ],
)
def test_a_key_is_classified_by_its_form(value: str | None, kind: KeyKind) -> None:
    assert classify_key(value) is kind


@pytest.mark.parametrize(
    ("kind", "status", "verdict", "said", "mend"),
    [
        (KeyKind.MISSING, None, Verdict.WRONG, "no value", "put-secret-value"),
        (KeyKind.PADDED, None, Verdict.WRONG, "line break", "put-secret-value"),
        (KeyKind.JSON, None, Verdict.WRONG, "JSON", "put-secret-value"),
        (KeyKind.AUTH, 200, Verdict.OK, "answers for m", ""),
        (KeyKind.OTHER, 200, Verdict.OK, "answers for m", ""),
        (KeyKind.STANDARD, 200, Verdict.OK, "withdrawing", ""),
        (KeyKind.AUTH, 401, Verdict.WRONG, "refuses it: 401", "aistudio"),
        (KeyKind.STANDARD, 403, Verdict.WRONG, "standard key", "aistudio"),
        (KeyKind.AUTH, 404, Verdict.WRONG, "does not serve m", "GeminiLiveModel"),
        (KeyKind.AUTH, 429, Verdict.UNKNOWN, "429", ""),
        (KeyKind.AUTH, None, Verdict.UNKNOWN, "no answer", ""),
        (KeyKind.STANDARD, None, Verdict.WRONG, "Google refuses since", "aistudio"),
    ],
)
def test_a_key_is_judged_by_the_answers_of_gemini(
    kind: KeyKind, status: int | None, verdict: Verdict, said: str, mend: str
) -> None:
    found = judge_gemini_key(kind, [GeminiAnswer("m", status)], "arn:secret")
    assert found.verdict is verdict
    assert said in found.detail
    assert mend in found.advice


def test_a_ticket_key_must_be_long_enough_to_sign() -> None:
    assert judge_ticket_key("x" * 32, "arn").verdict is Verdict.OK
    for value in (None, "", "x" * 31):
        found = judge_ticket_key(value, "arn")
        assert found.verdict is Verdict.WRONG
        assert "openssl rand" in found.advice


def test_the_exit_status_is_that_of_the_worst_verdict() -> None:
    well, bad, unseen = ok("a", "b"), wrong("a", "b", "c"), unknown("a", "b")
    assert exit_status([well]) == 0
    assert exit_status([well, unseen]) == 2
    assert exit_status([unseen, bad, well]) == 1


def test_a_finding_is_one_line_with_its_advice() -> None:
    assert line_of(ok("table", "ACTIVE")) == "ok               table: ACTIVE"
    assert (
        line_of(wrong("table", "missing", DEPLOY))
        == f"wrong            table: missing | mend: {DEPLOY}"
    )


PAGE = "https://abc.execute-api.eu-west-1.amazonaws.com/"
OWN_PAGE = "https://talk.example.com/"
POOL = PoolSignIn((PAGE,), allows_code=True, domain_status="ACTIVE")


@pytest.mark.parametrize(
    ("seen", "page", "words"),
    [
        (POOL, PAGE, None),
        (
            replace(POOL, callbacks=("https://talk.example.com/",)),
            "https://talk.example.com/",
            None,
        ),
        (None, PAGE, "UserPoolClient is missing"),
        (POOL, "", "PageUrl is empty"),
        (POOL, PAGE.replace("abc", "old"), "not the stack's HTTP API"),
        (replace(POOL, callbacks=()), PAGE, "does not return users to PageUrl"),
        (replace(POOL, allows_code=False), PAGE, "does not return users to PageUrl"),
        (replace(POOL, domain_status=""), PAGE, "is missing"),
        (replace(POOL, domain_status="CREATING"), PAGE, "is CREATING"),
    ],
)
def test_the_user_pool_must_return_users_to_the_page(
    seen: PoolSignIn | None, page: str, words: str | None, dev: Deployment
) -> None:
    physical = {"HttpApi": "abc"}
    stack = DeployedStack("repartee-dev", "UPDATE_COMPLETE", {"PageUrl": page}, physical, {})
    found = judge_pool(seen, stack, dev)
    assert found.verdict == (Verdict.OK if words is None else Verdict.WRONG)
    assert words is None or (words in found.detail and DEPLOY in found.advice)


def test_a_stack_of_an_earlier_version_has_no_sign_in_to_the_page(dev: Deployment) -> None:
    class EarlierPool:
        def describe_user_pool_client(self, **_: str) -> dict[str, Any]:
            return {"UserPoolClient": {"ClientId": "c"}}

        def describe_user_pool_domain(self, **_: str) -> dict[str, Any]:
            raise AssertionError

    physical = {"UserPool": "p", "UserPoolClient": "c"}
    seen = read_pool(EarlierPool(), physical)
    assert seen == PoolSignIn((), allows_code=False, domain_status="")
    stack = DeployedStack("repartee-dev", "UPDATE_COMPLETE", {}, physical, {})
    assert judge_pool(seen, stack, dev).advice == DEPLOY


def test_another_issuer_is_named_and_not_asked() -> None:
    named = judge_other_issuer({"SignInAuthorizeUrl": "https://login.example.com/authorize"})
    assert "login.example.com" in named.detail
    assert {named.verdict, judge_other_issuer({}).verdict} == {Verdict.OK}
