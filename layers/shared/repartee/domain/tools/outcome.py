"""Determines the outcome of a question from its tools' results, not from the model's words.

If the model fails after its tools have changed something, the results are the only words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.tools.tool import ToolResult, ToolStatus


@dataclass(frozen=True, slots=True)
class ToolRun:
    """The run of one tool.

    Attributes:
        result: The result; None if the tool could not be run.
    """

    name: str
    is_read_only: bool
    result: ToolResult | None

    @property
    def status(self) -> ToolStatus:
        """Return the outcome of the run."""
        return ToolStatus.FAILED if self.result is None else self.result.status


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a question.

    Attributes:
        retryable: Whether the same question may succeed later.
    """

    status: ToolCallStatus
    retryable: bool = False


def outcome(ran: Sequence[ToolRun]) -> Outcome:
    """Return the outcome of a question that has an answer.

    Tools that may change something decide; read-only tools decide only if no other tool ran. One
    success is enough for ``DONE``, because the answer describes the rest. An answer without any
    tool, such as a question to the user, is ``DONE`` too.
    """
    statuses = {one.status for one in ran if not one.is_read_only} or {one.status for one in ran}
    if not statuses or ToolStatus.DONE in statuses:
        return Outcome(ToolCallStatus.DONE)
    if ToolStatus.FAILED in statuses:
        return Outcome(ToolCallStatus.FAILED, retryable=True)
    return Outcome(ToolCallStatus.REFUSED)


def words_of_changes(ran: Sequence[ToolRun], *, otherwise: str) -> str:
    """Return in words what the tools have changed, or "" if they have changed nothing.

    Args:
        ran: The runs.
        otherwise: What to say of the tools that were to change something and did not.
    """
    changing = [one for one in ran if not one.is_read_only]
    words = {
        _in_words(one.name, one.result): None
        for one in changing
        if one.result and one.status is ToolStatus.DONE
    }
    if words and any(one.status is not ToolStatus.DONE for one in changing):
        words[otherwise] = None
    return " ".join(words)


def _in_words(name: str, result: ToolResult) -> str:
    message = result.message or f"Done: {name.replace('_', ' ')}."
    spoken = result.fields.get("spoken")
    if not isinstance(spoken, str):
        return message
    return f"{message.rstrip('.')}: {spoken.rstrip('.')}."
