"""The native protocol: its version, its features and the size of its frames."""

PROTOCOL_VERSION = 1
# API Gateway closes a connection (1009) whose frame is larger; base64 and JSON have to fit too.
MAX_FRAME_BYTES = 32 * 1024

# Optional fields and messages that came after version 1. Servers refuse fields that they do not
# know, so a client sends one only to a server that lists it.
FEATURES = ("marks_speech",)
