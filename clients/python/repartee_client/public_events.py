"""Translates the protocol's messages into the events of a call."""

from dataclasses import fields
from typing import Any

from repartee.domain.protocol import answers, frames
from repartee_client import events

_EVENTS: dict[type[Any], type[Any]] = {
    frames.Transcript: events.Transcript,
    frames.ReplyAudio: events.ReplyAudio,
    frames.Interrupted: events.Interrupted,
    frames.ToolProgress: events.ToolUsed,
    frames.TurnRestarted: events.TurnRestarted,
    frames.ReplyLost: events.ReplyLost,
    frames.TurnEnd: events.TurnEnded,
    frames.NoSpeech: events.NoSpeech,
    frames.SpeechHeard: events.SpeechHeard,
    frames.LimitReached: events.LimitReached,
    frames.SessionError: events.Problem,
    frames.SessionClosed: events.Closed,
    answers.Ready: events.Ready,
}


def public_event(message: frames.Frame | answers.Answer) -> events.Event | None:
    """Return the event of a message; None for a message that the library handles itself."""
    kind = _EVENTS.get(type(message))
    if kind is None:
        return None
    event: events.Event = kind(**{one.name: getattr(message, one.name) for one in fields(message)})
    return event
