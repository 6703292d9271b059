"""The local WebSocket API carries messages both ways as API Gateway does."""

import asyncio
import json
from typing import Any

import pytest

from local.gateway.chaos import ChaosSettings, GatewayChaos
from local.gateway.connections import SlowClientError
from local.gateway.settings import GatewaySettings
from local.lambdas.hosting_types import ThrottledError
from tests.fakes.functions import until
from tests.integration.websocket_gateway import OK, api, policy, running

pytestmark = pytest.mark.integration


def test_a_message_reaches_its_function_with_the_context_of_its_connection():
    async def run() -> Any:
        async with running(Authorizer=policy(user="ada", level=3, admin=True)) as stack:
            async with stack.client(additional_headers={"Origin": "https://a.example"}) as socket:
                await socket.send('{"type":"hello"}')
                (message,) = await stack.functions.wait_until_called("Message")
            (asked,) = stack.functions.events["Authorizer"]
            (connected,) = stack.functions.events["Connect"]
            return asked, connected, message

    asked, connected, message = asyncio.run(run())
    assert asked["type"] == "REQUEST"
    assert asked["methodArn"].endswith(":WebSocketApi/local/$connect")
    assert asked["queryStringParameters"] == {"ticket": "t1"}
    assert connected["headers"]["Origin"] == "https://a.example"
    assert connected["multiValueHeaders"]["Origin"] == ["https://a.example"]
    assert connected["requestContext"]["eventType"] == "CONNECT"
    context = message["requestContext"]
    assert message["body"] == '{"type":"hello"}'
    assert message["isBase64Encoded"] is False
    assert (context["eventType"], context["routeKey"]) == ("MESSAGE", "$default")
    assert context["connectionId"] == connected["requestContext"]["connectionId"]
    assert context["connectionId"].endswith("=")
    assert context["connectedAt"] == 1_800_000_000_000
    assert context["requestTime"] == "15/Jan/2027:08:00:00 +0000"
    assert context["messageId"]
    assert context["messageDirection"] == "IN"
    authorizer = context["authorizer"]
    assert authorizer.pop("integrationLatency") >= 0
    assert authorizer == {"principalId": "ada", "user": "ada", "level": "3", "admin": "true"}
    assert "headers" not in message


def test_messages_of_one_connection_run_side_by_side():
    async def run() -> Any:
        both = asyncio.Barrier(2)

        async def meet(_event):
            await both.wait()
            return OK

        async with running(Message=meet) as stack, stack.client() as socket:
            await socket.send("one")
            await socket.send("two")
            await stack.functions.wait_until_called("Message", 2)
            await until(lambda: both.n_waiting == 0)

    asyncio.run(run())


def test_a_failed_or_throttled_function_is_reported_to_the_client():
    def refuse(event):
        if event["body"] == "throttle":
            raise ThrottledError("Message")
        if event["body"] == "fail":
            raise ValueError("secret detail")

    async def run() -> Any:
        async with running(Message=refuse) as stack, stack.client() as socket:
            answers = []
            for text in ("fail", "throttle", "nothing"):
                await socket.send(text)
                answers.append(json.loads(await socket.recv()))
            return answers, stack.connection_id(), stack.functions.events["Message"]

    answers, connection_id, events = asyncio.run(run())
    for answer, event in zip(answers, events, strict=True):
        assert answer == {
            "message": "Internal server error",
            "connectionId": connection_id,
            "requestId": event["requestContext"]["requestId"],
        }


def test_a_timed_out_integration_is_reported_to_the_client():
    async def run() -> Any:
        never = asyncio.Event()

        async def hang(_event):
            await never.wait()

        async with running(Message=hang) as stack, stack.client() as socket:
            await socket.send("hello")
            await stack.functions.wait_until_called("Message")
            await stack.timers.until_sleeping(2)
            stack.timers.advance(10)
            return json.loads(await socket.recv())

    assert asyncio.run(run())["message"] == "Endpoint request timed out"


