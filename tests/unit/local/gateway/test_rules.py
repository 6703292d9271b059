"""The gateway's rules that need no socket: policies, faults, identifiers."""

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from local.gateway.authorizer_policy import InvalidAuthorizerResponseError, evaluate
from local.gateway.chaos import ChaosSettings, GatewayChaos
from local.gateway.ids import gateway_id

pytestmark = pytest.mark.unit

ARN = "arn:aws:execute-api:us-east-1:000000000000:Api/local/$connect"


def answer(*statements: Any, **more: Any) -> bytes:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return json.dumps({"principalId": "ada", "policyDocument": document, **more}).encode()


def statement(effect: str, resource: Any, action: Any = "execute-api:Invoke") -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([statement("Allow", ARN)], True),
        ([statement("Allow", "*")], True),
        ([statement("Allow", "arn:aws:execute-api:*:*:Api/local/*")], True),
        ([statement("Allow", "arn:aws:execute-api:*:*:Api/loca?/$connect")], True),
        ([statement("Allow", ["arn:other", ARN])], True),
        ([statement("Allow", ARN, "execute-api:*")], True),
        ([statement("Allow", ARN, ["s3:GetObject", "EXECUTE-API:invoke"])], True),
        ([statement("Allow", ARN, "s3:*")], False),
        ([statement("Allow", "arn:aws:execute-api:*:*:Other/*")], False),
        ([statement("Allow", ARN.replace("$", "."))], False),
        ([], False),
        ([statement("Allow", "*"), statement("Deny", ARN)], False),
    ],
)
def test_a_policy_allows_what_a_statement_allows_and_none_denies(statements, allowed):
    assert evaluate(answer(*statements), ARN).allowed is allowed


def test_a_single_statement_need_not_be_in_a_list():
    document = {"Statement": statement("Allow", ARN)}
    payload = json.dumps({"principalId": "ada", "policyDocument": document}).encode()
    assert evaluate(payload, ARN).allowed


def test_context_values_become_text():
    context = {"text": "a", "number": 3, "half": 0.5, "yes": True}
    authorization = evaluate(answer(statement("Allow", "*"), context=context), ARN)
    assert authorization.context == {"text": "a", "number": "3", "half": "0.5", "yes": "true"}


@pytest.mark.parametrize(
    "payload",
    [
        b"null",
        b'"Unauthorized"',
        b"{}",
        b'{"principalId":"ada"}',
        b'{"principalId":1,"policyDocument":{"Statement":[]}}',
        answer(statement("Allow", "*"), context={"list": [1]}),
        answer({"Effect": "Allow"}),
    ],
)
def test_an_answer_of_another_shape_is_refused(payload):
    with pytest.raises(InvalidAuthorizerResponseError):
        evaluate(payload, ARN)


def test_the_same_seed_makes_the_same_faults():
    settings = ChaosSettings(
        seed=5,
        delay_probability=0.5,
        duplicate_probability=0.5,
        drop_disconnect_probability=0.5,
        throttle_probability=0.5,
    )

    def faults(seed: int) -> Any:
        chaos = GatewayChaos(settings.model_copy(update={"seed": seed}))
        return [
            (chaos.deliveries_s(c, n), chaos.drops_disconnect(c), chaos.throttles(c, n))
            for c in range(5)
            for n in range(20)
        ]

    assert faults(5) == faults(5)
    assert faults(5) != faults(6)
    delays = [delay for deliveries, _, _ in faults(5) for delay in deliveries]
    assert 0 <= min(delays) < max(delays) <= 2.0


def test_one_probability_does_not_move_the_decisions_of_another():
    delayed = GatewayChaos(ChaosSettings(seed=1, delay_probability=1))
    both = GatewayChaos(ChaosSettings(seed=1, delay_probability=1, duplicate_probability=1))
    for number in range(20):
        assert both.deliveries_s(1, number)[0] == delayed.deliveries_s(1, number)[0]


def test_without_faults_every_message_is_delivered_once_and_at_once():
    chaos = GatewayChaos(ChaosSettings())
    assert {chaos.deliveries_s(1, number) for number in range(50)} == {(0.0,)}
    assert not chaos.drops_disconnect(1)
    assert not chaos.throttles(1, 1)


@pytest.mark.parametrize("wrong", [{"delay_probability": 2}, {"max_delay_ms": 2_001}, {"sed": 1}])
def test_impossible_faults_are_refused(wrong):
    with pytest.raises(ValidationError):
        ChaosSettings.model_validate(wrong)


def test_identifiers_look_like_api_gateways():
    ids = {gateway_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(len(one) == 16 and one.endswith("=") for one in ids)
    assert all(len(base64.urlsafe_b64decode(one)) == 11 for one in ids)
