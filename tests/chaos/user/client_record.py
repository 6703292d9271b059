"""Records the frames and connections of a client."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repartee_client.events import Interrupted, ReplyAudio, TurnEnded, TurnRestarted
from repartee_client.protocol.frames import Answer, Busy, Frame

# Recordings last 2 to 4 s and are sent faster; a barge-in interrupts the reply within this time.
_BARGE_IN_MS = 3_000
# A worker that died is replaced within this time.
_STOP_MS = 20_000


@dataclass(frozen=True, slots=True)
class AudioArrival:
    """Reply audio that the client accepted."""

    at_ms: float
    connection: int
    epoch: int


def _ignore() -> None:
    """Do nothing."""


def _ignore_busy(_retry_after_ms: int) -> None:
    """Do nothing."""


@dataclass(slots=True)
class ClientRecord:
    """A ``ConnectionObserver`` that records a call.

    Attributes:
        connections: The number of opened connections.
        epoch: The highest epoch of a worker.
        audio: Each arrival of reply audio.
        hellos_at_ms: When the first ``hello`` of each connection was sent, by connection.
        speech_started_at_ms: When the user began each utterance.
        stopped_at_ms: When the user stopped a reply.
        end_seqs: The numbers of the ``speech_end`` messages, in order.
        stale_frames_received: Frames of replaced workers.
        stale_frames_accepted: Frames of replaced workers that the client accepted.
        losses: How often a connection ended before the session.
        interrupted_at_ms: When each interrupted turn was interrupted.
        ended_at_ms: When each turn ended.
        out_of_turn: Audio of a reply after its interruption, or before the interruption of an
            earlier reply.
        on_audio: Called at each arrival of reply audio.
        on_turn_end: Called at the end of each turn.
        on_busy: Called with the wait that the server requests.
    """

    on_audio: Callable[[], None] = _ignore
    on_turn_end: Callable[[], None] = _ignore
    on_busy: Callable[[int], None] = _ignore_busy
    connections: int = 0
    epoch: int = 0
    audio: list[AudioArrival] = field(default_factory=list)
    hellos_at_ms: dict[int, float] = field(default_factory=dict)
    speech_started_at_ms: list[float] = field(default_factory=list)
    stopped_at_ms: list[float] = field(default_factory=list)
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
        """Record a new connection."""
        self.connections += 1
        self._note(at_ms, "opened", {})

    def sent(self, at_ms: float, text: str) -> None:
        """Record a sent frame."""
        fields = json.loads(text)
        self._note(at_ms, "sent", fields)
        match fields["type"]:
            case "hello":
                self.hellos_at_ms.setdefault(self.connections, at_ms)
            case "speech_start":
                self.speech_started_at_ms.append(at_ms)
            case "stop":
                self.stopped_at_ms.append(at_ms)
            case "speech_end" if fields["seq"] not in self.end_seqs:
                self.end_seqs.append(fields["seq"])
            case _:
                pass

    def received(self, at_ms: float, text: str, taken: Sequence[Frame | Answer]) -> None:
        """Record a received frame."""
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
                # A stop that arrives late also cuts replies that have ended at the worker.
                if self._last_audible > turn and not self.stopped_at_ms:
                    self.out_of_turn.append(
                        f"audio of turn {self._last_audible} before turn {turn} was cut"
                    )
                self._cut.add(turn)
            case TurnRestarted(turn=turn):
                self._cut = {other for other in self._cut if other < turn}
                for other in [other for other in self.ended_at_ms if other >= turn]:
                    del self.ended_at_ms[other]
            case TurnEnded(turn=turn):
                self.ended_at_ms.setdefault(turn, at_ms)
                self.on_turn_end()
            case _:
                pass

    def lost(self, at_ms: float) -> None:
        """Record a connection that ended before the session."""
        self.losses += 1
        self._note(at_ms, "lost", {})

    def barged_in(self) -> frozenset[int]:
        """Return the unfinished turns that were interrupted soon after the user began to speak."""
        return frozenset(
            turn
            for turn, cut_at_ms in self.interrupted_at_ms.items()
            if any(
                0 <= cut_at_ms - at_ms < _BARGE_IN_MS
                and at_ms < self.ended_at_ms.get(turn, math.inf)
                for at_ms in self.speech_started_at_ms
            )
        )

    def stopped(self) -> frozenset[int]:
        """Return the turns that were interrupted after the user stopped a reply."""
        first_ms = min(self.stopped_at_ms, default=math.inf)
        cut = self.interrupted_at_ms.items()
        return frozenset(turn for turn, at_ms in cut if 0 <= at_ms - first_ms < _STOP_MS)

    def note(self, at_ms: float, what: str) -> None:
        """Record an action of the campaign."""
        self._note(at_ms, "chaos", {"what": what})

    def write(self, path: Path) -> None:
        """Write the record as JSON lines, with the length of audio instead of its data."""
        path.write_text("".join(json.dumps(line) + "\n" for line in self._lines))

    def _note(self, at_ms: float, direction: str, fields: dict[str, Any]) -> None:
        if isinstance(fields.get("data"), str):
            fields = {**fields, "data": len(fields["data"])}
        line = {"at_ms": round(at_ms, 1), "connection": self.connections, "line": direction}
        self._lines.append({**line, **fields})
