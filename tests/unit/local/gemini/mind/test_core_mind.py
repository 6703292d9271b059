import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from local.gemini.mind.core_mind import NO_SUCH, Answer, Message, read_now, respond
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
    function("opening_hours", "Opening hours of a day.", ["day"], day={**STRING, "format": "date"}),
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
        ["from_date", "from_time", "to_date", "to_time"],
        from_date=STRING,
        from_time=STRING,
        to_date=STRING,
        to_time=STRING,
    ),
]
# The same desk, declared by somebody else.
OTHER_DESK = [
    function("listMyBookings", "Shows upcoming bookings."),
    function(
        "checkAvailability",
        "Tells which times are free.",
        ["day"],
        day={**STRING, "description": "A date, YYYY-MM-DD."},
    ),
    function(
        "makeReservation",
        "Reserves.",
        ["when", "patient_name"],
        when=STRING,
        patient_name=STRING,
    ),
    function("getHours", "Opening hours.", ["weekday"], weekday=STRING),
]


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
                {"date": "2026-11-27", "time": "15:00", "reason": "see the doctor"},
            ),
        ),
        (
            "book an appointment on tuesday at ten thirty",
            ("book", {"date": "2026-11-24", "time": "10:30"}),
        ),
        ("what is free on monday", ("free_slots", {"date": "2026-11-23"})),
        ("i want to see the doctor on monday", ("free_slots", {"date": "2026-11-23"})),
        ("when are you open on friday", ("opening_hours", {"day": "2026-11-27"})),
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
                    "from_date": "2026-11-27",
                    "from_time": "15:00",
                    "to_date": "2026-11-23",
                    "to_time": "10:00",
                },
            ),
        ),
        ("cancel my appointment", ("my_bookings", {})),
    ],
)
def test_a_request_becomes_the_call_that_fits_it(text, call):
    assert only_call(ask(text)) == call


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (
            "i'd like to see the doctor on friday at three. My name is Robert.",
            ("makeReservation", {"when": "2026-11-27T15:00", "patient_name": "Robert"}),
        ),
        ("which slots are free on monday", ("checkAvailability", {"day": "2026-11-23"})),
        ("when are you open on friday", ("getHours", {"weekday": "friday"})),
        ("do i have any appointments", ("listMyBookings", {})),
    ],
)
def test_functions_are_matched_by_their_words_and_not_by_exact_names(text, call):
    assert only_call(ask(text, desk=OTHER_DESK)) == call


def test_it_asks_for_a_missing_argument():
    assert "day" in ask("i would like to book an appointment").text
    answer = ask("i'd like to see the doctor on friday at three", desk=OTHER_DESK)
    assert answer.text == "May I have your name, please?"


def test_the_answer_to_a_question_back_completes_the_request():
    before = [
        Message("user", "i'd like to see the doctor on friday"),
        Message("model", "What time would you like?"),
    ]
    assert only_call(ask("at three in the afternoon", before=before)) == (
        "book",
        {"date": "2026-11-27", "time": "15:00", "reason": "see the doctor"},
    )


BOOK = ToolCall("book", {"date": "2026-11-27", "time": "15:00"})
FREE = ToolCall("free_slots", {"date": "2026-11-27"})
WISH = "book an appointment on friday at three"


@pytest.mark.parametrize(
    "response",
    [
        {"status": "done", "date": "2026-11-27", "time": "15:00"},
        {"output": json.dumps({"status": "done"})},
        {"output": "2026-11-27 15:00 is booked"},
        {"ok": True, "message": "Booked."},
    ],
)
def test_a_booking_that_worked_is_confirmed_with_day_and_hour(response):
    answer = ask(WISH, (BOOK, response))
    assert answer.text == "Your appointment is booked for Friday the 27th of November at 3 p.m."


