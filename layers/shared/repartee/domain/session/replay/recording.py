"""Records a session's machine, one step per line, and replays recordings.

The first line, the opening, has all arguments of the machine. So a replay can run the events
through a new machine and find the first difference. Each step includes the edges that the speech
detector reported, so that turns begin and end at the same steps without the audio.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAliasType, get_args

from repartee.domain.audio import is_audible
from repartee.domain.conversation.conversation import Memory
from repartee.domain.live.live_persona import LivePersona
from repartee.domain.session.effects import (
    ClientEffect,
    Effect,
    ModelEffect,
    OtherEffect,
    TableEffect,
)
from repartee.domain.session.events import Event
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.replay.codec import (
    Json,
    audio_description,
    decode,
    digest,
    encode,
    placeholder_audio,
    whole,
)
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.speech_detection import SpeechDetector, SpeechEdge

VERSION = 1
# This replaces the hash of a piece of audio that was left out, because it cannot be known.
UNKNOWN = "unknown"
DIGEST_BYTES = 32  # of SHA-256


def _classes(kind: Any) -> list[str]:
    """Return the names of the classes that a type alias stands for."""
    if isinstance(kind, TypeAliasType):
        kind = kind.__value__
    members = get_args(kind)
    return [name for one in members for name in _classes(one)] if members else [kind.__name__]


_LANES = (TableEffect, ModelEffect, ClientEffect, OtherEffect)
_LANE_OF = {name: place for place, lane in enumerate(_LANES) for name in _classes(lane)}


class RecordingUnreadable(Exception):
    """Raised when a line does not belong to a recording.

    Attributes:
        line: The number of the line, from 1.
    """

    def __init__(self, line: int, reason: str):
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Opening:
    """The arguments that a machine is built from."""

    lease: Lease
    memory: Memory
    settings: SessionSettings
    unix_offset_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """One event and its effects.

    Attributes:
        now_ms: The time that the machine received with the event.
        edges: The detector's result for each chunk that the machine passed to it.
    """

    now_ms: int
    event: Event
    effects: Sequence[Effect]
    edges: Sequence[SpeechEdge | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the effects of a replay differ from the recorded ones.

    Attributes:
        line: The line of the recording, from 1.
        event: The event, as recorded.
        place: The place in the effects, such as ``effects[0].frame.seq``.
        recorded: The recorded part at this place.
        replayed: The part in the replay.
    """

    line: int
    event: Json
    place: str
    recorded: str
    replayed: str


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One step of a recording and its replay.

    Attributes:
        line: The line of the recording, from 1.
        event: The event, as recorded.
        recorded: The recorded effects.
        replayed: The effects in the replay, in the same form.
    """

    line: int
    event: Json
    recorded: list[Json]
    replayed: list[Json]


class RecordingDetector:
    """Records the results of another detector.

    Attributes:
        edges: The results since the list was last cleared.
    """

    def __init__(self, detector: SpeechDetector):
        self._detector = detector
        self.edges: list[SpeechEdge | None] = []

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Pass the next chunk on; return the other detector's result."""
        edge = self._detector.hear(pcm)
        self.edges.append(edge)
        return edge

    def forget(self) -> None:
        """Reset the other detector."""
        self._detector.forget()


class ScriptedDetector:
    """Returns recorded results and ignores the audio.

    Attributes:
        edges: The results to return; afterwards it returns None.
    """

    def __init__(self) -> None:
        self.edges: deque[SpeechEdge | None] = deque()

    def script(self, edges: Iterable[SpeechEdge | None]) -> None:
        """Replace the results to return."""
        self.edges = deque(edges)

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Return the next recorded result."""
        return self.edges.popleft() if self.edges else None

    def forget(self) -> None:
        """Do nothing: the results are recorded."""


def opening_line(opening: Opening) -> str:
    """Return a recording's first line."""
    return _line({"version": VERSION, "opening": _fields(opening)})


def step_line(step: Step, *, with_audio: bool) -> str:
    """Return a recording's line for one step.

    Audio in effects is written as a hash, because it is only compared.
    """
    data: dict[str, Json] = {
        "now_ms": step.now_ms,
        "event": encode(step.event, whole if with_audio else digest),
        "effects": [encode(effect, digest) for effect in step.effects],
    }
    if step.edges:
        data["edges"] = encode(tuple(step.edges), digest)
    return _line(data)


def replay(lines: Iterable[str], persona: LivePersona) -> tuple[int, Difference | None]:
    """Run a recording's events through a new machine.

    Args:
        lines: The recording.
        persona: Used for recordings of version 0.1.0, which name no persona.

    Returns:
        The number of steps, and the first difference, None without one.

    Raises:
        RecordingUnreadable: A line does not belong to a recording of this version.
    """
    steps = 0
    for step in replay_steps(lines, persona):
        steps += 1
        if found := first_difference(step.recorded, step.replayed, "effects"):
            return steps, Difference(step.line, step.event, *found)
    return steps, None


