"""Records one lease: the machine's opening, its events and its effects."""

from collections.abc import Sequence

from repartee.domain.session.effects import Effect
from repartee.domain.session.events import Event
from repartee.domain.session.replay.recording import (
    Opening,
    RecordingDetector,
    Step,
    opening_line,
    step_line,
)
from repartee.domain.speech_detection import SpeechDetector
from repartee.ports.sessions import SessionRecorder


class SessionRecording:
    """A recording of one lease.

    Attributes:
        detector: The detector for the machine. It records the edges that it reports.
    """

    def __init__(self, recorder: SessionRecorder, opening: Opening, detector: SpeechDetector):
        self.detector = RecordingDetector(detector)
        self._recorder = recorder
        state = opening.lease.state
        self._name = f"{state.session_id}-{state.epoch:06d}"
        recorder.append(self._name, opening_line(opening))

    def add(self, event: Event, now_ms: int, effects: Sequence[Effect]) -> None:
        """Add one step; it has no effects if the machine failed on the event."""
        step = Step(now_ms, event, effects, self.detector.edges)
        line = step_line(step, with_audio=self._recorder.wants_audio)
        self.detector.edges.clear()
        self._recorder.append(self._name, line)
