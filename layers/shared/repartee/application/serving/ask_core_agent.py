"""Asks core_agent for a worker, and retries once."""

import asyncio
from dataclasses import replace

from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.session.effects import AskCoreAgent
from repartee.domain.session.events import CoreAnswered
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallStatus
from repartee.ports.metrics import Metric

RETRY_DELAY_S = 0.2
# The session core replaces an empty text with a phrase of the persona.
NO_ANSWER = CoreAnswer(ToolCallStatus.FAILED, "", retryable=True)
_MIN_ATTEMPT_MS = 1_000
"""With less time left there is no second attempt, because only a stored answer would be in time."""


async def ask_core_agent(
    effect: AskCoreAgent, state: SessionState, ports: SessionPorts, traceparent: str = ""
) -> CoreAnswered:
    """Ask core_agent, and ask again if that fails; return ``NO_ANSWER`` if both attempts fail.

    core_agent may have done the work before the request failed. The second request has the same
    key, so it finds the stored answer or waits for it, and the work is not done twice.
    """
    now_ms = ports.clock.now_ms()
    request = CoreRequest(
        user_id=state.user_id,
        conversation_id=state.conversation_id,
        session_id=state.session_id,
        epoch=state.epoch,
        key=effect.key,
        arguments_hash=effect.arguments_hash,
        question=effect.question,
        language=effect.language,
        deadline_ms=now_ms + effect.timeout_ms,
        run_id=ports.ids.new_id(now_ms),
        traceparent=traceparent,
    )
    began_ms, failures = ports.clock.monotonic_ms(), 0
    try:
        answer = await _ask(request, ports)
    except CoreAgentFailed as failed:
        failures = 1
        answer = NO_ANSWER
        left_ms = request.deadline_ms - ports.clock.now_ms()
        if failed.retryable and left_ms >= _MIN_ATTEMPT_MS + RETRY_DELAY_S * 1000:
            try:
                answer = await _retry(request, failed, ports)
            except CoreAgentFailed:
                failures = 2
    took_ms = ports.clock.monotonic_ms() - began_ms
    ports.metrics.record({Metric.CORE_AGENT_MS: took_ms, Metric.CORE_AGENT_ERRORS: failures})
    return CoreAnswered(effect.key, effect.arguments_hash, answer)


async def _retry(request: CoreRequest, failed: CoreAgentFailed, ports: SessionPorts) -> CoreAnswer:
    await asyncio.sleep(RETRY_DELAY_S)
    again = replace(
        request,
        run_id=ports.ids.new_id(ports.clock.now_ms()),
        ended_run_id=request.run_id if failed.has_ended else None,
    )
    return await _ask(again, ports)


async def _ask(request: CoreRequest, ports: SessionPorts) -> CoreAnswer:
    try:
        return await asyncio.to_thread(ports.core.ask, request)
    except CoreAgentFailed as error:
        fields = {"turn": request.key.turn, "call": str(request.key), "error": str(error)}
        asked = {"session_id": request.session_id, "epoch": request.epoch}
        ports.log.warning("core agent failed", extra={**asked, **fields})
        raise
