"""The contract of Tracer, on the fake and on OTLP over HTTP; and how the latter bears failures."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.observer.otlp import ReceivedSpan, SpanKind, read_spans
from repartee.adapters.no_tracer import NoTracer
from repartee.adapters.otlp.tracer import OtlpTracer
from repartee.domain.errors import StoreUnavailable
from repartee.domain.tracing import spans
from repartee.domain.tracing.spans import Span, Trace, TraceContext
from repartee.ports.tracing import Tracer
from tests.fakes.log import CapturedLog
from tests.fakes.tracer import FakeTracer
from tests.http_collector import PATIENCE_S, collecting

pytestmark = pytest.mark.contract

ROOT = TraceContext.of("s1/7", "turn")
TURN = Span(
    ROOT, "", "turn", "stream_agent", spans.SpanKind.SERVER, 1_000, 1_900,
    {"repartee.turn": 7, "gen_ai.conversation.id": "c1", "repartee.cost_usd": 0.5, "late": True},
)  # fmt: skip
TOOL = Span(
    ROOT.child("tool"), ROOT.span_id, "execute_tool book", "core_agent", spans.SpanKind.INTERNAL,
    1_200, 1_700, error_type="TimeoutError",
)  # fmt: skip
TRACE: Trace = (TURN, TOOL)


def lost(log: CapturedLog) -> list[dict[str, Any]]:
    keys = ("message", "lost", "reasons", "waiting")
    return [{key: line[key] for key in keys} for line in log.lines]


type Received = Callable[[], list[str]]


@pytest.fixture(params=["fake", "otlp"])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Tracer, Received]]:
    """A tracer, and the names of the spans that have arrived."""
    if request.param == "fake":
        fake = FakeTracer()
        yield fake, lambda: [span.name for trace in fake.traces for span in trace]
        return
    with collecting() as collector:
        tracer = OtlpTracer(collector.url, "stack", CapturedLog().logger)
        yield (
            tracer,
            lambda: [span.name for _, body in collector.requests for span in read_spans(body)],
        )


def test_posted_traces_have_arrived_after_a_flush(made: tuple[Tracer, Received]) -> None:
    tracer, received = made

    tracer.post((TURN,))
    tracer.post((TOOL,))
    tracer.flush(PATIENCE_S)

    assert tracer.is_on
    assert received() == ["turn", "execute_tool book"]
    tracer.flush(0)


def test_without_an_address_nothing_is_posted() -> None:
    tracer: Tracer = NoTracer()

    tracer.post(TRACE)
    tracer.flush(0)

    assert not tracer.is_on


def test_spans_are_written_as_the_specification_wants() -> None:
    with collecting() as collector:
        tracer = OtlpTracer(collector.url, "stack", CapturedLog().logger)
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)

        ((headers, body),) = collector.requests
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    tool, turn = read_spans(body)
    assert turn == ReceivedSpan(
        ROOT.trace_id, ROOT.span_id, "", "turn", "stream_agent", SpanKind.SERVER,
        1_000_000_000, 1_900_000_000, TURN.attributes, failed=False, error="",
    )  # fmt: skip
    assert (tool.parent_id, tool.service, tool.failed) == (ROOT.span_id, "core_agent", True)
    assert tool.attributes == {"error.type": "TimeoutError"}
    (first, _) = json.loads(body)["resourceSpans"]
    (span,) = first["scopeSpans"][0]["spans"]
    assert (span["startTimeUnixNano"], span["kind"]) == ("1200000000", 1)


def test_the_token_is_a_header_and_is_read_with_the_first_trace() -> None:
    reads: list[str] = []

    def token() -> str:
        reads.append("token")
        return "secret-token"

    log = CapturedLog()
    with collecting() as collector:
        tracer = OtlpTracer(collector.url, "stack", log.logger, token)
        assert reads == []
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)

        assert collector.requests[0][0]["Authorization"] == "Bearer secret-token"
    assert log.lines == []


def test_a_receiver_that_hangs_delays_nobody_and_losses_are_counted() -> None:
    log = CapturedLog()
    with collecting() as collector:
        collector.may_answer.clear()
        tracer = OtlpTracer(collector.url, "stack", log.logger, max_queued=2)
        began_s = time.monotonic()
        for _ in range(5):
            tracer.post(TRACE)
        assert time.monotonic() - began_s < 0.5
        tracer.flush(0.05)
        assert lost(log) == [
            {"message": "traces lost", "lost": 3, "reasons": {"queue_full": 3}, "waiting": 2}
        ]
        collector.may_answer.set()
        tracer.flush(PATIENCE_S)
        assert len(collector.requests) == 2


def test_a_receiver_that_is_slow_is_given_up() -> None:
    log = CapturedLog()
    with collecting() as collector:
        collector.may_answer.clear()
        tracer = OtlpTracer(collector.url, "stack", log.logger, timeouts_s=(0.2, 0.05))
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)
    assert lost(log)[0]["reasons"] == {"ReadTimeoutError": 1}


@pytest.mark.parametrize("status", [302, 400, 503])
def test_a_receiver_that_refuses_is_asked_once(status: int) -> None:
    log = CapturedLog()
    with collecting(status) as collector:
        tracer = OtlpTracer(collector.url, "stack", log.logger)
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)
        assert len(collector.requests) == 1
        collector.status = 200
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)
    assert [line["reasons"] for line in lost(log)] == [{f"status_{status}": 1}]


def test_a_receiver_that_is_not_there_costs_a_line() -> None:
    log = CapturedLog()
    with collecting() as collector:
        url = collector.url
    tracer = OtlpTracer(url, "stack", log.logger)
    tracer.post(TRACE)
    tracer.flush(PATIENCE_S)
    assert lost(log)[0]["reasons"] == {"NewConnectionError": 1}


def test_a_token_that_cannot_be_read_loses_the_trace_and_is_not_logged() -> None:
    def token() -> str:
        raise StoreUnavailable("arn of the secret")

    log = CapturedLog()
    with collecting() as collector:
        tracer = OtlpTracer(collector.url, "stack", log.logger, token)
        tracer.post(TRACE)
        tracer.flush(PATIENCE_S)
        assert collector.requests == []
    assert lost(log)[0]["reasons"] == {"StoreUnavailable": 1}
    assert "arn of" not in log.text


@pytest.mark.parametrize(("encoding", "answer"), [("gzip", b"no gzip"), ("identity", bytes(10**7))])
def test_an_answer_is_not_decoded_and_a_long_one_is_not_read(encoding: str, answer: bytes) -> None:
    log = CapturedLog()
    with collecting() as collector:
        collector.encoding, collector.answer = encoding, answer
        tracer = OtlpTracer(collector.url, "stack", log.logger)
        tracemalloc.start()
        try:
            tracer.post(TRACE)
            tracer.post(TRACE)
            tracer.flush(PATIENCE_S)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(collector.requests) == 2
    assert lost(log) == []
    assert peak_bytes < len(bytes(10**7))
