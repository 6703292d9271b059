"""The local WebSocket API accepts connections as API Gateway does."""

import asyncio
from typing import Any

import pytest

from local.gateway.connections import GoneError
from tests.integration.websocket_gateway import OK, policy, running

pytestmark = pytest.mark.integration


def test_without_its_identity_source_a_client_is_refused_before_any_function_runs():
    async def run() -> Any:
        async with running() as stack:
            return await stack.refusal(stack.gateway.url), stack.functions.events

    (status, body), events = asyncio.run(run())
    assert (status, body["message"]) == (401, "Unauthorized")
    assert not any(events.values())


@pytest.mark.parametrize(
    ("authorizer", "status"),
    [
        (policy("Deny"), 403),
        (policy("Allow", "arn:aws:execute-api:*:*:other/*"), 403),
        (policy("Allow", "arn:aws:execute-api:us-east-1:*:WebSocketApi/*/$connect"), None),
        (policy(nested={"not": "allowed"}), 500),
        (lambda _: {"principalId": "ada"}, 500),
        (lambda _: 1 / 0, 500),
    ],
)
def test_the_authorizers_answer_decides_the_handshake(authorizer, status):
    async def run() -> Any:
        async with running(Authorizer=authorizer) as stack:
            if status is None:
                async with stack.client():
                    return None, 1
            refused, _ = await stack.refusal()
            return refused, len(stack.functions.events["Connect"])

    assert asyncio.run(run()) == (status, 0 if status else 1)


def test_an_authorizer_that_raises_unauthorized_means_401():
    def refuse(_event):
        raise PermissionError("Unauthorized")

    async def run() -> Any:
        async with running(Authorizer=refuse) as stack:
            return await stack.refusal()

    assert asyncio.run(run())[0] == 401


@pytest.mark.parametrize(
    ("connect_function", "status"),
    [
        (lambda _: {"statusCode": 409}, 409),
        (lambda _: {"statusCode": 429, "body": "too many sessions"}, 429),
        (lambda _: None, 502),
        (lambda _: 1 / 0, 502),
    ],
)
def test_a_connect_function_that_does_not_answer_2xx_refuses_the_handshake(
    connect_function, status
):
    async def run() -> Any:
        async with running(Connect=connect_function) as stack:
            refused = await stack.refusal()
            return refused[0], stack.functions.events["Disconnect"]

    assert asyncio.run(run()) == (status, [])


def test_an_unknown_stage_is_forbidden():
    async def run() -> Any:
        async with running() as stack:
            return await stack.refusal(stack.gateway.url.replace("/local", "/else") + "?ticket=t")

    assert asyncio.run(run())[0] == 403


def test_a_subprotocol_is_spoken_only_when_connect_names_it():
    async def run(answer: Any) -> Any:
        async with (
            running(Connect=lambda _: answer) as stack,
            stack.client(subprotocols=["repartee.v1"]) as socket,
        ):
            return socket.subprotocol

    named = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "repartee.v1"}}
    assert asyncio.run(run(named)) == "repartee.v1"
    assert asyncio.run(run(OK)) is None


def test_a_connection_cannot_be_posted_to_before_connect_has_answered():
    async def run() -> Any:
        tried: list[bool] = []

        async def post_early(event):
            with pytest.raises(GoneError):
                await stack.gateway.connections.post(
                    event["requestContext"]["connectionId"], "early"
                )
            tried.append(True)
            return OK

        async with running(Connect=post_early) as stack, stack.client():
            return tried

    assert asyncio.run(run()) == [True]
