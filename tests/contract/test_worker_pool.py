"""The contract of worker pools, on the fake and against Lambda's wire format.

Source for status codes and names: service model of lambda, 2015-03-31, operation Invoke.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import boto3
import pytest
from botocore.config import Config

from repartee.adapters.aws.lambda_worker_pool import LambdaWorkerPool
from repartee.domain.errors import StoreUnavailable
from repartee.ports.workers import WakeRequest, WorkerPool
from tests.contract.aws_double import Answer, AwsDouble, Request, aws_double
from tests.fakes.worker_pool import FakeWorkerPool

pytestmark = pytest.mark.contract

WAKE = WakeRequest("session-1", "user-1", "conversation-1", woken_at_ms=1_795_176_000_123, hop=2)
THROTTLED = Answer(429, "TooManyRequestsException")


class Subject(Protocol):
    """A pool, and the wakes that it has queued."""

    @property
    def pool(self) -> WorkerPool: ...

    def fail(self) -> None: ...

    @property
    def wakes(self) -> list[WakeRequest]: ...


class FakeSubject:
    def __init__(self) -> None:
        self.pool = FakeWorkerPool()

    def fail(self) -> None:
        self.pool.failing = True

    @property
    def wakes(self) -> list[WakeRequest]:
        return self.pool.wakes


@dataclass
class RealSubject:
    double: AwsDouble
    pool: LambdaWorkerPool
    queued: list[Request] = field(default_factory=list)
    failure: Answer | None = None

    def fail(self) -> None:
        self.failure = THROTTLED

    @property
    def wakes(self) -> list[WakeRequest]:
        return [WakeRequest(**json.loads(request.body)) for request in self.queued]

    def respond(self, request: Request) -> Answer:
        if self.failure is not None:
            return self.failure
        self.queued.append(request)
        return Answer(202)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[RealSubject]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with aws_double() as double:
        # The pool's own client waits between attempts; one attempt is enough here.
        client = boto3.client(
            "lambda", endpoint_url=double.url, config=Config(retries={"total_max_attempts": 1})
        )
        subject = RealSubject(double, LambdaWorkerPool(client, "repartee-stream-agent"))
        double.respond = subject.respond
        try:
            yield subject
        finally:
            client.close()


@pytest.fixture(params=["fake", "lambda"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        return FakeSubject()
    made: RealSubject = request.getfixturevalue("real")
    return made


def test_a_wake_is_queued_with_its_ids(subject: Subject) -> None:
    subject.pool.wake(WAKE)

    assert subject.wakes == [WAKE]


def test_every_wake_is_a_separate_invocation(subject: Subject) -> None:
    subject.pool.wake(WAKE)
    subject.pool.wake(WAKE)

    assert subject.wakes == [WAKE, WAKE]


def test_a_wake_that_cannot_be_queued_is_an_error(subject: Subject) -> None:
    subject.fail()

    with pytest.raises(StoreUnavailable):
        subject.pool.wake(WAKE)
    assert subject.wakes == []


def test_a_wake_does_not_wait_for_the_worker(real: RealSubject) -> None:
    real.pool.wake(WAKE)

    (request,) = real.queued
    assert request.path == "/2015-03-31/functions/repartee-stream-agent/invocations"
    assert request.headers["X-Amz-Invocation-Type"] == "Event"


@pytest.mark.parametrize(
    "failure",
    [
        Answer(404, "ResourceNotFoundException"),
        Answer(500, "ServiceException"),
        Answer(hang_up=True),
    ],
)
def test_any_failure_of_lambda_is_unavailable(real: RealSubject, failure: Answer) -> None:
    real.failure = failure

    with pytest.raises(StoreUnavailable):
        real.pool.wake(WAKE)


def test_the_client_of_the_pool_uses_the_endpoint_of_the_environment(
    real: RealSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", real.double.url)
    pool = LambdaWorkerPool.of("repartee-stream-agent")

    pool.wake(WAKE)
    pool._client.close()

    assert real.wakes == [WAKE]
