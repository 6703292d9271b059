"""The native protocol: its version, its features and the size of its frames."""

PROTOCOL_VERSION = 1
# API Gateway closes the connection (1009) on a larger frame. Base64 and JSON count.
MAX_FRAME_BYTES = 32 * 1024

# Optional fields and messages that were added to version 1. Servers refuse unknown fields, so a
# client sends one only to a server that lists it.
FEATURES = ("marks_speech", "stop", "speech_heard")
