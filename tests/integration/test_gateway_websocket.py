"""The local WebSocket API behaves as API Gateway's does."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.gateway.chaos import Chaos, ChaosSettings
from local.gateway.connections import GoneError, SlowClientError
from local.gateway.settings import GatewaySettings
from local.gateway.websocket import WebSocketGateway
from local.lambdas.model import ThrottledError
from local.template import RequestAuthorizer, WebSocketApi, WebSocketRoute
from local.timers import ManualTimers
from tests.fakes.functions import FakeFunctions, until

pytestmark = pytest.mark.integration

OK = {"statusCode": 200}


def policy(effect: str = "Allow", resource: str | None = None, **context: Any):
    def authorize(event):
        statement = {
            "Effect": effect,
            "Action": "execute-api:Invoke",
            "Resource": resource or event["methodArn"],
        }
        return {
            "principalId": "ada",
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": context,
        }

    return authorize


def api(*, more_routes: tuple[str, ...] = (), response: bool = False, secured: bool = True):
    functions = {"$connect": "Connect", "$default": "Message", "$disconnect": "Disconnect"}
    functions |= {route: route.capitalize() for route in more_routes}
    return WebSocketApi(
        logical_id="WebSocketApi",
        stage="local",
        route_selection_expression="$request.body.type",
        routes={
            key: WebSocketRoute(key, function, 10_000, has_response=response)
            for key, function in functions.items()
        },
        authorizer=RequestAuthorizer("Authorizer", ("route.request.querystring.ticket",))
        if secured
        else None,
    )


class Running:
    def __init__(self, gateway: WebSocketGateway, functions: FakeFunctions, timers: ManualTimers):
        self.gateway = gateway
        self.functions = functions
        self.timers = timers

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[ClientConnection]:
        url = f"{self.gateway.url}?ticket=t1"
        options.setdefault("compression", None)
        async with connect(options.pop("url", url), ping_interval=None, **options) as socket:
            yield socket

    async def refusal(self, url: str | None = None) -> tuple[int, dict[str, Any]]:
        with pytest.raises(InvalidStatus) as caught:
            async with self.client(url=url or f"{self.gateway.url}?ticket=t1"):
                pass
        response = caught.value.response
        return response.status_code, json.loads(response.body or b"{}")

    def connection_id(self) -> str:
        return str(self.functions.events["Connect"][-1]["requestContext"]["connectionId"])


@contextlib.asynccontextmanager
async def running(
    wired: WebSocketApi | None = None,
    chaos: ChaosSettings | None = None,
    settings: GatewaySettings | None = None,
    **handlers: Any,
) -> AsyncIterator[Running]:
    usual = {
        "Authorizer": policy(user="ada"),
        "Connect": lambda _: OK,
        "Message": lambda _: OK,
        "Disconnect": lambda _: OK,
    }
    functions = FakeFunctions(**{**usual, **handlers})
    timers = ManualTimers()
    gateway = WebSocketGateway(
        wired or api(),
        functions,
        host="127.0.0.1",
        port=0,
        settings=settings or GatewaySettings(),
        timers=timers,
        chaos=Chaos(chaos or ChaosSettings()),
    )
    async with asyncio.timeout(20), gateway:
        yield Running(gateway, functions, timers)


async def closed(socket: ClientConnection) -> tuple[int | None, str]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code, socket.close_reason or ""


def test_a_message_reaches_its_function_with_the_context_of_its_connection():
    async def run() -> Any:
        async with running(Authorizer=policy(user="ada", level=3, admin=True)) as stack:
            async with stack.client(additional_headers={"Origin": "https://a.example"}) as socket:
                await socket.send('{"type":"hello"}')
                (message,) = await stack.functions.until_called("Message")
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


def test_messages_of_one_connection_run_side_by_side():
    async def run() -> Any:
        both = asyncio.Barrier(2)

        async def meet(_event):
            await both.wait()
            return OK

        async with running(Message=meet) as stack, stack.client() as socket:
            await socket.send("one")
            await socket.send("two")
            await stack.functions.until_called("Message", 2)
            await until(lambda: both.n_waiting == 0)

    asyncio.run(run())


def test_a_function_that_fails_or_is_throttled_is_told_to_the_client():
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


def test_an_integration_that_takes_too_long_is_told_to_the_client():
    async def run() -> Any:
        never = asyncio.Event()

        async def hang(_event):
            await never.wait()

        async with running(Message=hang) as stack, stack.client() as socket:
            await socket.send("hello")
            await stack.functions.until_called("Message")
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
            await stack.functions.until_called("Message")
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
            (bye,) = await stack.functions.until_called("Bye")
            for other in ('{"type":"audio"}', "no json", '["bye"]', '{"type":["bye"]}'):
                await socket.send(other)
            rest = await stack.functions.until_called("Message", 4)
            return bye["requestContext"]["routeKey"], {
                event["requestContext"]["routeKey"] for event in rest
            }

    assert asyncio.run(run()) == ("bye", {"$default"})


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda socket: socket.send(b"binary"), 1003),
        (lambda socket: socket.send("x" * 32_769), 1009),
        (lambda socket: socket.send(["x" * 30_000] * 5), 1009),
    ],
)
def test_what_aws_refuses_closes_the_connection(send, code):
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            with contextlib.suppress(ConnectionClosed):
                await send(socket)
            ended = await closed(socket)
            (event,) = await stack.functions.until_called("Disconnect")
            context = event["requestContext"]
            return ended[0], context["disconnectStatusCode"], stack.functions.events["Message"]

    assert asyncio.run(run()) == (code, code, [])


def test_a_message_of_128_kb_in_frames_of_32_kb_passes():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            await socket.send(["x" * 32_768] * 4)
            (event,) = await stack.functions.until_called("Message")
            return len(event["body"])

    assert asyncio.run(run()) == 131_072


def test_an_idle_connection_is_closed_and_a_message_puts_that_off():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            await stack.timers.until_sleeping(1)
            stack.timers.advance(599)
            await socket.send("still here")
            await stack.functions.until_called("Message")
            stack.timers.advance(2)
            await stack.gateway.connections.post(stack.connection_id(), "me too")
            first = await socket.recv()
            await stack.timers.until_sleeping(1)
            stack.timers.advance(601)
            return first, await closed(socket)

    assert asyncio.run(run()) == ("me too", (1001, "Going away"))


def test_even_a_busy_connection_ends_after_its_longest_life():
    async def run() -> Any:
        settings = GatewaySettings(idle_s=1_000, life_s=1_500)
        async with running(settings=settings) as stack, stack.client() as socket:
            await stack.timers.until_sleeping(1)
            stack.timers.advance(900)
            await socket.send("busy")
            await stack.functions.until_called("Message")
            stack.timers.advance(101)
            await asyncio.sleep(0)
            await stack.timers.until_sleeping(1)
            stack.timers.advance(499)
            return await closed(socket)

    assert asyncio.run(run()) == (1001, "Going away")


def test_disconnect_tells_how_the_client_closed():
    async def run() -> Any:
        async with running() as stack:
            async with stack.client() as socket:
                await socket.close(4001, "bye")
            (first,) = await stack.functions.until_called("Disconnect")
            async with stack.client() as socket:
                socket.transport.abort()
                _, second = await stack.functions.until_called("Disconnect", 2)
            return [
                (e["requestContext"]["disconnectStatusCode"], e["requestContext"]["eventType"])
                for e in (first, second)
            ], first["requestContext"]["disconnectReason"]

    codes, reason = asyncio.run(run())
    assert codes == [(4001, "DISCONNECT"), (1006, "DISCONNECT")]
    assert reason == "bye"


def test_a_client_that_leaves_during_connect_is_disconnected_afterwards():
    async def run() -> Any:
        async with running() as stack:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", stack.gateway.port)
                left = asyncio.Event()

                async def slow(_event):
                    writer.transport.abort()
                    left.set()
                    # Late enough for the gateway's side of the line to have noticed as well.
                    await until(reader.at_eof)
                    await asyncio.sleep(0.05)
                    return OK

                stack.functions.handlers["Connect"] = slow
                writer.write(
                    b"GET /local?ticket=t1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                await left.wait()
                (event,) = await stack.functions.until_called("Disconnect")
                return event["requestContext"]["connectionId"] == stack.connection_id()

    assert asyncio.run(run())


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
            plan = [Chaos(chaos).deliveries_s(1, number + 1) for number in range(20)]
            deliveries = sum(len(delays) for delays in plan)
            late = sum(delay > 0 for delays in plan for delay in delays)
            async with asyncio.timeout(5):
                await stack.functions.until_called("Message", deliveries - late)
                # One more sleeps: the connection's idle timer.
                await stack.timers.until_sleeping(late + 1)
            while stack.timers.waits_s()[0] < 2.1:
                stack.timers.advance(stack.timers.waits_s()[0])
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            events = await stack.functions.until_called("Message", deliveries)
            return [event["body"] for event in events], deliveries

    bodies, deliveries = asyncio.run(run())
    assert len(bodies) == deliveries > 20
    assert {int(body) for body in bodies} == set(range(20))
    assert bodies != sorted(bodies, key=int)


def test_chaos_can_keep_the_end_of_a_connection_from_its_function():
    async def run() -> Any:
        async with running(chaos=ChaosSettings(drop_disconnect_probability=1)) as stack:
            async with stack.client():
                pass
            await until(lambda: not stack.gateway.connections.all())
            return stack.functions.events["Disconnect"]

    assert asyncio.run(run()) == []
