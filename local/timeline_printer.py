"""Prints the events of a call, one short line each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from repartee_client.events import (
    Closed,
    Interrupted,
    LimitReached,
    NoSpeech,
    Problem,
    Ready,
    Refused,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)
from repartee_client.protocol.frames import Answer, Busy, Frame, Missing, ReconnectSoon


@dataclass(slots=True)
class TimelinePrinter:
    """A listener for a voice call that prints a timeline.

    Attributes:
        started_at_ms: The time that counts as 0.
        write: Receives each line.
    """

    started_at_ms: float
    write: Callable[[str], None] = print
    _audible: set[int] = field(default_factory=set)
    _texts: dict[str, str] = field(default_factory=dict)

    def line(self, at_ms: float, text: str) -> None:
        """Print one line with its time."""
        self.write(f"{(at_ms - self.started_at_ms) / 1_000:7.2f} s  {text}")

    def __call__(self, at_ms: float, event: Frame | Answer) -> None:
        if isinstance(event, Transcript):
            # Pieces are joined and printed when the turn ends or another event is printed.
            self._texts[event.role] = self._texts.get(event.role, "") + event.text
            if event.final:
                self._print_transcripts(at_ms, event.role)
            return
        text = self._describe(event)
        if text is None:
            return
        if not isinstance(event, ReplyAudio):
            self._print_transcripts(at_ms, "model")
        self._print_transcripts(at_ms, "user")
        self.line(at_ms, text)

    def _print_transcripts(self, at_ms: float, role: str) -> None:
        if text := self._texts.pop(role, "").strip():
            self.line(at_ms, f"{'heard ' if role == 'user' else 'says  '} “{text}”")

    def _describe(self, event: Frame | Answer) -> str | None:  # noqa: C901 - one line per event
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
                return f"again   turn {turn} is answered again"
            case ReplyLost(turn=turn, text=text):
                return f"lost    the sound of turn {turn}; it said “{text}”"
            case Missing(first_seq=first, last_seq=last):
                return f"missing messages {first} to {last} are sent again"
            case Busy(retry_after_ms=wait_ms):
                return f"busy    no worker yet; again in {wait_ms} ms"
            case Refused(code=code, message=message) | Problem(code=code, message=message):
                return f"error   {code}: {message}"
            case LimitReached(kind=kind, limit=limit):
                return f"limit   {limit:g} of {kind} a day is used up"
            case ReconnectSoon(within_s=within_s):
                return f"notice  this connection ends within {within_s} s"
            case Closed(reason=reason):
                return f"closed  {reason}"
            case _:
                return None
