"""The contract of client channels, on the fake and against API Gateway's wire format.

Source for status codes and names: service model of apigatewaymanagementapi, 2018-11-29.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest

from repartee.adapters.aws.api_gateway_channel import MAX_POST_BYTES, ApiGatewayChannel
from repartee.adapters.wire.encoding import encode
from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.answers import Busy, Pong, ServerMessage
from repartee.domain.protocol.frames import NumberedFrame, Transcript
from repartee.ports.clients import ClientChannel
from tests.contract.aws_double import Answer, AwsDouble, Request, aws_double
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.contract

PONG = Pong(served=True)
GONE = Answer(410, "GoneException")
SLOW = Answer(429, "LimitExceededException")
BROKEN = Answer(500, "InternalServerErrorException")


class Subject(Protocol):
    """A channel, and functions that set the state of its connections."""

    @property
    def channel(self) -> ClientChannel: ...

    @property
    def gone(self) -> set[str]: ...

    @property
    def slow(self) -> set[str]: ...

    def fail(self) -> None: ...

    def use(self, connection_id: str, at_ms: int) -> None: ...

    def frames(self, connection_id: str) -> list[str]: ...


class FakeSubject:
    def __init__(self) -> None:
        self.channel = FakeClientChannel()
        self.gone = self.channel.gone
        self.slow = self.channel.slow

    def fail(self) -> None:
        self.channel.failing = True

    def use(self, connection_id: str, at_ms: int) -> None:
        self.channel.active_ms[connection_id] = at_ms

    def frames(self, connection_id: str) -> list[str]:
        return self.channel.posts[connection_id]


@dataclass
class RealSubject:
    double: AwsDouble
    channel: ApiGatewayChannel
    gone: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    active_ms: dict[str, int] = field(default_factory=dict)
    taken: list[Request] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)

    def fail(self) -> None:
        self.failures = [BROKEN] * 10

    def use(self, connection_id: str, at_ms: int) -> None:
        self.active_ms[connection_id] = at_ms

    def frames(self, connection_id: str) -> list[str]:
        path = f"/live/@connections/{connection_id}"
        return [request.body.decode() for request in self.taken if request.path == path]

    def respond(self, request: Request) -> Answer:
        if self.failures:
            return self.failures.pop(0)
        connection_id = request.path.removeprefix("/live/@connections/")
        if connection_id in self.gone:
            return GONE
        if request.method == "GET":
            active = datetime.fromtimestamp(self.active_ms[connection_id] / 1000, UTC)
            body = {"connectedAt": "2026-11-30T08:00:00Z", "lastActiveAt": active.isoformat()}
            return Answer(body=json.dumps(body))
        if request.method == "DELETE":
            self.gone.add(connection_id)
            return Answer(204)
        if connection_id in self.slow:
            return SLOW
        self.taken.append(request)
        return Answer()


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealSubject]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with aws_double() as double:
        channel = ApiGatewayChannel.at(f"{double.url}/live", encode)
        subject = RealSubject(double, channel)
        double.respond = subject.respond
        try:
            yield subject
        finally:
            channel._client.close()


@pytest.fixture(params=["fake", "api_gateway"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        return FakeSubject()
    made: RealSubject = request.getfixturevalue("real")
    return made


def test_frames_arrive_as_they_were_posted_and_in_order(subject: Subject) -> None:
    messages: list[ServerMessage] = [
        Pong(served=True),
        NumberedFrame(1, 1, Transcript(1, "user", "Grüße, 你好", True)),
    ]
    for message in messages:
        subject.channel.post("N7qPzd7jIAMCJbA=", message)

    assert subject.frames("N7qPzd7jIAMCJbA=") == [encode(message) for message in messages]


def test_frames_reach_the_connection_that_they_are_for(subject: Subject) -> None:
    subject.channel.post("one=", Busy(1))
    subject.channel.post("two=", Busy(2))

    assert subject.frames("one=") == [encode(Busy(1))]
    assert subject.frames("two=") == [encode(Busy(2))]


def test_a_closed_connection_takes_no_frames(subject: Subject) -> None:
    subject.gone.add("left=")

    with pytest.raises(ConnectionGone):
        subject.channel.post("left=", PONG)
    assert subject.frames("left=") == []


def test_a_closed_connection_stays_closed(subject: Subject) -> None:
    subject.channel.close("one=")

    with pytest.raises(ConnectionGone):
        subject.channel.post("one=", PONG)


def test_closing_a_connection_that_is_gone_is_no_error(subject: Subject) -> None:
    subject.gone.add("left=")

    subject.channel.close("left=")


def test_a_connection_reports_its_last_activity(subject: Subject) -> None:
    subject.use("one=", NOON_MS)
    subject.gone.add("left=")

    assert subject.channel.last_active_ms("one=") == NOON_MS
    assert subject.channel.last_active_ms("left=") is None


def test_a_failing_service_is_not_reported_as_a_closed_connection(subject: Subject) -> None:
    subject.fail()

    with pytest.raises(StoreUnavailable):
        subject.channel.last_active_ms("one=")


def test_a_client_with_a_full_buffer_is_reported_and_recovers(subject: Subject) -> None:
    subject.slow.add("one=")
    with pytest.raises(ClientTooSlow):
        subject.channel.post("one=", Busy(1))

    subject.slow.clear()
    subject.channel.post("one=", Busy(2))

    assert subject.frames("one=") == [encode(Busy(2))]


def test_a_failing_service_is_unavailable(subject: Subject) -> None:
    subject.fail()

    with pytest.raises(StoreUnavailable):
        subject.channel.post("one=", PONG)


def test_a_full_buffer_is_reported_without_a_retry(real: RealSubject) -> None:
    real.slow.add("one=")

    with pytest.raises(ClientTooSlow):
        real.channel.post("one=", PONG)

    assert len(real.double.requests) == 1


@pytest.mark.parametrize("failure", [BROKEN, Answer(hang_up=True)], ids=["500", "hang_up"])
def test_a_retry_recovers_from_one_failure(real: RealSubject, failure: Answer) -> None:
    real.failures = [failure]

    real.channel.post("one=", PONG)

    assert real.frames("one=") == [encode(PONG)]


@pytest.mark.parametrize("failure", [BROKEN, Answer(hang_up=True)], ids=["500", "hang_up"])
def test_closing_is_tried_twice(real: RealSubject, failure: Answer) -> None:
    real.failures = [failure]
    real.channel.close("one=")
    assert real.gone == {"one="}

    real.failures = [failure] * 2
    with pytest.raises(StoreUnavailable):
        real.channel.close("two=")


def test_a_refusal_is_not_retried(real: RealSubject) -> None:
    real.failures = [Answer(403, "ForbiddenException")]

    with pytest.raises(StoreUnavailable):
        real.channel.post("one=", PONG)

    assert len(real.double.requests) == 1


def test_a_frame_that_api_gateway_would_refuse_is_not_sent(real: RealSubject) -> None:
    too_long = Transcript(1, "user", "é" * (MAX_POST_BYTES // 2), True)
    with pytest.raises(ValueError, match="the limit is 131072"):
        real.channel.post("one=", NumberedFrame(1, 1, too_long))

    assert real.double.requests == []


def test_an_unreachable_server_is_unavailable(real: RealSubject) -> None:
    channel = ApiGatewayChannel.at("http://127.0.0.1:9/live", encode)

    with pytest.raises(StoreUnavailable):
        channel.post("one=", PONG)
    channel._client.close()
