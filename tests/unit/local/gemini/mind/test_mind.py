import pytest

from local.gemini.mind.facts import find_appointment, find_name
from local.gemini.mind.known import DeclaredFunction, Known, Line
from local.gemini.mind.languages import say
from local.gemini.mind.mind import not_heard, respond, speak_answer

pytestmark = pytest.mark.unit

CORE = DeclaredFunction(
    "ask_core_agent",
    "Looks up and changes the desk's data.",
    {
        "type": "OBJECT",
        "properties": {"urgent": {"type": "BOOLEAN"}, "question": {"type": "STRING"}},
        "required": ["question"],
    },
)
LANGUAGE = DeclaredFunction(
    "set_preferences",
    "Changes the language.",
    {"properties": {"language": {"type": "STRING", "description": "BCP 47 tag such as en-US."}}},
)
END = DeclaredFunction("end_call", "Ends the call.")
ALL = (CORE, LANGUAGE, END)
FILLER = say("en", "moment")
INSTRUCTION = (
    "You are the voice of a front desk. For appointments call ask_core_agent and say its answer.\n"
    "It is Sunday, 2026-11-22, 17:30 in Europe/London."
)
CALL_BEFORE = (
    Line("user", "hello my name is robert"),
    Line("model", "Hello Robert, how can I help you?"),
    Line("user", "i'd like to see the doctor on friday at three in the afternoon"),
    Line("model", f"{FILLER} Your appointment is booked for Friday the 27th of November at 3 p.m."),
)
QUESTIONS = [
    "can you tell me my name and when my appointment is",
    "do you remember my name and the time of my appointment",
    "what's my name and when is my appointment",
]


@pytest.mark.parametrize("name", ["robert", "david", "linda", "mary"])
def test_a_greeting_with_a_name_is_returned_with_the_name(name):
    reply = respond(Known(INSTRUCTION, ALL), f"hello my name is {name}")
    assert reply.say == f"Hello {name.capitalize()}, how can I help you?"
    assert reply.calls == ()


@pytest.mark.parametrize(
    "wish",
    [
        "i'd like to see the doctor on friday at three in the afternoon",
        "i would like to book an appointment on monday at ten",
        "are there any free slots on tuesday",
        "when are you open on thursday",
        "i want to cancel my appointment",
        "can i move my appointment to wednesday",
    ],
)
def test_a_wish_for_the_desk_calls_the_core_agent_in_the_users_words(wish):
    reply = respond(Known(INSTRUCTION, ALL), wish)
    (call,) = reply.calls
    assert (call.name, call.args) == ("ask_core_agent", {"question": wish})
    assert reply.say == FILLER


def test_without_the_tool_it_says_that_it_cannot():
    reply = respond(Known(INSTRUCTION), "i would like to book an appointment on friday at three")
    assert reply.calls == ()
    assert "cannot" in reply.say


@pytest.mark.parametrize("question", QUESTIONS)
def test_name_and_appointment_are_answered_from_what_was_said_before(question):
    reply = respond(Known(INSTRUCTION, ALL, CALL_BEFORE), question)
    assert reply.calls == ()
    assert reply.say == (
        "Your name is Robert. Your appointment is booked for Friday the 27th of November at 3 p.m."
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_unknown_facts_are_called_unknown_and_never_invented(question):
    reply = respond(Known(INSTRUCTION, ALL), question)
    assert reply.say == "I do not know your name. I do not know of any appointment."
    assert reply.calls == ()


def test_an_appointment_that_is_not_known_is_looked_up_when_only_that_is_asked():
    assert respond(Known(INSTRUCTION, ALL), "when is my appointment").calls[0].name == CORE.name
    known = Known(INSTRUCTION, ALL, CALL_BEFORE)
    assert respond(known, "i'd like to know when my appointment is").calls == ()


def test_facts_in_the_instruction_count_too():
    facts = "Earlier: The user's name is Linda. Her appointment was booked for 2026-11-30 at 10:30."
    reply = respond(Known(f"{INSTRUCTION}\n{facts}", ALL), QUESTIONS[0])
    assert reply.say == ("Your name is Linda. Her appointment was booked for 2026-11-30 at 10:30.")


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([Line("user", "my name is not important")], None),
        ([Line("user", "can you tell me my name")], None),
        ([Line("user", "hi this is mary speaking")], "Mary"),
        ([Line("model", "Hello David, how can I help you?")], "David"),
        ([Line("model", "Hello, how can I help you?")], None),
        ([Line("user", "my name is robert"), Line("user", "sorry my name is albert")], "Albert"),
        ([Line("user", "History\nUser: hello my name is jane\nAssistant: Hello Jane!")], "Jane"),
    ],
)
def test_a_name_is_what_somebody_called_themselves_or_was_called(lines, name):
    assert find_name(Known("", (), lines)) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Done. Your appointment is booked for Friday at 3 p.m.",
            "Your appointment is booked for Friday at 3 p.m.",
        ),
        ("Assistant: It is moved to Tuesday at 10 a.m.", "It is moved to Tuesday at 10 a.m."),
        ("Friday the 5th at 3 p.m. is booked. Thanks.", "Friday the 5th at 3 p.m. is booked."),
        ("You have no appointments.", "You have no appointments."),
        ("I am sorry, Friday at 3 p.m. is already booked by somebody.", None),
        ("Would you like to have it booked for Friday at 3 p.m.?", None),
        ("Your appointment on Friday is cancelled.", "Your appointment on Friday is cancelled."),
    ],
)
def test_an_appointment_is_what_was_confirmed_and_not_what_was_offered(text, found):
    assert find_appointment(Known("", (), [Line("model", text)])) == found


