import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from repartee.adapters.aws.secrets_manager import (
    MAX_AGE_MS,
    READ_VERSIONS_EVERY_MS,
    SecretsManager,
)
from repartee.adapters.cursors import Cursors, Listing
from repartee.adapters.ticket_jwt import JwtTicketSigner
from repartee.domain.errors import CursorRefused, StoreUnavailable, TicketRefused
from repartee.domain.protocol.ticket import Ticket
from repartee.ports.runtime import Secrets
from tests.contract.servers import MINISTACK, Servers, require
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.log import CapturedLog
from tests.fakes.secrets import FakeSecrets

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

TEXT = "not so secret: é"
OLD, NEW, NEWEST = "o" * 64, "n" * 64, "z" * 64
TICKET = Ticket("ticket-1", "user-1", "session-1", "conversation-1", NOON_MS + 60_000)


class FlakyClient:
    """A client of Secrets Manager that counts its requests, and fails on request."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client
        self.is_failing = False
        self.stages: list[str] = []

    def get_secret_value(self, **wanted: Any) -> Any:
        self.stages.append(wanted["VersionStage"])
        if self.is_failing:
            raise EndpointConnectionError(endpoint_url="https://any")
        return self._client.get_secret_value(**wanted)


@dataclass
class Kept:
    """One secret, and a process that reads it.

    Attributes:
        rotate: Gives the secret a new value.
        another: Starts another process.
    """

    port: Secrets
    secret_id: str
    rotate: Callable[[str], object]
    clock: FakeClock
    another: Callable[[], Secrets]


@dataclass
class OnMiniStack(Kept):
    """A secret in MiniStack.

    Attributes:
        client: The client of the process.
    """

    client: FlakyClient
    log: CapturedLog


@pytest.fixture
def secrets_client(servers: Servers) -> "SecretsManagerClient":
    require(servers, MINISTACK)
    return servers.secrets_manager()


def on_ministack(client: "SecretsManagerClient", value: str) -> OnMiniStack:
    made = client.create_secret(Name=f"secret-{secrets.token_hex(8)}", SecretString=value)["ARN"]
    flaky, clock, log = FlakyClient(client), FakeClock(), CapturedLog()

    def process() -> SecretsManager:
        reached: Any = flaky
        return SecretsManager(clock, log.logger, lambda: reached)

    def rotate(new: str) -> object:
        return client.put_secret_value(SecretId=made, SecretString=new)

    return OnMiniStack(process(), made, rotate, clock, process, flaky, log)


@pytest.fixture
def key(secrets_client: "SecretsManagerClient") -> OnMiniStack:
    return on_ministack(secrets_client, OLD)


@pytest.fixture(params=["fake", MINISTACK])
def kept(request: pytest.FixtureRequest) -> Kept:
    """Return a secret with the value ``TEXT``."""
    if request.param == "fake":
        fake = FakeSecrets({"arn:of:a-secret": TEXT})
        return Kept(
            fake,
            "arn:of:a-secret",
            lambda new: fake.rotate("arn:of:a-secret", new),
            FakeClock(),
            lambda: fake,
        )
    return on_ministack(request.getfixturevalue("secrets_client"), TEXT)


def test_a_secret_is_returned_as_plain_text(kept: Kept) -> None:
    assert kept.port.get(kept.secret_id) == TEXT
    assert kept.port.get(kept.secret_id) == TEXT


def test_an_unknown_secret_is_unavailable(kept: Kept) -> None:
    unknown = "arn:aws:secretsmanager:us-east-1:000000000000:secret:unknown-AbCdEf"

    with pytest.raises(StoreUnavailable):
        kept.port.get(unknown)
    with pytest.raises(StoreUnavailable):
        kept.port.versions(unknown)


def test_a_new_secret_has_one_version(kept: Kept) -> None:
    assert kept.port.versions(kept.secret_id) == (TEXT,)


def test_a_new_value_is_used_after_five_minutes_at_most(kept: Kept) -> None:
    kept.port.get(kept.secret_id)

    kept.rotate("changed")
    kept.clock.advance(MAX_AGE_MS)

    assert kept.port.get(kept.secret_id) == "changed"


def test_after_each_rotation_the_current_and_the_previous_version_are_known(kept: Kept) -> None:
    for previous, current in [(TEXT, "second"), ("second", "third")]:
        kept.rotate(current)
        kept.clock.advance(READ_VERSIONS_EVERY_MS)

        assert kept.port.versions(kept.secret_id) == (current, previous)
        assert kept.port.get(kept.secret_id) == current


def test_a_value_is_read_once_in_five_minutes(key: OnMiniStack) -> None:
    key.port.get(key.secret_id)
    key.rotate(NEW)
    key.clock.advance(MAX_AGE_MS - 1)

    assert [key.port.get(key.secret_id) for _ in range(3)] == [OLD] * 3
    assert key.client.stages == ["AWSCURRENT"]
    key.clock.advance(1)
    assert [key.port.get(key.secret_id) for _ in range(3)] == [NEW] * 3
    assert key.client.stages == ["AWSCURRENT"] * 2


def test_versions_are_read_once_in_a_minute(key: OnMiniStack) -> None:
    key.port.versions(key.secret_id)
    once = len(key.client.stages)
    key.rotate(NEW)
    key.clock.advance(READ_VERSIONS_EVERY_MS - 1)

    assert key.port.versions(key.secret_id) == (OLD,)
    assert len(key.client.stages) == once
    key.clock.advance(1)
    assert key.port.versions(key.secret_id) == (NEW, OLD)


def test_a_value_that_cannot_be_read_again_stays_and_is_warned_about(key: OnMiniStack) -> None:
    key.port.get(key.secret_id)
    key.rotate(NEW)
    key.client.is_failing = True
    key.clock.advance(MAX_AGE_MS)

    assert [key.port.get(key.secret_id) for _ in range(3)] == [OLD] * 3
    assert key.port.versions(key.secret_id) == (OLD,)
    assert {line["message"] for line in key.log.lines} == {"secret not read again"}
    assert OLD not in key.log.text
    assert key.client.stages == ["AWSCURRENT"] * 3  # one for each method, after the first value
    key.client.is_failing = False
    key.clock.advance(READ_VERSIONS_EVERY_MS)
    assert key.port.get(key.secret_id) == NEW


def test_a_secret_that_was_never_read_and_fails_is_tried_again_at_once(key: OnMiniStack) -> None:
    key.client.is_failing = True
    with pytest.raises(StoreUnavailable):
        key.port.get(key.secret_id)

    key.client.is_failing = False

    assert key.port.get(key.secret_id) == OLD


def test_the_client_is_created_with_the_first_secret() -> None:
    def unwanted() -> "SecretsManagerClient":
        raise AssertionError("a client was made")

    SecretsManager(FakeClock(), CapturedLog().logger, unwanted)


def test_binary_secrets_are_refused(secrets_client: "SecretsManagerClient") -> None:
    made = secrets_client.create_secret(Name=f"secret-{secrets.token_hex(8)}", SecretBinary=b"\x00")

    with pytest.raises(StoreUnavailable, match="no text"):
        SecretsManager(FakeClock(), CapturedLog().logger, lambda: secrets_client).get(made["ARN"])


def test_no_ticket_is_refused_during_a_rotation(key: OnMiniStack) -> None:
    issuers = [JwtTicketSigner(key.another(), key.secret_id) for _ in range(2)]
    verifiers = [JwtTicketSigner(key.another(), key.secret_id) for _ in range(2)]
    for signer in (issuers[0], verifiers[0]):  # the other two begin after the rotation
        signer.verify(signer.issue(TICKET), now_ms=NOON_MS)
    for value in (NEW, NEWEST):
        key.rotate(value)
        for _ in range(6):
            tokens = [issuer.issue(TICKET) for issuer in issuers]
            for verifier in verifiers:
                assert [verifier.verify(one, now_ms=NOON_MS) for one in tokens] == [TICKET] * 2
            key.clock.advance(MAX_AGE_MS // 5)


def test_a_key_before_the_previous_one_is_forged(key: OnMiniStack) -> None:
    token = JwtTicketSigner(key.another(), key.secret_id).issue(TICKET)
    key.rotate(NEW)
    key.rotate(NEWEST)

    with pytest.raises(TicketRefused, match="forged"):
        JwtTicketSigner(key.another(), key.secret_id).verify(token, now_ms=NOON_MS)


def test_forged_tickets_do_not_cause_more_than_two_requests_a_minute(key: OnMiniStack) -> None:
    signer = JwtTicketSigner(key.another(), key.secret_id)
    forged = JwtTicketSigner(FakeSecrets({"other": NEW}), "other").issue(TICKET)
    for _ in range(50):
        with pytest.raises(TicketRefused, match="forged"):
            signer.verify(forged, now_ms=NOON_MS)

    assert key.client.stages == ["AWSCURRENT", "AWSCURRENT", "AWSPREVIOUS"]


def test_a_previous_key_that_is_too_short_is_not_accepted(key: OnMiniStack) -> None:
    key.rotate("s" * 31)
    key.rotate(NEW)
    signer = JwtTicketSigner(key.another(), key.secret_id)

    with pytest.raises(TicketRefused, match="forged"):
        signer.verify(
            JwtTicketSigner(FakeSecrets({"old": OLD}), "old").issue(TICKET), now_ms=NOON_MS
        )


def test_a_cursor_outlives_one_rotation(key: OnMiniStack) -> None:
    cursor = Cursors(key.another(), key.secret_id).seal(Listing.NOTES, "user-1", "place")
    key.rotate(NEW)
    assert Cursors(key.another(), key.secret_id).open(Listing.NOTES, "user-1", cursor) == ("place",)

    key.rotate(NEWEST)

    with pytest.raises(CursorRefused):
        Cursors(key.another(), key.secret_id).open(Listing.NOTES, "user-1", cursor)
