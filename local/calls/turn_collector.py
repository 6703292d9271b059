"""Collects the events of a call by turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from repartee_client.events import (
    Interrupted,
    NoSpeech,
    Problem,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)
from repartee_client.protocol.frames import Answer, Frame


@dataclass(frozen=True, slots=True)
class ToolStep:
    """The start or the end of a tool call."""

    name: str
    phase: str
    at_ms: float


@dataclass(slots=True)
class TurnRecord:
    """One turn as the client received it.

    Attributes:
        number: The turn's number in the conversation.
        pcm: The reply audio (PCM16 little-endian mono, 24 kHz), played or not.
        heard: The user's transcript.
        said: The reply's transcript.
        first_audio_at_ms: When the first reply audio arrived.
        end: The turn's last frame; None while the turn is open.
        is_lost: The reply's audio was lost, and only its text arrived.
        restarts: How often the server restarted the turn.
        is_given_up: The server reported that there is no answer.
    """

    number: int
    pcm: bytearray = field(default_factory=bytearray)
    heard: str = ""
    said: str = ""
    tools: list[ToolStep] = field(default_factory=list)
    first_audio_at_ms: float | None = None
    end: TurnEnded | None = None
    ended_at_ms: float | None = None
    is_interrupted: bool = False
    is_lost: bool = False
    restarts: int = 0
    is_given_up: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the turn has ended; ``turn_end`` may be missing for a lost reply."""
        return self.end is not None or self.is_lost

    @property
    def has_no_input(self) -> bool:
        """Whether the turn is a spoken reply without input, such as the agent's greeting."""
        has_end = self.end is not None and self.end.first_audio_ms is None
        return has_end and bool(self.pcm) and not (self.heard or self.is_given_up)


class TurnCollector:
    """Collects the turns of one session.

    Attributes:
        turns: The turns by number.
        timeline: Every event with its time of arrival.
        is_settled: The latest turn ended while no tool call was open. A tool call that outlives
            its turn is answered in another turn.
        no_speech_count: The number of utterances in which the server heard no speech.
    """

    def __init__(self) -> None:
        self.is_settled = False
        self.no_speech_count = 0
        self.turns: dict[int, TurnRecord] = {}
        self.timeline: list[tuple[float, Frame | Answer]] = []
        self._open_tools: dict[str, int] = {}

    @property
    def open_tools(self) -> int:
        """The number of tool calls that have started and not ended."""
        return sum(self._open_tools.values())

    def take(self, events: Iterable[Frame | Answer], at_ms: float) -> None:
        """Add the events that arrived at ``at_ms``."""
        for event in events:
            self.timeline.append((at_ms, event))
            match event:
                case (
                    ReplyAudio()
                    | Transcript()
                    | Interrupted()
                    | ToolUsed()
                    | TurnRestarted()
                    | ReplyLost()
                    | TurnEnded()
                ):
                    self._add(event, at_ms)
                case NoSpeech():
                    self.no_speech_count += 1
                case Problem(code="no_answer"):
                    for turn in self.turns.values():
                        turn.is_given_up |= not turn.is_over
                case _:
                    pass

    def _add(
        self,
        frame: ReplyAudio
        | Transcript
        | Interrupted
        | ToolUsed
        | TurnRestarted
        | ReplyLost
        | TurnEnded,
        at_ms: float,
    ) -> None:
        turn = self.turns.setdefault(frame.turn, TurnRecord(frame.turn))
        match frame:
            case ReplyAudio(pcm=pcm):
                turn.pcm += pcm
                if turn.first_audio_at_ms is None:
                    turn.first_audio_at_ms = at_ms
            case Transcript(role="user", text=text):
                turn.heard += text
            case Transcript(text=text):
                turn.said += text
            case Interrupted():
                turn.is_interrupted = True
            case ToolUsed(name=name, phase=phase):
                turn.tools.append(ToolStep(name, phase, at_ms))
                self.is_settled = False
                change = 1 if phase == "started" else -1
                self._open_tools[name] = max(0, self._open_tools.get(name, 0) + change)
            case TurnRestarted():
                # Turns that another worker answered after this one are answered again too.
                self.turns = {other: one for other, one in self.turns.items() if other < frame.turn}
                self.turns[frame.turn] = TurnRecord(frame.turn, restarts=turn.restarts + 1)
                self._open_tools.clear()
            case ReplyLost(text=text):
                turn.said, turn.is_lost = text, True
            case TurnEnded():
                turn.end, turn.ended_at_ms = frame, at_ms
                self.is_settled = not self.open_tools
