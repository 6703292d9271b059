"""The Python client of the voice protocol (docs/protocol.md).

``access`` gets session tickets. ``voice_call`` holds a call over WebSocket connections around the
state machine of ``session``, which keeps an ``inbox`` and an ``outbox``. ``conversation`` sends
utterances and waits for their answers.

The package takes the protocol's frames and messages from ``repartee.domain.protocol`` and imports
nothing else of this project.
"""
