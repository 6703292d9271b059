"""A client without a valid ticket is refused before anything is written."""

import asyncio
import time
from typing import Any
from urllib.parse import urlencode

import boto3
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from local.calls.opening import open_voice_call
from local.hosting.aws_resources import client_options
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.errors import AccessRefusedError
from tests.integration.running import RunningStack, new_user

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

# More than linger_s and grace_s of the workers of other tests, with a margin for a busy machine.
SETTLE_TIMEOUT_S = 120.0


def ticket_key(running: RunningStack) -> str:
    options = client_options(running.stack.addresses.aws)
    manager = boto3.session.Session().client("secretsmanager", **options)
    arn = running.stack.resources.secret_arns["TicketKeySecret"]
    return manager.get_secret_value(SecretId=arn)["SecretString"]


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def living(claims: dict[str, Any], *, for_s: float = 60) -> dict[str, Any]:
    """Return the claims of a new ticket, because waiting for the stack may outlast a ticket."""
    return claims | {"exp": time.time() + for_s}  # noqa: TID251 - as the signer's clock has it


def signed(running: RunningStack, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, ticket_key(running), algorithm="HS256")


def fresh_ticket(running: RunningStack, user: str | None = None) -> SessionTicket:
    async def get() -> SessionTicket:
        return await (await running.api_of(user or new_user("visitor"))).start_session()

    return running.run(get())


type State = dict[tuple[str, str, str], dict[str, Any]]


def state(running: RunningStack) -> State:
    """Return every item of the two tables that hold state, by table and key."""
    return {
        (table, str(item["pk"]["S"]), str(item["sk"]["S"])): dict(item)
        for table in ("LiveTable", "MemoryTable")
        for item in running.items(table)
    }


def changes(before: State, after: State) -> dict[tuple[str, str, str], object]:
    """Return each item that was written between the two states, as it was and as it is.

    Expired items are ignored, because the table may delete them at any time.
    """
    now_s = time.time()  # noqa: TID251 - as the table has it
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key) and (key in after or not is_over(before[key], now_s))
    }


def is_over(item: dict[str, Any], now_s: float) -> bool:
    """Return whether the table may delete the item."""
    return "expires_at" in item and float(item["expires_at"]["N"]) <= now_s


def settled_state(running: RunningStack, *, open_connections: int = 0) -> State:
    """Return the state once all earlier work has ended."""
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if running.run(is_quiet(running, open_connections)):
            now = state(running)
            if not any("lease_owner" in item for item in now.values()):
                return now
    raise AssertionError("the stack never came to rest")


async def is_quiet(running: RunningStack, open_connections: int) -> bool:
    """Return whether no other connection is open and no function runs."""
    # The $disconnect of a closed connection reaches the Lambda host within a few steps.
    for _ in range(10):
        await asyncio.sleep(0)
    stack = running.stack
    if len(stack.gateway.connections.all()) != open_connections:
        return False
    states = {environment.state for environment in stack.lambdas.environments()}
    return states.isdisjoint({"starting", "busy"})


def refusal(running: RunningStack, query: dict[str, str], *, origin: str | None = None) -> int:
    """Try to connect; return the HTTP status of the refusal."""
    url = running.stack.addresses.websocket
    target = f"{url}?{urlencode(query)}" if query else url

    async def knock() -> None:
        async with open_voice_call(target, origin=origin) as call:
            await call.until_ready()

    with pytest.raises(AccessRefusedError) as caught:
        running.run(knock())
    return caught.value.status


def test_a_connection_without_a_ticket_is_refused(running: RunningStack):
    before = settled_state(running)
    assert refusal(running, {}) == 401
    assert changes(before, state(running)) == {}


def test_a_ticket_signed_with_another_key_is_refused(running: RunningStack):
    claims = claims_of(fresh_ticket(running).ticket)
    before = settled_state(running)
    forged = jwt.encode(living(claims), "another-key" * 8, algorithm="HS256")
    assert refusal(running, {"ticket": forged}) == 403
    assert changes(before, state(running)) == {}


def test_an_unsigned_ticket_is_refused(running: RunningStack):
    claims = claims_of(fresh_ticket(running).ticket)
    before = settled_state(running)
    unsigned = jwt.encode(living(claims), "", algorithm="none")
    assert refusal(running, {"ticket": unsigned}) == 403
    assert changes(before, state(running)) == {}


def test_an_expired_ticket_is_refused(running: RunningStack):
    claims = claims_of(fresh_ticket(running).ticket)
    before = settled_state(running)
    expired = signed(running, living(claims, for_s=-1))
    assert refusal(running, {"ticket": expired}) == 403
    assert changes(before, state(running)) == {}
    # The same claims with time left are accepted, so the time was the reason.
    still_good = signed(running, living(claims))
    running.run(connect_and_hang_up(f"{running.stack.addresses.websocket}?ticket={still_good}"))


def test_a_ticket_opens_only_one_connection(running: RunningStack):
    ticket = fresh_ticket(running)
    # Without a hello no worker is woken, so only the connection is written.
    connection = running.run(open_silently(ticket.url))
    try:
        before = settled_state(running, open_connections=1)
        assert refusal(running, {"ticket": ticket.ticket}) == 403
        assert changes(before, state(running)) == {}
    finally:
        running.run(connection.close())


def test_a_ticket_for_an_ended_session_is_refused(running: RunningStack):
    ticket = fresh_ticket(running)
    running.run(connect_and_hang_up(ticket.url))
    before = settled_state(running)
    unspent = signed(running, living(claims_of(ticket.ticket) | {"jti": "another"}))
    assert refusal(running, {"ticket": unspent}) == 409
    assert changes(before, state(running)) == {}


def test_a_page_that_is_not_allowed_is_refused_even_with_a_good_ticket(running: RunningStack):
    claims = claims_of(fresh_ticket(running).ticket)
    before = settled_state(running)
    good = signed(running, living(claims))
    assert refusal(running, {"ticket": good}, origin="https://elsewhere.example") == 403
    assert changes(before, state(running)) == {}


def test_a_ticket_needs_a_token_of_the_issuer(running: RunningStack):
    before = settled_state(running)
    forged = jwt.encode({"sub": "somebody"}, "another-key" * 8, algorithm="HS256")

    async def ask() -> None:
        await HttpApiClient(running.stack.addresses.http, forged).start_session()

    with pytest.raises(AccessRefusedError) as caught:
        running.run(ask())
    assert caught.value.status == 401
    assert changes(before, state(running)) == {}


async def open_silently(url: str) -> ClientConnection:
    return await connect(url, proxy=None)


async def connect_and_hang_up(url: str) -> None:
    async with open_voice_call(url) as call:
        await call.until_ready()
        await call.hang_up()
