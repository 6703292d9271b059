"""A worker's question to core_agent."""

import asyncio

from repartee.application.session_ports import SessionPorts
from repartee.domain.calls import CoreRequest
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.session.effects import AskCoreAgent
from repartee.domain.session.events import CoreAnswered
from repartee.domain.session.tool_calls import NO_ANSWER
from repartee.domain.session_state import SessionState


async def ask_core_agent(
    effect: AskCoreAgent, state: SessionState, ports: SessionPorts
) -> CoreAnswered:
    """Ask once; where core_agent fails, that is the answer."""
    request = CoreRequest(
        user_id=state.user_id,
        conversation_id=state.conversation_id,
        session_id=state.session_id,
        epoch=state.epoch,
        key=effect.key,
        arguments_hash=effect.arguments_hash,
        question=effect.question,
        language=effect.language,
        deadline_ms=ports.clock.now_ms() + effect.timeout_ms,
    )
    try:
        answer = await asyncio.to_thread(ports.core.ask, request)
    except CoreAgentFailed as error:
        ports.log.warning("core agent failed", extra={"call": str(effect.key), "error": str(error)})
        answer = NO_ANSWER
    return CoreAnswered(effect.key, effect.arguments_hash, answer)
