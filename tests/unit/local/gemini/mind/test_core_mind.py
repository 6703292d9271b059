import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from local.gemini.mind.core_mind import Answer, Message, read_now, respond
from local.gemini.mind.known import DeclaredFunction, ToolCall
from repartee.domain.tools.core_calls import Attempt, BegunTool
from repartee.domain.tools.core_prompt import repeated_turn_note

pytestmark = pytest.mark.unit

INSTRUCTION = (
    "You do the work of a front desk. Today is Sunday 2026-11-22 and the time is 17:00 in the "
    "desk's time zone, Europe/London. The coming days are Monday 2026-11-23, Tuesday 2026-11-24."
)
ELSEWHEN = datetime.fromisoformat("2001-01-01T00:00")
type Json = dict[str, Any]
STRING: Json = {"type": "STRING"}


def function(
    name: str, description: str, required: Sequence[str] = (), **properties: Json
) -> DeclaredFunction:
    schema = {"type": "OBJECT", "properties": properties, "required": list(required)}
    return DeclaredFunction(name, description, schema)


DESK = [
    function("opening_hours", "Opening hours of a day.", ["date"], date=STRING),
    function("free_slots", "Slots that can be booked.", ["date"], date=STRING),
    function(
        "book",
        "Books an appointment for the caller.",
        ["date", "time"],
        date=STRING,
        time=STRING,
        reason=STRING,
    ),
    function("my_bookings", "The caller's own appointments."),
    function("cancel_booking", "Cancels one.", ["date", "time"], date=STRING, time=STRING),
    function(
        "move_booking",
        "Moves one.",
        ["old_date", "old_time", "new_date", "new_time"],
        old_date=STRING,
        old_time=STRING,
        new_date=STRING,
        new_time=STRING,
    ),
]
NO_SUCH = "I find no such appointment of yours."


def ask(
    text: str,
    *steps: tuple[ToolCall, Json],
    desk: Sequence[DeclaredFunction] = DESK,
    before: Sequence[Message] = (),
    instruction: str = INSTRUCTION,
) -> Answer:
    """Ask, with each step a call and its result; return the model's next step."""
    messages = [*before, Message("user", text)]
    for call, response in steps:
        messages.append(Message("model", calls=(call,)))
        messages.append(Message("user", responses=((call.name, response),)))
    return respond(instruction, messages, desk, ELSEWHEN)


def only_call(answer: Answer) -> tuple[str, Json]:
    (call,) = answer.calls
    return call.name, call.args


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (
            "i'd like to see the doctor on friday at three in the afternoon. My name is Robert.",
            (
                "book",
                {"date": "2026-11-27", "time": "15:00", "reason": "See the doctor"},
            ),
        ),
        (
            "book an appointment on tuesday at ten thirty",
            ("book", {"date": "2026-11-24", "time": "10:30"}),
        ),
        ("what is free on monday", ("free_slots", {"date": "2026-11-23"})),
        ("when are you open on friday", ("opening_hours", {"date": "2026-11-27"})),
        ("when is my appointment", ("my_bookings", {})),
        (
            "cancel my appointment on friday at three",
            ("cancel_booking", {"date": "2026-11-27", "time": "15:00"}),
        ),
        (
            "move my appointment from friday at three to monday at ten",
            (
                "move_booking",
                {
                    "old_date": "2026-11-27",
                    "old_time": "15:00",
                    "new_date": "2026-11-23",
                    "new_time": "10:00",
                },
            ),
        ),
        ("cancel my appointment", ("my_bookings", {})),
    ],
)
def test_a_request_becomes_the_call_that_fits_it(text, call):
    assert only_call(ask(text)) == call


def test_it_asks_for_a_missing_argument():
    assert ask("i would like to book an appointment").text == "Which day would you like to come?"
    assert ask("i want to see the doctor on monday").text == "What time would you like?"