@pytest.mark.parametrize("answered", [True, False])
def test_a_body_is_sent_back_only_with_a_route_response(answered):
    async def run() -> Any:
        def answer(event):
            if event["body"] == "fail":
                raise ValueError
            return {"statusCode": 200, "body": "from the function"}

        async with (
            running(api(response=answered), Message=answer) as stack,
            stack.client() as socket,
        ):
            await socket.send("hello")
            await stack.functions.wait_until_called("Message")
            await socket.send("fail")
            return await socket.recv()

    assert (asyncio.run(run()) == "from the function") is answered


def test_a_routes_key_is_chosen_by_the_body():
    async def run() -> Any:
        async with (
            running(api(more_routes=("bye",)), Bye=lambda _: OK) as stack,
            stack.client() as socket,
        ):
            await socket.send('{"type":"bye"}')
            (bye,) = await stack.functions.wait_until_called("Bye")
            for other in ('{"type":"audio"}', "no json", '["bye"]', '{"type":["bye"]}'):
                await socket.send(other)
            rest = await stack.functions.wait_until_called("Message", 4)
            return bye["requestContext"]["routeKey"], {
                event["requestContext"]["routeKey"] for event in rest
            }

    assert asyncio.run(run()) == ("bye", {"$default"})


def test_a_message_of_128_kb_in_frames_of_32_kb_passes():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            await socket.send(["x" * 32_768] * 4)
            (event,) = await stack.functions.wait_until_called("Message")
            return len(event["body"])

    assert asyncio.run(run()) == 131_072


def test_posts_arrive_in_the_order_in_which_they_were_made():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            texts = [f"{number}:" + "x" * (number * 997 % 5_000) for number in range(100)]
            await asyncio.gather(
                *(stack.gateway.connections.post(stack.connection_id(), text) for text in texts)
            )
            return [await socket.recv() for _ in texts] == texts

    assert asyncio.run(run())


def test_a_client_that_does_not_read_gets_no_more_than_its_buffer():
    async def run() -> Any:
        settings = GatewaySettings(client_buffer_bytes=200_000)
        async with (
            running(settings=settings) as stack,
            stack.client(max_queue=1) as socket,
        ):
            sent = 0

            async def post_until_refused() -> None:
                nonlocal sent
                for _ in range(200):
                    await stack.gateway.connections.post(stack.connection_id(), "x" * 100_000)
                    sent += 1

            with pytest.raises(SlowClientError):
                await post_until_refused()
            received = [await socket.recv() for _ in range(sent)]
            await stack.gateway.connections.post(stack.connection_id(), "read on")
            return len(received) == sent, await socket.recv()

    assert asyncio.run(run()) == (True, "read on")


def test_chaos_lets_messages_overtake_each_other_and_arrive_twice():
    async def run() -> Any:
        chaos = ChaosSettings(seed=7, delay_probability=0.7, duplicate_probability=0.3)
        async with running(chaos=chaos) as stack, stack.client() as socket:
            for number in range(20):
                await socket.send(str(number))
            plan = [GatewayChaos(chaos).deliveries_s(1, number + 1) for number in range(20)]
            deliveries = sum(len(delays) for delays in plan)
            late = sum(delay > 0 for delays in plan for delay in delays)
            # Other timers sleep too: the connection's idle timer, the time limit of a running call.
            longest_s = chaos.max_delay_ms / 1_000
            await until(lambda: sum(w <= longest_s for w in stack.timers.waits_s()) == late)
            while (wait_s := stack.timers.waits_s()[0]) <= longest_s:
                stack.timers.advance(wait_s)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            events = await stack.functions.wait_until_called("Message", deliveries)
            return [event["body"] for event in events], deliveries

    bodies, deliveries = asyncio.run(run())
    assert len(bodies) == deliveries > 20
    assert {int(body) for body in bodies} == set(range(20))
    assert bodies != sorted(bodies, key=int)
