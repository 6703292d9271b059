"""A client of Repartee, the serverless voice agent.

``connect`` opens a ``Call``, which yields ``events``. ``access`` holds the HTTP API.

``protocol.session`` is the state machine of docs/protocol.md, without sockets, clock or tasks.
``transport`` carries its frames over WebSocket connections.
"""

from repartee_client.audio.port import AudioPort, SpeechMark
from repartee_client.call import Call
from repartee_client.connect import connect

__all__ = ["AudioPort", "Call", "SpeechMark", "connect"]
