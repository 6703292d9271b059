"""How a question ended, judged by what its tools did and not by what the model says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.tools.tool import ToolStatus


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that ran, and how that ended."""

    is_read_only: bool
    status: ToolStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a question ended.

    Attributes:
        retryable: Whether asking the same again may succeed.
    """

    status: ToolCallStatus
    retryable: bool = False


def outcome(ran: Sequence[ToolRun]) -> Outcome:
    """Judge a question that has an answer.

    What could have changed something counts, and only without that what was looked up. One that
    was done makes it done, because the answer tells the rest. An answer that needed no tool, such
    as a question back, is done as well.
    """
    statuses = {one.status for one in ran if not one.is_read_only} or {one.status for one in ran}
    if not statuses or ToolStatus.DONE in statuses:
        return Outcome(ToolCallStatus.DONE)
    if ToolStatus.FAILED in statuses:
        return Outcome(ToolCallStatus.FAILED, retryable=True)
    return Outcome(ToolCallStatus.REFUSED)
