import pytest

from repartee.domain.tracing.agent_timing import StepKind
from repartee.domain.tracing.spans import TraceContext

pytestmark = pytest.mark.unit

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_context_survives_as_a_header():
    context = TraceContext.of("session-1/7", "turn")

    assert TraceContext.read(context.traceparent) == context
    read = TraceContext.read(TRACEPARENT)
    assert read is not None
    assert read.traceparent == TRACEPARENT


def test_equal_names_have_equal_ids_and_others_do_not():
    first = TraceContext.of("session-1/7", "turn")

    assert first == TraceContext.of("session-1/7", "turn")
    assert first.trace_id != TraceContext.of("session-1/8", "turn").trace_id
    assert first.span_id != TraceContext.of("session-1/8", "turn").span_id
    assert first.child("turn") == first
    assert first.child("tool").trace_id == first.trace_id
    assert first.child("tool").span_id != first.span_id


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-short-b7ad6b7169203331-01",
        TRACEPARENT.upper(),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        f"ff{TRACEPARENT[2:]}",
        f"{TRACEPARENT}\n",
    ],
)
def test_a_header_without_ids_is_no_context(header):
    assert TraceContext.read(header) is None


def test_a_kind_of_step_of_a_later_version_is_another_kind():
    assert StepKind("planning") is StepKind.OTHER
