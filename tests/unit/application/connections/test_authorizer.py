import copy
from dataclasses import replace
from typing import Any

import pytest

from authorizer.handler import Deps, handle
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.origins import OriginPolicy, OriginRefused
from repartee.domain.protocol.ticket import Ticket
from tests.event_files import load_event
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.log import CapturedLog
from tests.fakes.ticket_signer import FakeTicketSigner

pytestmark = pytest.mark.unit

EVENT = load_event("authorizer.expired_ticket")
PAGE = "https://app.example.com"
TICKET = Ticket("ticket-1", "user-1", "session-1", "conversation-1", NOON_MS + 60_000)


class Gate:
    """An authorizer on fakes, and events for it."""

    def __init__(self, policy: OriginPolicy | None = None):
        self.signer = FakeTicketSigner()
        self.clock = FakeClock()
        self.log = CapturedLog()
        policy = policy or OriginPolicy((PAGE,), allow_missing=True)
        self.deps = Deps(self.signer, policy, self.clock, self.log.logger)

    def ask(self, token: str | None, origin: str | None = PAGE, header: str = "Origin") -> Any:
        event = copy.deepcopy(EVENT)
        for headers in (event["headers"], event["multiValueHeaders"]):
            del headers["Origin"]
        if origin is not None:
            event["headers"][header] = origin
            event["multiValueHeaders"][header] = [origin]
        event["queryStringParameters"] = {"ticket": token} if token is not None else None
        return handle(event, self.deps)


def effect(answer: Any) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == EVENT["methodArn"]
    return str(statement["Effect"])


def test_a_good_ticket_gets_in_and_its_ids_become_the_context() -> None:
    gate = Gate()

    answer = gate.ask(gate.signer.issue(TICKET))

    assert effect(answer) == "Allow"
    assert answer["principalId"] == "user-1"
    assert answer["context"] == {
        "user_id": "user-1",
        "session_id": "session-1",
        "conversation_id": "conversation-1",
        "ticket_id": "ticket-1",
        "ticket_expires_at_ms": str(TICKET.expires_at_ms),
    }


def test_no_ticket_is_denied_without_an_error_of_the_function() -> None:
    gate = Gate()

    assert [effect(gate.ask(token)) for token in (None, "")] == ["Deny", "Deny"]

    assert [line["reason"] for line in gate.log.lines] == ["ticket_missing"] * 2


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("no ticket", "malformed"),
        (FakeTicketSigner("another").issue(TICKET), "forged"),
        (FakeTicketSigner(audience="elsewhere").issue(TICKET), "wrong_audience"),
        (FakeTicketSigner().issue(replace(TICKET, expires_at_ms=NOON_MS)), "expired"),
    ],
)
def test_a_bad_ticket_is_denied_and_the_log_says_why_without_the_ticket(
    token: str, reason: str
) -> None:
    gate = Gate()

    answer = gate.ask(token)

    assert effect(answer) == "Deny"
    assert answer["context"] == {}
    (line,) = gate.log.lines
    assert line["message"] == "connection refused"
    assert line["reason"] == reason
    assert line["connection_id"] == EVENT["requestContext"]["connectionId"]
    assert token not in gate.log.text


@pytest.mark.parametrize("header", ["Origin", "origin", "ORIGIN"])
def test_a_wrong_origin_is_denied_however_the_header_is_written(header: str) -> None:
    gate = Gate()

    answer = gate.ask(gate.signer.issue(TICKET), "https://evil.example", header)

    assert effect(answer) == "Deny"
    assert [line["reason"] for line in gate.log.lines] == ["origin_not_allowed"]


def test_a_missing_origin_is_allowed_only_by_setting() -> None:
    lenient, strict = Gate(), Gate(OriginPolicy((PAGE,), allow_missing=False))

    assert effect(lenient.ask(lenient.signer.issue(TICKET), None)) == "Allow"
    assert effect(strict.ask(strict.signer.issue(TICKET), None)) == "Deny"
    assert [line["reason"] for line in strict.log.lines] == ["origin_missing"]


def test_without_an_allow_list_no_page_gets_in() -> None:
    gate = Gate(OriginPolicy((), allow_missing=True))

    assert effect(gate.ask(gate.signer.issue(TICKET))) == "Deny"


@pytest.mark.parametrize(
    "origin", [PAGE, "https://APP.Example.com", "HTTPS://app.example.com", "http://localhost:8080"]
)
def test_a_listed_origin_passes_in_any_letter_case(origin: str) -> None:
    OriginPolicy((PAGE, "http://LOCALHOST:8080")).check([origin])


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "https://sub.app.example.com",
        "null",
        "",
    ],
)
def test_an_origin_that_only_resembles_a_listed_one_is_refused(origin: str) -> None:
    with pytest.raises(OriginRefused):
        OriginPolicy((PAGE,)).check([origin])


def test_a_second_bad_origin_is_refused() -> None:
    with pytest.raises(OriginRefused):
        OriginPolicy((PAGE,)).check([PAGE, "https://evil.example"])


def test_without_a_signing_key_no_connection_is_admitted() -> None:
    gate = Gate()
    token = gate.signer.issue(TICKET)
    gate.signer.failing = True

    with pytest.raises(StoreUnavailable):
        gate.ask(token)
