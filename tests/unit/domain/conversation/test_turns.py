import pytest

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("answer", "said", "is_spoken"),
    [
        ("Booked: Friday at 3 p.m.", "Yes. Booked: Friday at 3 p.m.", True),
        ("Booked: Friday at 3 p.m.", "Sure, booked Friday at 3 pm!", True),
        ("Le cafe\u0301 ouvre.", "Le café ouvre !", True),
        ("金曜日の3時です。", "はい、金曜日の3時です", True),
        ("Booked: Friday at 3 p.m.", "Booked: Friday at", False),
        ("Booked: Friday at 3 p.m.", "", False),
        ("", "", True),
    ],
)
def test_an_answer_is_spoken_where_the_reply_has_its_words(answer: str, said: str, is_spoken: bool):
    call = ToolCall(ToolCallKey(1, 1), "ask_core_agent", "{}", ToolCallStatus.DONE, answer)

    turn = Turn(1, "s1", 0, 1, said=said, tool_calls=(call,))

    assert turn.unspoken_answers == (() if is_spoken else (answer,))
