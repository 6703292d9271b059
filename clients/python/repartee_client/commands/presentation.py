"""Shows the events of a call: as lines of text with their times, or as JSON."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from repartee_client.events import (
    Closed,
    Event,
    Interrupted,
    LimitReached,
    NoSpeech,
    Problem,
    Ready,
    Reconnected,
    Reconnecting,
    Refused,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)

Show = Callable[[Event], None]


def show_json(event: Event) -> None:
    """Print an event as a JSON object on one line; audio is shown as its length."""
    print(json_text(as_json(event)), flush=True)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON that standard output can encode."""
    is_utf8 = "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    return json.dumps(value, ensure_ascii=not is_utf8, indent=indent)


def as_json(event: Event) -> Mapping[str, Any]:
    """Return the fields of an event with its kind in snake case, such as ``turn_ended``."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()
    shown: dict[str, Any] = {"event": kind}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, bytes):
            shown["bytes"] = len(value)
        else:
            shown[field.name] = value
    return shown


def used_up(reached: LimitReached) -> str:
    """Return in words which daily limit is used up."""
    if reached.kind == "service":
        return "the service has used up its own limit of today"
    return f"{reached.limit:g} of {reached.kind} a day is used up"


def warn(text: str) -> None:
    """Print a line to standard error."""
    print(text, file=sys.stderr, flush=True)


class Timeline:
    """Prints a line with its time for each event, and joins the pieces of transcripts."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._audible: set[int] = set()
        self._texts: dict[str, str] = {}

    def line(self, text: str) -> None:
        """Print one line."""
        print(f"{self._loop.time() - self._started_s:7.2f} s  {text}", flush=True)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Transcript):
            self._texts[event.role] = self._texts.get(event.role, "") + event.text
            if event.final:
                self._print_transcript(event.role)
            return
        text = self._describe(event)
        if text is None:
            return
        if not isinstance(event, ReplyAudio):
            self._print_transcript("model")
        self._print_transcript("user")
        self.line(text)

    def _print_transcript(self, role: str) -> None:
        if text := self._texts.pop(role, "").strip():
            self.line(f"{'heard ' if role == 'user' else 'says  '} “{text}”")

    def _describe(self, event: Event) -> str | None:  # noqa: C901 - one line per event
        match event:
            case Ready(session_id=session, conversation_id=conversation):
                return f"ready   session {session}, conversation {conversation}"
            case ReplyAudio(turn=turn):
                if turn in self._audible:
                    return None
                self._audible.add(turn)
                return f"audio   the reply of turn {turn} begins"
            case ToolUsed(name=name, phase=phase):
                return f"tool    {name} {phase}"
            case TurnEnded():
                return (
                    f"end     turn {event.turn}: {event.tokens_in:,} tokens in, "
                    f"{event.tokens_out:,} out, {event.cost_usd:.5f} USD"
                )
            case NoSpeech():
                return "silent  no speech was heard"
            case Interrupted(turn=turn):
                return f"cut     turn {turn} was interrupted"
            case TurnRestarted(turn=turn):
                self._audible.discard(turn)
                self._texts.pop("model", None)
                return f"again   turn {turn} is answered again"
            case ReplyLost(turn=turn, text=text):
                return f"lost    the sound of turn {turn}; it said “{text}”"
            case Problem(code=code, message=message) | Refused(code=code, message=message):
                return f"error   {code}: {message}"
            case LimitReached():
                return f"limit   {used_up(event)}"
            case Reconnecting(reason=reason):
                return f"line    lost ({reason}); another one is opened"
            case Reconnected():
                return "line    back"
            case Closed(reason=reason):
                return f"closed  {reason}"
            case _:
                return None
