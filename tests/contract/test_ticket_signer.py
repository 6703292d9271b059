"""The contract of ticket signers, on the fake and on JSON Web Tokens."""

from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest

from repartee.adapters.ticket_jwt import ALGORITHM, AUDIENCE, JwtTicketSigner
from repartee.domain.errors import StoreUnavailable, TicketRefused
from repartee.domain.protocol.ticket import Ticket
from repartee.ports.runtime import TicketSigner
from tests.fakes.clock import NOON_MS
from tests.fakes.secrets import FakeSecrets
from tests.fakes.ticket_signer import FakeTicketSigner

pytestmark = pytest.mark.contract

KEY = "k" * 64
SECRETS = FakeSecrets({"ours": KEY, "another": "a" * 64, "short": "s" * 31})
TICKET = Ticket("ticket-1", "user-1", "session-1", "conversation-1", NOON_MS + 60_000)


def claims(**changes: Any) -> dict[str, Any]:
    good = {
        "aud": AUDIENCE,
        "exp": TICKET.expires_at_ms / 1000,
        "jti": "ticket-1",
        "sub": "user-1",
        "sid": "session-1",
        "cid": "conversation-1",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


@dataclass(frozen=True)
class Subject:
    """A signer, one with another key, one without access to its key, and a foreign token."""

    signer: TicketSigner
    other: TicketSigner
    keyless: TicketSigner
    for_another_audience: str


def fake() -> Subject:
    keyless = FakeTicketSigner()
    keyless.failing = True
    elsewhere = FakeTicketSigner(audience="elsewhere")
    return Subject(
        FakeTicketSigner(), FakeTicketSigner("another"), keyless, elsewhere.issue(TICKET)
    )


def real() -> Subject:
    return Subject(
        JwtTicketSigner(SECRETS, "ours"),
        JwtTicketSigner(SECRETS, "another"),
        JwtTicketSigner(SECRETS, "missing"),
        jwt.encode(claims(aud="elsewhere"), KEY, algorithm=ALGORITHM),
    )


@pytest.fixture(params=[fake, real], ids=["fake", "jwt"])
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param()
    return made


def refusal(signer: TicketSigner, token: str, now_ms: int = NOON_MS) -> str:
    with pytest.raises(TicketRefused) as refused:
        signer.verify(token, now_ms=now_ms)
    return refused.value.reason


def test_a_ticket_is_verified_unchanged(subject: Subject) -> None:
    token = subject.signer.issue(TICKET)

    assert subject.signer.verify(token, now_ms=NOON_MS) == TICKET


def test_a_token_fits_into_a_query_without_escapes(subject: Subject) -> None:
    token = subject.signer.issue(TICKET)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_ticket_is_valid_until_its_last_millisecond(subject: Subject) -> None:
    ticket = replace(TICKET, expires_at_ms=NOON_MS + 123)
    token = subject.signer.issue(ticket)

    assert subject.signer.verify(token, now_ms=NOON_MS + 122) == ticket
    assert refusal(subject.signer, token, NOON_MS + 123) == "expired"


def test_a_ticket_signed_with_another_key_is_forged(subject: Subject) -> None:
    assert refusal(subject.signer, subject.other.issue(TICKET)) == "forged"


def test_a_forged_ticket_is_called_forged_even_when_it_has_expired(subject: Subject) -> None:
    token = subject.other.issue(replace(TICKET, expires_at_ms=NOON_MS - 1))

    assert refusal(subject.signer, token) == "forged"


def test_a_ticket_for_another_audience_is_refused(subject: Subject) -> None:
    assert refusal(subject.signer, subject.for_another_audience) == "wrong_audience"


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "ticket", "é.é.é", "\x00", "\udcff"])
def test_another_text_is_a_malformed_ticket(subject: Subject, token: str) -> None:
    assert refusal(subject.signer, token) == "malformed"


def test_without_the_key_nothing_is_issued_or_verified(subject: Subject) -> None:
    token = subject.signer.issue(TICKET)

    with pytest.raises(StoreUnavailable):
        subject.keyless.issue(TICKET)
    with pytest.raises(StoreUnavailable):
        subject.keyless.verify(token, now_ms=NOON_MS)


def test_only_hs256_is_accepted() -> None:
    stronger = jwt.encode(claims(), KEY, algorithm="HS512")
    unsigned = jwt.encode(claims(), "", algorithm="none")

    assert refusal(real().signer, stronger) == "forged"
    assert refusal(real().signer, unsigned) == "forged"


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": None},
        {"sub": None},
        {"sid": None},
        {"cid": None},
        {"exp": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "user\n1"},
        {"sid": 7},
        {"cid": ["conversation-1"]},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e999},
    ],
)
def test_a_signed_token_without_a_ticket_in_it_is_malformed(changes: dict[str, Any]) -> None:
    token = jwt.encode(claims(**changes), KEY, algorithm=ALGORITHM)

    assert refusal(real().signer, token) == "malformed"


def test_a_signed_token_without_an_audience_has_the_wrong_audience() -> None:
    token = jwt.encode(claims(aud=None), KEY, algorithm=ALGORITHM)

    assert refusal(real().signer, token) == "wrong_audience"


def test_a_key_too_short_for_hs256_is_never_used() -> None:
    with pytest.raises(ValueError, match="31 bytes: it needs 32"):
        JwtTicketSigner(SECRETS, "short").issue(TICKET)