def test_the_answer_to_a_question_back_completes_the_request():
    before = [
        Message("user", "i'd like to see the doctor on friday"),
        Message("model", "What time would you like?"),
    ]
    assert only_call(ask("at three in the afternoon", before=before)) == (
        "book",
        {"date": "2026-11-27", "time": "15:00", "reason": "See the doctor"},
    )


BOOK = ToolCall("book", {"date": "2026-11-27", "time": "15:00"})
FREE = ToolCall("free_slots", {"date": "2026-11-27"})
WISH = "book an appointment on friday at three"


SPOKEN = "Friday the 27th of November at 3 p.m."
FREE_TIMES = [{"time": at} for at in ("09:00", "10:00", "14:00", "14:30", "16:00")]


@pytest.mark.parametrize(
    "response",
    [
        {"status": "done", "date": "2026-11-27", "time": "15:00", "spoken": SPOKEN},
        {"status": "done", "date": "2026-11-27", "time": "15:00"},
        {"output": json.dumps({"status": "done"})},
    ],
)
def test_a_booking_that_worked_is_confirmed_with_day_and_hour(response):
    answer = ask(WISH, (BOOK, response))
    assert answer.text == "Your appointment is booked for Friday the 27th of November at 3 p.m."


def test_a_slot_that_is_gone_brings_the_alternatives_that_the_answer_names():
    message = "Somebody else has that time. Offer one or two of the free times."
    response = {"status": "refused", "message": message, "free": FREE_TIMES}
    answer = ask(WISH, (BOOK, response))
    assert answer.text == (
        "Somebody else has that time. "
        "I can offer 9 a.m., 10 a.m., 2 p.m., 2:30 p.m. and 4 p.m. Which would you like?"
    )


def test_of_many_free_times_the_nearest_are_said():
    times = [{"time": f"{hour}:00", "spoken": f"{hour} h"} for hour in range(10, 22)]
    answer = ask(WISH, (BOOK, {"status": "refused", "free": times}))
    assert answer.text == "I am sorry, that time is not free. Which other time would suit you?"
    message = "Somebody else has that time."
    answer = ask(WISH, (BOOK, {"status": "refused", "message": message, "free": times}))
    assert "12 h, 13 h, 14 h, 15 h, 16 h and 17 h" in answer.text


def test_free_slots_are_read_out_and_a_time_is_asked_for():
    day = {"date": "2026-11-27", "spoken": "Friday the 27th of November"}
    answer = ask("what is free on friday", (FREE, {"status": "done", **day, "free": FREE_TIMES}))
    assert answer.text == (
        "On Friday the 27th of November there is 9 a.m., 10 a.m., 2 p.m., 2:30 p.m. and 4 p.m. "
        "What time would you like?"
    )
    none = {"status": "done", "message": "Nothing is free that day. Offer to look at another day."}
    assert ask("what is free on friday", (FREE, {**none, **day, "free": []})).text == (
        "Nothing is free that day. Which other day would suit you?"
    )


def test_the_time_that_follows_the_free_slots_is_booked():
    before = [
        Message("user", "what is free on friday"),
        Message("model", "On Friday there is 2 p.m. and 4 p.m. What time would you like?"),
    ]
    assert only_call(ask("at four", before=before)) == (
        "book",
        {"date": "2026-11-27", "time": "16:00"},
    )


def test_the_only_appointment_is_the_one_to_cancel():
    mine = (
        ToolCall("my_bookings", {}),
        {"bookings": [{"date": "2026-11-27", "time": "15:00"}]},
    )
    answer = ask("cancel my appointment", mine)
    assert only_call(answer) == ("cancel_booking", {"date": "2026-11-27", "time": "15:00"})
    cancelled = (answer.calls[0], {"status": "done", **answer.calls[0].args})
    assert "cancelled" in ask("cancel my appointment", mine, cancelled).text


def test_an_appointment_at_another_time_than_the_named_one_is_not_cancelled():
    mine = (
        ToolCall("my_bookings", {}),
        {"bookings": [{"date": "2026-11-27", "time": "15:00"}]},
    )
    assert ask("cancel my appointment at 10 a.m.", mine).text == NO_SUCH


