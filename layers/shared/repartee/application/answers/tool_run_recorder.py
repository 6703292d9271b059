"""Records a question's tool runs: its start if it may change data, and its outcome."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from repartee.domain.tools.core_calls import BegunTool
from repartee.domain.tools.outcome import ToolRun
from repartee.domain.tools.tool import Tool, ToolResult


@dataclass(slots=True)
class ToolRunRecorder:
    """Records the tool runs of one question.

    Attributes:
        note: Stores the start of a tool that may change data; if it raises, the tool does not run.
        ran: The runs in order.
    """

    note: Callable[[BegunTool], None]
    ran: list[ToolRun] = field(default_factory=list)

    def record(self, tools: Iterable[Tool[Any]]) -> tuple[Tool[Any], ...]:
        """Return the tools so that each run is recorded."""
        return tuple(replace(tool, run=self._recorded(tool)) for tool in tools)

    def _recorded(self, tool: Tool[Any]) -> Callable[[Any], ToolResult]:
        def run(arguments: Any) -> ToolResult:
            try:
                if not tool.is_read_only:
                    self.note(BegunTool(tool.name, arguments.model_dump_json()))
                result = tool.run(arguments)
            except Exception:
                self.ran.append(ToolRun(tool.name, tool.is_read_only, None))
                raise
            self.ran.append(ToolRun(tool.name, tool.is_read_only, result))
            return result

        return run
