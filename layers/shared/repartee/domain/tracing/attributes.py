"""Names of the attributes of spans, and their values; no other module spells them.

The names with ``gen_ai`` are those of OpenTelemetry's conventions for generative AI
(open-telemetry/semantic-conventions-genai, stability "Development", read 2026-11-30). Live sessions
have no convention yet, so a turn's exchange with the live model has the operation ``chat``.
"""

from typing import Final

CONVERSATION_ID: Final = "gen_ai.conversation.id"
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
TOOL_NAME: Final = "gen_ai.tool.name"
AGENT_NAME: Final = "gen_ai.agent.name"
ERROR_TYPE: Final = "error.type"

SESSION_ID: Final = "repartee.session.id"
TURN: Final = "repartee.turn"
EPOCH: Final = "repartee.epoch"
STATUS: Final = "repartee.status"
COST_USD: Final = "repartee.cost_usd"
FIRST_OUTPUT_MS: Final = "repartee.first_output_ms"
FIRST_AUDIO_MS: Final = "repartee.first_audio_ms"

GEMINI: Final = "gcp.gemini"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_AGENT: Final = "invoke_agent"
