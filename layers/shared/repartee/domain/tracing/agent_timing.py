"""How long core_agent took for a question, and for each model call and tool run in it."""

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """A kind of step."""

    MODEL = "model"
    TOOL = "tool"
    OTHER = "other"

    @classmethod
    def _missing_(cls, _value: object) -> "StepKind":
        """Return ``OTHER`` for a kind that only a later version knows."""
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class AgentStep:
    """One model call, or one run of a tool.

    Attributes:
        name: The model or the tool.
        started_ms: Unix time in ms.
        ended_ms: Unix time in ms.
        tokens_in: Tokens that a model call read.
        tokens_out: Tokens that it wrote.
        error_type: The type of the failure; "" if the step did not fail.
    """

    kind: StepKind
    name: str
    started_ms: int
    ended_ms: int
    tokens_in: int = 0
    tokens_out: int = 0
    error_type: str = ""


@dataclass(frozen=True, slots=True)
class AgentTiming:
    """The time of a question at core_agent.

    Attributes:
        started_ms: Unix time in ms.
        ended_ms: Unix time in ms.
        steps: The steps in the order in which they ended.
    """

    started_ms: int
    ended_ms: int
    steps: tuple[AgentStep, ...] = ()
