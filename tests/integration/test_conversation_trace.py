"""The turn of a booking is one trace over three functions, without a word of it."""

import json
import re
import time
from typing import Any

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, say
from local.observer.trace_store import ReceivedTrace
from repartee_client.recordings import read_wav
from tests.integration.running import TEST_TIMEOUT_S, RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


def trace_of(running: RunningStack, session_id: str) -> ReceivedTrace:
    """Return the trace of the session's first turn, when it has arrived."""
    give_up_at_s = time.monotonic() + TEST_TIMEOUT_S
    while time.monotonic() < give_up_at_s:
        for trace in running.stack.observer.traces.newest_first():
            root = trace.root.attributes
            if (root.get("repartee.session.id"), root.get("repartee.turn")) == (session_id, 1):
                return trace
        time.sleep(0.05)
    raise AssertionError(f"no trace of session {session_id}")


def test_a_booking_is_one_tree_of_spans(running: RunningStack) -> None:
    user = new_user("traced")

    async def talk() -> tuple[str, str, AnsweredUtterance]:
        ticket = await (await running.api_of(user)).start_session()
        async with open_voice_call(ticket.url) as call:
            booking = read_wav(recordings("second_user")[1].wav)
            exchange = await say(call, booking, pace=Pace.FAST)
            await call.hang_up()
            return ticket.session_id, ticket.conversation_id, exchange

    session_id, conversation_id, exchange = running.run(talk())
    trace = trace_of(running, session_id)
    spans = trace.as_json()["spans"]
    paths = {" > ".join(path_of(spans, span)) for span in spans}

    chat = "turn > chat gemini-3.8-live"
    asked = f"{chat} > execute_tool ask_core_agent > invoke_agent core_agent"
    assert {
        "turn",
        "turn > receive input",
        chat,
        f"{chat} > post first audio",
        f"{asked} > chat gemini-3.8-flash",
        f"{asked} > execute_tool book",
    } <= paths
    by_id = {span["span_id"]: span for span in spans}
    for span in spans:
        parent = by_id.get(span["parent_id"], span)
        assert parent["start_ms"] <= span["start_ms"] <= span["end_ms"] <= parent["end_ms"], span
    functions = {(span["name"], span["service"]) for span in spans}
    assert {("receive input", "message"), ("execute_tool book", "core_agent")} <= functions
    root = spans[0]["attributes"]
    assert root["gen_ai.conversation.id"] == conversation_id
    assert root["gen_ai.usage.output_tokens"] > 0
    assert [span["name"] for span in spans if span["failed"]] == []

    text = json.dumps(spans).lower()
    assert user not in text
    spoken = words(exchange.heard) | words(exchange.said)
    assert len(spoken) >= 3
    assert spoken & words(text) == set()
    assert "traces lost" not in running.log("StreamAgentFunction")


def words(text: str) -> set[str]:
    """Return the words that are longer than the name of the tool."""
    return set(re.findall("[a-z]{5,}", text.lower()))


def path_of(spans: list[dict[str, Any]], span: dict[str, Any]) -> list[str]:
    """Return the names from the root to a span."""
    above = [one for one in spans if one["span_id"] == span["parent_id"]]
    return [*(path_of(spans, above[0]) if above else []), span["name"]]
