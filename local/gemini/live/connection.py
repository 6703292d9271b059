"""The objects that the parts of a Live connection share."""

from dataclasses import dataclass

from local.gemini.faults import Fault, Faults, GeminiFaultKind, GeminiFaultMoment
from local.gemini.live.frame_sender import FrameSender
from local.gemini.live.model_rules import ModelRules
from local.gemini.live.protocol import Setup
from local.gemini.live.records import ConnectionRecorder
from local.gemini.mind.tool_files import ToolBook
from local.gemini.settings import SimulatorSettings
from local.gemini.speech.ears import Ears
from local.gemini.speech.voice import Voice


@dataclass(frozen=True, slots=True)
class SimulatorParts:
    """The parts of a running simulator that all connections share."""

    settings: SimulatorSettings
    ears: Ears
    voice: Voice
    faults: Faults
    tools: ToolBook


@dataclass(frozen=True, slots=True)
class Connection:
    """One Live connection whose set-up is accepted."""

    id: str
    setup: Setup
    rules: ModelRules
    sender: FrameSender
    record: ConnectionRecorder
    simulator: SimulatorParts

    def fault(self, kind: GeminiFaultKind, at: GeminiFaultMoment | None = None) -> Fault | None:
        """Consume the oldest fault that is ordered for this connection and moment; record it."""
        fault = self.simulator.faults.take(kind, self.id, at)
        if fault:
            self.record.event("fault", fault=kind)
        return fault
