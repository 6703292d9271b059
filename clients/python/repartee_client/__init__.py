"""The Python client of the voice protocol (docs/protocol.md).

``access`` gets session tickets. ``connecting`` opens a ``voice_call``, the WebSocket shell around
the state machine of ``session``, which keeps an ``inbox`` and an ``outbox``. ``conversation`` sends
utterances and waits for their answers.

From the rest of the project the package imports only the messages, frames and answers of
``repartee.domain.protocol`` and, in ``decoding``, their JSON forms in ``repartee.adapters.wire``.
"""
