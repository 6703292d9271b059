"""The inputs of the rules that decide replies, and their tool calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.gemini.mind.tool_files import ToolBook, project_tools


@dataclass(frozen=True, slots=True)
class Line:
    """One text of the context: ``role`` is user, model, tool or instruction."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function to call."""

    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredFunction:
    """A declared function, with the JSON schema of its parameters."""

    name: str
    description: str = ""
    schema: dict[str, Any] | None = None

    @property
    def properties(self) -> dict[str, Any]:
        """The schemas of the parameters by name."""
        return (self.schema or {}).get("properties") or {}


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the connection has received, oldest first, and the taught tools."""

    instruction: str = ""
    functions: Sequence[DeclaredFunction] = ()
    lines: Sequence[Line] = ()
    tools: ToolBook = field(default_factory=project_tools)

    def function(self, name: str) -> DeclaredFunction | None:
        """Return the declared function of a name, None without one."""
        return next((one for one in self.functions if one.name == name), None)
