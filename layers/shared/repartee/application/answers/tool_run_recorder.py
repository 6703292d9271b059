"""Records a question's tool runs: its start if it may change data, and its outcome."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from repartee.domain.tools.core_calls import BegunTool
from repartee.domain.tools.outcome import ToolRun
from repartee.domain.tools.tool import Tool, ToolResult, ToolStatus
from repartee.domain.tracing.agent_timing import AgentStep, StepKind
from repartee.ports.runtime import Clock


@dataclass(slots=True)
class ToolRunRecorder:
    """Records the tool runs of one question.

    Attributes:
        clock: Reads the time.
        note: Stores the start of a tool that may change data; if it raises, the tool does not run.
        ran: The runs in order.
        steps: The time of each run, and of each model call that is added, by their ends.
    """

    clock: Clock
    note: Callable[[BegunTool], None]
    ran: list[ToolRun] = field(default_factory=list)
    steps: list[AgentStep] = field(default_factory=list)

    def record(self, tools: Iterable[Tool[Any]]) -> tuple[Tool[Any], ...]:
        """Return the tools so that each run is recorded."""
        return tuple(replace(tool, run=self._recorded(tool)) for tool in tools)

    def _recorded(self, tool: Tool[Any]) -> Callable[[Any], ToolResult]:
        def run(arguments: Any) -> ToolResult:
            started_ms, result, error_type = self.clock.now_ms(), None, ""
            try:
                if not tool.is_read_only:
                    self.note(BegunTool(tool.name, arguments.model_dump_json()))
                result = tool.run(arguments)
                error_type = "failed" if result.status is ToolStatus.FAILED else ""
            except Exception as error:
                error_type = type(error).__name__
                raise
            finally:
                self.ran.append(ToolRun(tool.name, tool.is_read_only, result))
                ended_ms = self.clock.now_ms()
                self.steps.append(
                    AgentStep(StepKind.TOOL, tool.name, started_ms, ended_ms, error_type=error_type)
                )
            return result

        return run
