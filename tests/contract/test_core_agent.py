"""The contract of CoreAgent, on the fake and on a small server with Lambda's invoke API."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from repartee.adapters.aws.core_agent_event import AnswerEvent, RequestEvent
from repartee.adapters.aws.lambda_core_agent import LambdaCoreAgent
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallKey, ToolCallStatus
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind
from repartee.ports.answers import CoreAgent
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.core_agent import FakeCoreAgent

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient

pytestmark = pytest.mark.contract

_PATIENCE_S = 10.0
REQUEST = CoreRequest(
    user_id="ann",
    conversation_id="c1",
    session_id="s1",
    epoch=3,
    key=ToolCallKey(5, 2),
    arguments_hash="ab" * 32,
    question="¿a qué hora abren?",
    language="es-ES",
    deadline_ms=NOON_MS + 20_000,
    run_id="run-2",
    ended_run_id="run-1",
)


class Reply(Protocol):
    """A function's reply: status, headers, body."""

    def __call__(self) -> tuple[int, Mapping[str, str], bytes]: ...


def _returns(answer: CoreAnswer) -> Reply:
    return lambda: (200, {}, json.dumps(AnswerEvent.of(answer)).encode())


def _refuses(status: int, code: str) -> Reply:
    return lambda: (status, {"x-amzn-errortype": code}, json.dumps({"message": "no"}).encode())


@dataclass(slots=True)
class FunctionStandIn:
    """Lambda's invoke API for one function.

    Attributes:
        patience_s: How long its clients really wait, if less than the deadline.
    """

    reply: Reply
    endpoint: str = ""
    patience_s: float = math.inf
    invocations: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    read_timeouts_s: list[int] = field(default_factory=list)

    def client(self, read_timeout_s: int) -> "LambdaClient":
        self.read_timeouts_s.append(read_timeout_s)
        session = boto3.session.Session("test", "test", region_name="us-east-1")
        config = Config(
            read_timeout=min(read_timeout_s, self.patience_s),
            retries={"total_max_attempts": 1},
        )
        return session.client("lambda", endpoint_url=self.endpoint, config=config)


