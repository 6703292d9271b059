"""What the parts of a Live connection share with each other, and with all connections."""

from dataclasses import dataclass

from local.gemini.faults import Fault, Faults, Kind, Moment
from local.gemini.live.handles import Handles
from local.gemini.live.outlet import Outlet
from local.gemini.live.personalities import Personality
from local.gemini.live.protocol import Setup
from local.gemini.live.records import Record
from local.gemini.settings import Settings
from local.gemini.speech.ears import Ears
from local.gemini.speech.voice import Voice


@dataclass(frozen=True, slots=True)
class World:
    """The parts of one running simulator."""

    settings: Settings
    ears: Ears
    voice: Voice
    faults: Faults
    handles: Handles


@dataclass(frozen=True, slots=True)
class Connection:
    """One Live connection whose set-up is accepted."""

    id: str
    setup: Setup
    personality: Personality
    outlet: Outlet
    record: Record
    world: World

    def fault(self, kind: Kind, at: Moment | None = None) -> Fault | None:
        """Take the oldest fault that was ordered for here and now, and record that it struck."""
        fault = self.world.faults.take(kind, self.id, at)
        if fault:
            self.record.event("fault", fault=kind)
        return fault
