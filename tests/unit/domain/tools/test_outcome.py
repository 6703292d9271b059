import pytest

from repartee.domain.tools.calls import CallStatus
from repartee.domain.tools.outcome import Outcome, Ran, outcome
from repartee.domain.tools.tool import ToolStatus

pytestmark = pytest.mark.unit

LOOKED, CHANGED = True, False
DONE, REFUSED, FAILED = ToolStatus.DONE, ToolStatus.REFUSED, ToolStatus.FAILED


@pytest.mark.parametrize(
    ("ran", "ended"),
    [
        ([], Outcome(CallStatus.DONE)),
        ([Ran(LOOKED, DONE)], Outcome(CallStatus.DONE)),
        ([Ran(CHANGED, DONE)], Outcome(CallStatus.DONE)),
        ([Ran(CHANGED, REFUSED), Ran(CHANGED, DONE)], Outcome(CallStatus.DONE)),
        ([Ran(LOOKED, FAILED), Ran(CHANGED, DONE)], Outcome(CallStatus.DONE)),
        ([Ran(CHANGED, REFUSED)], Outcome(CallStatus.REFUSED)),
        ([Ran(CHANGED, REFUSED), Ran(LOOKED, DONE)], Outcome(CallStatus.REFUSED)),
        ([Ran(LOOKED, REFUSED)], Outcome(CallStatus.REFUSED)),
        ([Ran(CHANGED, FAILED)], Outcome(CallStatus.FAILED, retryable=True)),
        ([Ran(LOOKED, FAILED)], Outcome(CallStatus.FAILED, retryable=True)),
        ([Ran(CHANGED, REFUSED), Ran(CHANGED, FAILED)], Outcome(CallStatus.FAILED, retryable=True)),
    ],
)
def test_what_changes_something_decides_how_a_question_ended(ran, ended):
    assert outcome(ran) == ended