def test_a_wish_of_the_user_is_no_appointment():
    lines = [Line("user", "my appointment is booked for friday at three is it not")]
    assert find_appointment(Known("", (), lines)) is None


def test_the_newest_appointment_counts():
    moved = Line("model", "Your appointment is moved to Monday the 30th of November at 9 a.m.")
    known = Known("", (), [*CALL_BEFORE, moved])
    assert find_appointment(known) == moved.text


def test_an_answer_to_the_desks_question_is_completed_with_the_wish():
    lines = [
        Line("user", "i would like to book an appointment on friday"),
        Line("model", "What time would you like?"),
    ]
    (call,) = respond(Known("", ALL, lines), "at three in the afternoon").calls
    assert call.args["question"] == (
        "i would like to book an appointment on friday; at three in the afternoon"
    )


def test_yes_to_an_offer_books_what_was_offered():
    lines = [
        Line("user", "book an appointment on friday at three"),
        Line("model", "That is taken. Would you like Friday the 27th of November at 4 p.m.?"),
    ]
    (call,) = respond(Known("", ALL, lines), "yes please").calls
    assert "Friday the 27th of November at 4 p.m." in call.args["question"]


def test_goodbye_ends_the_call_if_it_can_and_says_farewell():
    reply = respond(Known("", ALL, CALL_BEFORE), "thank you goodbye")
    assert reply.say == "Goodbye Robert."
    assert [call.name for call in reply.calls] == ["end_call"]
    assert respond(Known(), "bye").calls == ()


@pytest.mark.parametrize(
    ("heard", "tag"), [("please speak spanish", "es-ES"), ("can we talk in hindi", "hi-IN")]
)
def test_the_function_for_another_language_is_called_without_words(heard, tag):
    reply = respond(Known("", ALL), heard)
    (call,) = reply.calls
    assert reply.say == ""
    assert (call.name, call.args) == ("set_preferences", {"language": tag})


def test_a_nudge_in_text_answers_what_was_left_unanswered():
    known = Known("", ALL, [Line("user", "hello my name is robert")])
    reply = respond(known, "Please continue.", spoken=False)
    assert reply.say == "Hello Robert, how can I help you?"


def test_text_that_hands_over_an_answer_is_said_as_it_stands():
    answer = "Your appointment is booked for Friday."
    cue = f"(The user has not heard this answer yet. Say it: {answer})"
    assert respond(Known("", ALL), cue, spoken=False).say == answer


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"status": "done", "answer": "It is booked."}, "It is booked."),
        ({"output": "It is booked."}, "It is booked."),
        ({"output": {"answer": "It is booked."}}, "It is booked."),
        ({"error": "timeout"}, "I am sorry, that did not work."),
    ],
)
def test_a_functions_answer_is_spoken_as_it_is(response, said):
    assert speak_answer(Known(), "ask_core_agent", response) == said


def test_nothing_is_said_after_the_end_of_the_call():
    assert speak_answer(Known(), "end_call", {"status": "done"}) is None


def test_a_machine_that_cannot_hear_asks_the_user_to_type() -> None:
    assert not_heard(Known(INSTRUCTION, ALL), can_hear=False).say.endswith("Please type.")
    assert "type" not in not_heard(Known(INSTRUCTION, ALL)).say
