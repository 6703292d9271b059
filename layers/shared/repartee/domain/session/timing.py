"""Times that more than one subject of the session goes by."""

# A turn that brings nothing for so long counts as stalled. That is far beyond the time to a first
# word, and still within what a caller waits in silence.
STALL_MS = 8_000
# Same as the stall timeout. There are public reports of a model that stays silent after a tool's
# answer: PatterAI/Patter#210, pipecat-ai/pipecat#4118.
SPEAK_WITHIN_MS = 8_000
TOOL_CALL_TIMEOUT_MS = 25_000

# A worker hands over at a boundary between turns. Without one it is forced to at the second mark.
HAND_OVER_MS = 90_000
FORCED_HAND_OVER_MS = 20_000