def replay_steps(lines: Iterable[str], persona: LivePersona) -> Iterator[ReplayedStep]:
    """Run a recording's events through a new machine; yield each step.

    Args:
        lines: The recording.
        persona: Used for recordings of version 0.1.0, which name no persona.

    Raises:
        RecordingUnreadable: A line does not belong to a recording of this version.
    """
    return _Replay(persona).run(lines)


class _Replay:
    def __init__(self, persona: LivePersona) -> None:
        self._persona = encode(persona, digest)
        self._detector = ScriptedDetector()
        # Hashes of omitted audio, by the hashes of its placeholders.
        self._left_out: dict[str, str] = {}

    def run(self, lines: Iterable[str]) -> Iterator[ReplayedStep]:
        machine: SessionMachine | None = None
        for number, line in enumerate(lines, 1):
            try:
                data = json.loads(line)
                if machine is None:
                    machine = self._open(data)
                    continue
                event = decode(data["event"], self._stand_in)
                self._detector.script(decode(data.get("edges", [])))
                now_ms, recorded = int(data["now_ms"]), _in_lane_order(data["effects"])
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RecordingUnreadable(number, f"{type(error).__name__}: {error}") from error
            try:
                work = machine.handle(event, now_ms)
            except Exception as error:
                error.add_note(f"The machine failed on line {number} of the recording.")
                raise
            replayed = [encode(effect, self._digest) for effect in work.in_lane_order]
            yield ReplayedStep(number, data["event"], recorded, replayed)
        if machine is None:
            raise RecordingUnreadable(1, "the recording is empty")

    def _open(self, data: dict[str, Json]) -> SessionMachine:
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}; this is for version {VERSION}")
        opening = _opening(data["opening"], self._persona)
        return SessionMachine(
            opening.lease,
            opening.memory,
            opening.settings,
            self._detector,
            unix_offset_ms=opening.unix_offset_ms,
        )

    def _stand_in(self, length_bytes: int, sha256: str, is_quiet: bool) -> bytes:
        pcm = placeholder_audio(length_bytes, sha256, is_quiet)
        # Audio that is shorter than a hash may stand in for more than one.
        self._left_out[_sha256(pcm)] = sha256 if length_bytes >= DIGEST_BYTES else UNKNOWN
        return pcm

    def _digest(self, pcm: bytes) -> Json:
        found = _sha256(pcm)
        # The hash of a piece of omitted audio cannot be known.
        sha256 = self._left_out.get(found, UNKNOWN if self._left_out else found)
        return audio_description(len(pcm), sha256, is_quiet=not is_audible(pcm))


def _fields(opening: Opening) -> Json:
    return {
        "lease": encode(opening.lease, digest),
        "memory": encode(opening.memory, digest),
        "settings": encode(opening.settings, digest),
        "unix_offset_ms": opening.unix_offset_ms,
    }


def _opening(data: Json, persona: Json) -> Opening:
    if not isinstance(data, dict):
        raise TypeError("the opening is not an object")
    if isinstance(settings := data.get("settings"), dict):
        settings.setdefault("persona", persona)
    return Opening(**{name: decode(each) for name, each in data.items()})


def _in_lane_order(effects: list[Any]) -> list[Any]:
    """Sort effects by lane, as ``Work`` has them; early recordings mix the lanes."""
    return sorted(effects, key=lambda effect: _LANE_OF.get(effect.get("class"), 0))


def _line(data: dict[str, Json]) -> str:
    return json.dumps(data, separators=(",", ":"))


def _sha256(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()


def first_difference(recorded: Json, replayed: Json, place: str) -> tuple[str, str, str] | None:
    """Return the first place where two values differ and the two parts there, None without one."""
    if isinstance(recorded, list) and isinstance(replayed, list):
        both = enumerate(zip_longest(recorded, replayed))
        return _first_of((f"{place}[{index}]", *pair) for index, pair in both)
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        if recorded.get("class") == replayed.get("class") is not None:
            return _first_of(
                (f"{place}.{name}", recorded.get(name), replayed.get(name))
                for name in recorded | replayed
            )
        if replayed.get("sha256") == UNKNOWN and recorded.get("bytes") == replayed["bytes"]:
            return None
    if recorded == replayed:
        return None
    return place, _shown(recorded), _shown(replayed)


def _first_of(pairs: Iterable[tuple[str, Json, Json]]) -> tuple[str, str, str] | None:
    found = (first_difference(one, other, place) for place, one, other in pairs)
    return next((each for each in found if each is not None), None)


def _shown(data: Json) -> str:
    return "nothing" if data is None else json.dumps(data, ensure_ascii=False)