def test_a_slot_that_is_gone_brings_the_alternatives_that_the_answer_names():
    response = {"status": "refused", "message": "That slot is taken.", "free": ["14:30", "15:30"]}
    answer = ask(WISH, (BOOK, response))
    assert answer.text == (
        "That slot is taken. I can offer 2:30 p.m. or 3:30 p.m. on Friday the 27th of November. "
        "Which would you like?"
    )


def test_without_alternatives_it_looks_for_the_nearest_free_slots_itself():
    taken = {"status": "taken"}
    assert only_call(ask(WISH, (BOOK, taken))) == ("free_slots", {"date": "2026-11-27"})
    free = {"slots": [{"time": at} for at in ("09:00", "10:00", "14:00", "14:30", "16:00")]}
    answer = ask(WISH, (BOOK, taken), (FREE, free))
    assert "2 p.m., 2:30 p.m. or 4 p.m." in answer.text
    assert "9 a.m." not in answer.text


def test_free_slots_are_read_out_and_a_time_is_asked_for():
    answer = ask(
        "i want to see the doctor on friday in the afternoon",
        (FREE, {"output": json.dumps(["09:00", "14:00", "15:30"])}),
    )
    assert answer.text == (
        "On Friday the 27th of November there is 2 p.m. and 3:30 p.m. What time would you like?"
    )


def test_the_only_appointment_is_the_one_to_cancel():
    mine = (
        ToolCall("my_bookings", {}),
        {"bookings": [{"date": "2026-11-27", "time": "15:00"}]},
    )
    answer = ask("cancel my appointment", mine)
    assert only_call(answer) == ("cancel_booking", {"date": "2026-11-27", "time": "15:00"})
    cancelled = (answer.calls[0], {"status": "done"})
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


def test_work_done_before_the_turn_was_cut_off_is_answered_and_not_repeated():
    instruction = cut_off(CANCEL, "Your appointment on Friday is cancelled.")

    for text in ("please cancel my appointment", "cancel what i have on friday at three"):
        assert ask(text, instruction=instruction) == Answer(
            "Your appointment on Friday is cancelled."
        )


def test_a_begun_call_is_repeated_and_a_second_cancellation_counts_as_the_first():
    instruction = cut_off(CANCEL, None)

    answer = ask("cancel my appointment", instruction=instruction)

    assert answer.calls == (CANCEL_CALL,)
    said = ask("cancel my appointment", (CANCEL_CALL, REFUSED), instruction=instruction)
    assert said.text == "Your appointment on Friday the 27th of November at 3 p.m. is cancelled."


def test_another_wish_than_the_one_before_is_worked_on_as_ever():
    instruction = cut_off(CANCEL, "Your appointment on Friday is cancelled.")

    other_day = ask("cancel my appointment on monday at nine", instruction=instruction)
    assert only_call(other_day) == ("cancel_booking", {"date": "2026-11-23", "time": "09:00"})
    booking = ask("book an appointment on friday at three", instruction=instruction)
    assert only_call(booking)[0] == "book"


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
        "from_date": "2026-11-27",
        "from_time": "15:00",
        "to_date": "2026-11-23",
        "to_time": "10:00",
    }


def test_opening_hours_are_said_as_a_sentence():
    call = ToolCall("opening_hours", {"day": "2026-11-27"})
    answer = ask("when are you open on friday", (call, {"opens": "09:00", "closes": "17:00"}))
    assert answer.text == "We are open on Friday the 27th of November from 9 a.m. to 5 p.m."


def test_it_does_not_talk_about_what_no_function_covers():
    assert ask("what is the weather like").calls == ()
    assert "cannot" in ask("when are you open on friday", desk=[]).text


def test_the_present_is_read_from_the_instruction():
    assert read_now(INSTRUCTION) == datetime.fromisoformat("2026-11-22T17:00")
    assert read_now("It is Sunday, 2026-11-22.") == datetime.fromisoformat("2026-11-22T00:00")
    assert read_now("You are helpful.") is None
