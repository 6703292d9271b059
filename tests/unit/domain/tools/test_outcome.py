import pytest

from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.tools.outcome import Outcome, ToolRun, outcome, words_of_changes
from repartee.domain.tools.tool import ToolResult, ToolStatus

pytestmark = pytest.mark.unit

LOOKED, CHANGED = True, False
DONE, REFUSED, FAILED = ToolStatus.DONE, ToolStatus.REFUSED, ToolStatus.FAILED


def _ran(is_read_only: bool, status: ToolStatus, message: str = "", **fields: object) -> ToolRun:
    result = None if status is FAILED else ToolResult(status, message, fields)
    return ToolRun("book_table", is_read_only, result)


@pytest.mark.parametrize(
    ("ran", "ended"),
    [
        ([], Outcome(ToolCallStatus.DONE)),
        ([_ran(LOOKED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([_ran(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([_ran(CHANGED, REFUSED), _ran(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([_ran(LOOKED, FAILED), _ran(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([_ran(CHANGED, REFUSED)], Outcome(ToolCallStatus.REFUSED)),
        ([_ran(CHANGED, REFUSED), _ran(LOOKED, DONE)], Outcome(ToolCallStatus.REFUSED)),
        ([_ran(LOOKED, REFUSED)], Outcome(ToolCallStatus.REFUSED)),
        ([_ran(CHANGED, FAILED)], Outcome(ToolCallStatus.FAILED, retryable=True)),
        ([_ran(LOOKED, FAILED)], Outcome(ToolCallStatus.FAILED, retryable=True)),
        (
            [_ran(CHANGED, REFUSED), _ran(CHANGED, FAILED)],
            Outcome(ToolCallStatus.FAILED, retryable=True),
        ),
    ],
)
def test_tools_that_change_something_decide_the_outcome_of_a_question(ran, ended):
    assert outcome(ran) == ended


BOOKED = _ran(CHANGED, DONE, "Booked.", spoken="Friday at 3 p.m.")


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        ([], ""),
        (
            [_ran(LOOKED, DONE, "Open."), _ran(CHANGED, REFUSED, "Taken."), _ran(CHANGED, FAILED)],
            "",
        ),
        ([BOOKED], "Booked: Friday at 3 p.m."),
        ([BOOKED, BOOKED], "Booked: Friday at 3 p.m."),
        ([_ran(LOOKED, DONE, "Open."), BOOKED], "Booked: Friday at 3 p.m."),
        ([_ran(CHANGED, DONE, "I will remember that.", note="tea")], "I will remember that."),
        ([_ran(CHANGED, DONE)], "Done: book table."),
        ([BOOKED, _ran(CHANGED, REFUSED, "Taken.")], "Booked: Friday at 3 p.m. Ask again."),
        ([_ran(CHANGED, FAILED), BOOKED], "Booked: Friday at 3 p.m. Ask again."),
    ],
)
def test_changes_are_put_into_words_for_a_model_that_has_none(ran: list[ToolRun], words: str):
    assert words_of_changes(ran, otherwise="Ask again.") == words