@contextmanager
def _lambda(reply: Reply) -> Iterator[FunctionStandIn]:
    function = FunctionStandIn(reply)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(function))
    function.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield function
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(function: FunctionStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            kind = self.headers.get("x-amz-invocation-type", "RequestResponse")
            function.invocations.append((unquote(self.path), kind, event))
            status, headers, body = function.reply()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


type Made = Callable[[CoreAnswer | CoreAgentFailed], CoreAgent]


@pytest.fixture(params=["fake", "lambda"])
def made(request: pytest.FixtureRequest) -> Iterator[Made]:
    """Make a core agent with scripted answers; a failure is a throttled invocation."""
    if request.param == "fake":
        yield lambda scripted: FakeCoreAgent([scripted])
        return

    with _lambda(_refuses(500, "ServiceException")) as function:

        def make(scripted: CoreAnswer | CoreAgentFailed) -> CoreAgent:
            if isinstance(scripted, CoreAnswer):
                function.reply = _returns(scripted)
            elif scripted.retryable:
                function.reply = _refuses(429, "TooManyRequestsException")
            else:
                function.reply = _refuses(404, "ResourceNotFoundException")
            return LambdaCoreAgent("core-agent", FakeClock(), function.client)

        yield make


@pytest.mark.parametrize(
    "answer",
    [
        CoreAnswer(ToolCallStatus.DONE, "Abrimos a las nueve."),
        CoreAnswer(
            ToolCallStatus.DONE,
            "Pues sí.",
            bill=Bill(TokenUsage(900, 1, 40, 2), Decimal("0.000000000825")),
        ),
        CoreAnswer(ToolCallStatus.REFUSED, "Nein."),
        CoreAnswer(
            ToolCallStatus.FAILED,
            "Not now.",
            retryable=True,
            timing=AgentTiming(5, 9, (AgentStep(StepKind.MODEL, "m", 6, 8, 10, 2, "EmptyReply"),)),
        ),
    ],
    ids=lambda answer: answer.status.value,
)
def test_the_answer_is_returned_unchanged(made: Made, answer: CoreAnswer) -> None:
    assert made(answer).ask(REQUEST) == answer


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failure_says_whether_a_retry_may_help(made: Made, retryable: bool) -> None:
    agent = made(CoreAgentFailed("scripted", retryable=retryable))

    with pytest.raises(CoreAgentFailed) as failed:
        agent.ask(REQUEST)

    assert failed.value.retryable is retryable


def test_the_function_is_invoked_once_with_the_whole_request() -> None:
    answer = CoreAnswer(ToolCallStatus.DONE, "Yes.")
    with _lambda(_returns(answer)) as function:
        LambdaCoreAgent("core-agent", FakeClock(), function.client).ask(REQUEST)

        ((path, kind, event),) = function.invocations
        assert path == "/2015-03-31/functions/core-agent/invocations"
        assert kind == "RequestResponse"
        assert RequestEvent.model_validate(event).request() == REQUEST


def test_the_client_waits_as_long_as_the_deadline_allows() -> None:
    clock = FakeClock()
    with _lambda(_returns(CoreAnswer(ToolCallStatus.DONE, "Yes."))) as function:
        agent = LambdaCoreAgent("core-agent", clock, function.client)
        agent.ask(REQUEST)
        clock.advance(12_500)
        agent.ask(REQUEST)

        assert function.read_timeouts_s == [20, 8]


def test_the_function_is_not_invoked_when_no_time_is_left() -> None:
    clock = FakeClock(unix_ms=REQUEST.deadline_ms)
    with _lambda(_returns(CoreAnswer(ToolCallStatus.DONE, "Yes."))) as function:
        with pytest.raises(CoreAgentFailed) as failed:
            LambdaCoreAgent("core-agent", clock, function.client).ask(REQUEST)

        assert failed.value.retryable
        assert function.invocations == []


@pytest.mark.parametrize(
    ("reply", "retryable"),
    [
        (_refuses(500, "ServiceException"), True),
        (_refuses(403, "AccessDeniedException"), False),
        (lambda: (200, {"x-amz-function-error": "Unhandled"}, b'{"errorMessage": "x"}'), True),
        (lambda: (200, {}, b'{"status": "maybe"}'), False),
    ],
    ids=["service fault", "access denied", "function error", "malformed answer"],
)
def test_failures_are_distinguished_and_not_retried(reply: Reply, retryable: bool) -> None:
    with _lambda(reply) as function:
        with pytest.raises(CoreAgentFailed) as failed:
            LambdaCoreAgent("core-agent", FakeClock(), function.client).ask(REQUEST)

        assert failed.value.retryable is retryable
        assert len(function.invocations) == 1


@pytest.mark.parametrize(
    ("reply", "has_ended"),
    [
        (lambda: (200, {"x-amz-function-error": "Unhandled"}, b'{"errorType": "x"}'), True),
        (_refuses(500, "ServiceException"), False),
        (_refuses(429, "TooManyRequestsException"), False),
    ],
    ids=["function error", "service fault", "throttled"],
)
def test_a_failed_function_is_reported_as_ended(reply: Reply, has_ended: bool) -> None:
    with _lambda(reply) as function, pytest.raises(CoreAgentFailed) as failed:
        LambdaCoreAgent("core-agent", FakeClock(), function.client).ask(REQUEST)

    assert failed.value.has_ended is has_ended


def test_the_sdk_does_not_repeat_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with _lambda(_refuses(500, "ServiceException")) as function:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", function.endpoint)
        with pytest.raises(CoreAgentFailed):
            LambdaCoreAgent("core-agent", FakeClock()).ask(REQUEST)

        assert len(function.invocations) == 1


def test_a_function_that_does_not_answer_is_given_up_and_not_invoked_again() -> None:
    released = threading.Event()

    def silent() -> tuple[int, Mapping[str, str], bytes]:
        released.wait(_PATIENCE_S)
        return _returns(CoreAnswer(ToolCallStatus.DONE, "late"))()

    with _lambda(silent) as function:
        # The deadline is at least a second, and the test does not wait that long.
        function.patience_s = 0.3
        try:
            with pytest.raises(CoreAgentFailed) as failed:
                LambdaCoreAgent("core-agent", FakeClock(), function.client).ask(REQUEST)
        finally:
            released.set()

        assert failed.value.retryable
        assert len(function.invocations) == 1
