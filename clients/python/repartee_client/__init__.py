"""A client of Repartee, the serverless voice agent.

``connect`` opens a ``Call``; iterate over it for its ``events``. ``access`` holds the HTTP API.

Below, ``protocol.session`` is the state machine (docs/protocol.md), without sockets, clock or
tasks, with its ``inbox`` and ``outbox``. ``transport`` carries it over WebSocket connections.
"""

from repartee_client.audio.port import AudioPort, SpeechMark
from repartee_client.call import Call
from repartee_client.connect import connect

__all__ = ["AudioPort", "Call", "SpeechMark", "connect"]
