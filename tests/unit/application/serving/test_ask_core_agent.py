"""A worker asks core_agent: once, and once more where the first asking came to nothing."""

from dataclasses import replace

import pytest

from repartee.application.serving.ask_core_agent import NO_ANSWER, RETRY_DELAY_S, ask_core_agent
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.session.effects import AskCoreAgent
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallKey, ToolCallStatus
from tests.fakes.core_agent import FakeCoreAgent
from tests.unit.application.serving.worker_harness import WorkerHarness
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit

BOOKED = CoreAnswer(ToolCallStatus.DONE, "You are booked.")
CRASHED = CoreAgentFailed("core_agent failed", retryable=True, has_ended=True)
THROTTLED = CoreAgentFailed("core_agent was not invoked", retryable=True)
DENIED = CoreAgentFailed("core_agent was not invoked", retryable=False)


def asked(
    *script: CoreAnswer | CoreAgentFailed, timeout_ms: int = TOOL_CALL_TIMEOUT_MS
) -> tuple[CoreAnswer, list[CoreRequest], float]:
    """Return the answer to one question, the requests for it and the duration in seconds."""
    core = FakeCoreAgent(script)
    results = []

    async def main() -> None:
        scene = WorkerHarness()
        effect = AskCoreAgent(ToolCallKey(1, 1), "ab" * 32, "book", "en-US", timeout_ms)
        began_ms = scene.clock.monotonic_ms()
        answered = await ask_core_agent(effect, scene.state(), replace(scene.ports, core=core))
        assert (answered.key, answered.arguments_hash) == (effect.key, effect.arguments_hash)
        took_s = (scene.clock.monotonic_ms() - began_ms) / 1000
        results.append((answered.answer, core.requests, took_s))

    run_in_virtual_time(main)
    return results[0]


def test_an_answer_is_asked_for_once():
    answer, requests, took_s = asked(BOOKED)

    assert answer == BOOKED
    assert len(requests) == 1
    assert requests[0].ended_run_id is None
    assert took_s == 0


def test_a_run_that_was_killed_is_asked_about_once_more_and_named_as_over():
    answer, (first, again), took_s = asked(CRASHED, BOOKED)

    assert answer == BOOKED
    assert again.ended_run_id == first.run_id != again.run_id
    # The same call of the same worker, and for the caller no later than before.
    assert replace(again, run_id=first.run_id, ended_run_id=None) == first
    assert took_s == RETRY_DELAY_S


def test_a_run_that_may_continue_is_asked_about_again_and_not_called_finished():
    answer, (first, again), _ = asked(THROTTLED, BOOKED)

    assert answer == BOOKED
    assert again.ended_run_id is None
    assert again.run_id != first.run_id


def test_a_question_that_fails_twice_is_answered_with_an_apology():
    answer, requests, _ = asked(CRASHED, CRASHED)

    assert answer == NO_ANSWER
    assert len(requests) == 2


def test_a_permanent_failure_is_not_repeated():
    answer, requests, _ = asked(DENIED, BOOKED)

    assert answer == NO_ANSWER
    assert len(requests) == 1


def test_a_question_is_not_repeated_without_the_time_for_an_answer():
    answer, requests, took_s = asked(CRASHED, BOOKED, timeout_ms=1_100)

    assert answer == NO_ANSWER
    assert len(requests) == 1
    assert took_s == 0
