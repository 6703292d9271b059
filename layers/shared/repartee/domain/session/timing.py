"""Times that more than one folder of the session uses."""

# A turn without any event for this long counts as stalled. This is far longer than a model needs
# for its first word, and users still wait so long in silence.
STALL_MS = 8_000
# Same as the stall timeout. There are public reports of a model that stays silent after the answer
# of a tool: PatterAI/Patter#210, pipecat-ai/pipecat#4118.
SPEAK_WITHIN_MS = 8_000
TOOL_CALL_TIMEOUT_MS = 25_000

# With HAND_OVER_MS left, a worker hands over at the next pause between turns. With
# FORCED_HAND_OVER_MS left, it hands over without a pause.
HAND_OVER_MS = 90_000
FORCED_HAND_OVER_MS = 20_000