def test_a_day_is_said_with_its_year_where_the_tool_says_it():
    day = {"date": "2027-12-02", "time": "15:00"}
    mine = {"bookings": [{**day, "spoken": "Thursday the 2nd of December 2027 at 3 p.m."}]}

    answer = ask("when is my appointment", (ToolCall("my_bookings", {}), mine))

    assert answer.text == "Your appointment is on Thursday the 2nd of December 2027 at 3 p.m."


def test_it_asks_which_of_several_appointments_is_meant():
    slots = [{"date": "2026-11-27", "time": "15:00"}, {"date": "2026-11-30", "time": "09:00"}]
    answer = ask("cancel my appointment", (ToolCall("my_bookings", {}), {"bookings": slots}))
    assert answer.text.endswith("Which one do you mean?")
    assert ask("cancel my appointment", (ToolCall("my_bookings", {}), {"bookings": []})).text == (
        "I find no such appointment of yours."
    )


CANCEL = BegunTool("cancel_booking", '{"date":"2026-11-27","time":"15:00"}')
CANCEL_CALL = ToolCall("cancel_booking", {"date": "2026-11-27", "time": "15:00"})
REFUSED = {"status": "refused", "reason": "no_such_booking"}


def cut_off(tool: BegunTool, answer: str | None) -> str:
    """The instruction of a turn that is repeated."""
    return f"{INSTRUCTION}\n\n{repeated_turn_note([Attempt('asked before', (tool,), answer)])}"


def test_a_begun_call_is_repeated_and_a_second_cancellation_counts_as_the_first():
    instruction = cut_off(CANCEL, None)

    answer = ask("cancel my appointment", instruction=instruction)

    assert answer.calls == (CANCEL_CALL,)
    said = ask("cancel my appointment", (CANCEL_CALL, REFUSED), instruction=instruction)
    assert said.text == "Your appointment on Friday the 27th of November at 3 p.m. is cancelled."


def test_the_same_call_finds_out_about_a_booking_begun_before():
    arguments = '{"date":"2026-11-27","time":"15:00","reason":"a; {check}"}'
    instruction = cut_off(BegunTool("book", arguments), None)

    answer = ask("i would like to come in on friday at three", instruction=instruction)

    assert only_call(answer) == ("book", json.loads(arguments))


def test_moving_the_only_appointment_needs_no_old_day():
    mine = (
        ToolCall("my_bookings", {}),
        {"bookings": [{"date": "2026-11-27", "time": "15:00"}]},
    )
    name, args = only_call(ask("move my appointment to monday at ten", mine))
    assert name == "move_booking"
    assert args == {
        "old_date": "2026-11-27",
        "old_time": "15:00",
        "new_date": "2026-11-23",
        "new_time": "10:00",
    }


def test_opening_hours_are_said_as_a_sentence():
    call = ToolCall("opening_hours", {"date": "2026-11-27"})
    day = {"date": "2026-11-27", "spoken": "Friday the 27th of November"}
    opened = {"status": "done", **day, "open": True, "spoken_hours": "from 9 a.m. to 5 p.m."}
    closed = {"status": "done", **day, "open": False}

    assert ask("when are you open on friday", (call, opened)).text == (
        "We are open on Friday the 27th of November from 9 a.m. to 5 p.m."
    )
    assert ask("when are you open on friday", (call, closed)).text == (
        "We are closed on Friday the 27th of November."
    )


def test_it_does_not_talk_about_what_no_function_covers():
    answer = ask("what is the weather like").text
    assert answer.startswith("I am sorry, I did not understand that. I can help you with ")
    assert "cannot" in ask("when are you open on friday", desk=[]).text


def test_the_present_is_read_from_the_instruction():
    assert read_now(INSTRUCTION) == datetime.fromisoformat("2026-11-22T17:00")
    assert read_now("It is Sunday, 2026-11-22.") == datetime.fromisoformat("2026-11-22T00:00")
    assert read_now("You are helpful.") is None
