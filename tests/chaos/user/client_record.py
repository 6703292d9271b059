"""What really went over the client's line, connection by connection."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repartee.domain.protocol.answers import Answer, Busy
from repartee.domain.protocol.frames import Frame, Interrupted, ReplyAudio, TurnEnd, TurnRestarted

# Recordings last 2 to 4 s and are said faster than that; their reply is cut while they are said.
_BARGE_IN_MS = 3_000


@dataclass(frozen=True, slots=True)
class AudioArrival:
    """Audible output that the client took in."""

    at_ms: float
    connection: int
    epoch: int


def _ignore() -> None:
    """Nobody waits for it."""


def _ignore_busy(_retry_after_ms: int) -> None:
    """Nobody waits for it."""


@dataclass(slots=True)
class ClientRecord:
    """An observer of a call.

    Attributes:
        connections: How many were opened so far.
        epoch: The highest worker's epoch that was seen.
        audio: Each arrival of reply audio.
        hellos_at_ms: When each connection's first ``hello`` left, by connection.
        speech_started_at_ms: When the user began each utterance.
        end_seqs: The numbers of the messages that ended an utterance, in order.
        stale_frames_received: Frames of a worker that had a successor already.
        stale_frames_accepted: Those that the client took in all the same.
        losses: How often a connection ended before the session did.
        interrupted_at_ms: When each cut turn was cut.
        ended_at_ms: When the client had the whole of each turn.
        out_of_turn: What was to be heard of a reply after its cut, or before the cut of an earlier
            one.
        on_audio: Called at each arrival of reply audio.
        on_turn_end: Called when the client has the whole of a turn.
        on_busy: Called with the time to wait when the client is told to.
    """

    on_audio: Callable[[], None] = _ignore
    on_turn_end: Callable[[], None] = _ignore
    on_busy: Callable[[int], None] = _ignore_busy
    connections: int = 0
    epoch: int = 0
    audio: list[AudioArrival] = field(default_factory=list)
    hellos_at_ms: dict[int, float] = field(default_factory=dict)
    speech_started_at_ms: list[float] = field(default_factory=list)
    end_seqs: list[int] = field(default_factory=list)
    stale_frames_received: int = 0
    stale_frames_accepted: int = 0
    losses: int = 0
    interrupted_at_ms: dict[int, float] = field(default_factory=dict)
    ended_at_ms: dict[int, float] = field(default_factory=dict)
    out_of_turn: list[str] = field(default_factory=list)
    _cut: set[int] = field(default_factory=set)
    _last_audible: int = 0
    _lines: list[dict[str, Any]] = field(default_factory=list)

    def opened(self, at_ms: float) -> None:
        """Another connection is open."""
        self.connections += 1
        self._note(at_ms, "opened", {})

    def sent(self, at_ms: float, text: str) -> None:
        """A frame leaves."""
        fields = json.loads(text)
        self._note(at_ms, "sent", fields)
        match fields["type"]:
            case "hello":
                self.hellos_at_ms.setdefault(self.connections, at_ms)
            case "speech_start":
                self.speech_started_at_ms.append(at_ms)
            case "speech_end" if fields["seq"] not in self.end_seqs:
                self.end_seqs.append(fields["seq"])
            case _:
                pass

    def received(self, at_ms: float, text: str, taken: Sequence[Frame | Answer]) -> None:
        """A frame came."""
        fields = json.loads(text)
        self._note(at_ms, "received", {**fields, "taken": len(taken)})
        for frame in taken:
            if isinstance(frame, Busy):
                self.on_busy(frame.retry_after_ms)
        epoch = fields.get("epoch")
        if epoch is None:
            return
        if epoch < self.epoch:
            self.stale_frames_received += 1
            self.stale_frames_accepted += bool(taken)
            return
        self.epoch = epoch
        if fields["type"] == "interrupted":
            self.interrupted_at_ms.setdefault(fields["turn"], at_ms)
        for frame in taken:
            self._take(frame, at_ms, epoch)

    def _take(self, frame: Frame | Answer, at_ms: float, epoch: int) -> None:
        match frame:
            case ReplyAudio(turn=turn):
                self.audio.append(AudioArrival(at_ms, self.connections, epoch))
                if turn in self._cut:
                    self.out_of_turn.append(f"audio of turn {turn} after its reply was cut")
                self._last_audible = turn
                self.on_audio()
            case Interrupted(turn=turn):
                if self._last_audible > turn:
                    self.out_of_turn.append(
                        f"audio of turn {self._last_audible} before turn {turn} was cut"
                    )
                self._cut.add(turn)
            case TurnRestarted(turn=turn):
                self._cut.discard(turn)
                self.ended_at_ms.pop(turn, None)
            case TurnEnd(turn=turn):
                self.ended_at_ms.setdefault(turn, at_ms)
                self.on_turn_end()
            case _:
                pass

    def lost(self, at_ms: float) -> None:
        """The connection ended before the session did."""
        self.losses += 1
        self._note(at_ms, "lost", {})

    def barged_in(self) -> frozenset[int]:
        """Turns that were cut shortly after the user began to speak, and not yet over by then."""
        return frozenset(
            turn
            for turn, cut_at_ms in self.interrupted_at_ms.items()
            if any(
                0 <= cut_at_ms - at_ms < _BARGE_IN_MS
                and at_ms < self.ended_at_ms.get(turn, math.inf)
                for at_ms in self.speech_started_at_ms
            )
        )

    def note(self, at_ms: float, what: str) -> None:
        """Add what the campaign did."""
        self._note(at_ms, "chaos", {"what": what})

    def write(self, path: Path) -> None:
        """Leave everything as JSON lines, audio by its length."""
        path.write_text("".join(json.dumps(line) + "\n" for line in self._lines))

    def _note(self, at_ms: float, direction: str, fields: dict[str, Any]) -> None:
        if isinstance(fields.get("data"), str):
            fields = {**fields, "data": len(fields["data"])}
        line = {"at_ms": round(at_ms, 1), "connection": self.connections, "line": direction}
        self._lines.append({**line, **fields})
