"""Determines the outcome of a question from its tools' results, not from the model's words."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.tools.tool import ToolStatus


@dataclass(frozen=True, slots=True)
class ToolRun:
    """The result of one tool."""

    is_read_only: bool
    status: ToolStatus


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
