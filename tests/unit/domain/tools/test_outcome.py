import pytest

from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.tools.outcome import Outcome, ToolRun, outcome
from repartee.domain.tools.tool import ToolStatus

pytestmark = pytest.mark.unit

LOOKED, CHANGED = True, False
DONE, REFUSED, FAILED = ToolStatus.DONE, ToolStatus.REFUSED, ToolStatus.FAILED


@pytest.mark.parametrize(
    ("ran", "ended"),
    [
        ([], Outcome(ToolCallStatus.DONE)),
        ([ToolRun(LOOKED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([ToolRun(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([ToolRun(CHANGED, REFUSED), ToolRun(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([ToolRun(LOOKED, FAILED), ToolRun(CHANGED, DONE)], Outcome(ToolCallStatus.DONE)),
        ([ToolRun(CHANGED, REFUSED)], Outcome(ToolCallStatus.REFUSED)),
        ([ToolRun(CHANGED, REFUSED), ToolRun(LOOKED, DONE)], Outcome(ToolCallStatus.REFUSED)),
        ([ToolRun(LOOKED, REFUSED)], Outcome(ToolCallStatus.REFUSED)),
        ([ToolRun(CHANGED, FAILED)], Outcome(ToolCallStatus.FAILED, retryable=True)),
        ([ToolRun(LOOKED, FAILED)], Outcome(ToolCallStatus.FAILED, retryable=True)),
        (
            [ToolRun(CHANGED, REFUSED), ToolRun(CHANGED, FAILED)],
            Outcome(ToolCallStatus.FAILED, retryable=True),
        ),
    ],
)
def test_tools_that_change_something_decide_the_outcome_of_a_question(ran, ended):
    assert outcome(ran) == ended
