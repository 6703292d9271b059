"""Whole calls of the front desk in English: both minds of the simulator, and the real tools."""

import pytest

from tests.personas import FRONT_DESK
from tests.simulated_call import SimulatedCall

pytestmark = pytest.mark.unit

WHICH_DAY, WHAT_TIME = "Which day would you like to come?", "What time would you like?"
THURSDAY = "Your appointment is booked for Thursday the 26th of November at 4 p.m."


def replies(*said: str) -> list[str]:
    call = SimulatedCall(FRONT_DESK)
    return [call.say(one) for one in said]


@pytest.mark.parametrize(
    "said",
    [
        ("I would like to book an appointment on Thursday at four.",),
        ("Thursday at 4:00, please book that.",),
        ("Book me in.", "Thursday.", "At four."),
        ("I'd like an appointment, please.", "On Thursday, please.", "4 p.m."),
        ("Can I come on Wednesday?", "No, I mean Thursday.", "At four o'clock."),
        ("I'd like to see the doctor on Thursday.", "At three. No, sorry, at four."),
        ("I need an appointment at four.", "Thursday, thanks."),
        ("What's free on Thursday?", "Four would be fine, book it at 4."),
        ("What's free on Wednesday?", "And on Thursday?", "I'll take 4 p.m."),
        ("Which slots are free on Thursday afternoon?", "Um, at four, please."),
        ("Book an appointment on Sunday at four.", "Thursday, then."),
        ("Book me in for Thursday at 8 p.m.", "At four in the afternoon."),
        ("Book me in.", "The cat sleeps.", "Thursday at four."),
        ("What's free on Thursday?", "OK, 4 then."),
        ("Book me in.", "Um, Thursday.", "I think four would be fine."),
        ("Book me in.", "Which days are you open?", "Book Thursday at 4."),
    ],
)
def test_a_request_is_completed_over_several_turns(said: tuple[str, ...]) -> None:
    assert replies(*said)[-1] == THURSDAY


def test_a_question_that_is_not_answered_is_asked_again() -> None:
    said = replies("Book me in.", "The cat sleeps.", "Hm.")
    assert said[0] == WHICH_DAY
    assert said[1] == said[2] == f"I am sorry, I did not understand that. {WHICH_DAY}"


def test_a_caller_may_change_their_mind() -> None:
    assert replies("Book me in.", "No, thanks.", "At four.")[1:] == [
        "All right.",
        "I am sorry, I did not understand that. I can help you with opening hours, free slots or "
        "appointments.",
    ]
    assert replies("Book me in.", "When are you open on Friday?")[1] == (
        "We are open on Friday the 27th of November from 9 a.m. to 5 p.m."
    )


def test_a_booking_is_moved_recalled_and_cancelled() -> None:
    assert replies(
        "Hello, my name is Robert, I'd like an appointment on Thursday at 4:00.",
        "No wait, I mean Friday.",
        "At ten.",
        "When is my appointment?",
        "I can't make it on Friday, can we do Monday at half past nine instead?",
        "And who am I?",
        "Could you cancel it, please?",
        "What have I booked?",
        "Thank you, good-by.",
    ) == [
        THURSDAY,
        "To which time shall I move it?",
        "Your appointment is moved to Friday the 27th of November at 10 a.m.",
        "Robert, your appointment is moved to Friday the 27th of November at 10 a.m.",
        "Your appointment is moved to Monday the 23rd of November at 9:30 a.m.",
        "Your name is Robert.",
        "Your appointment on Monday the 23rd of November at 9:30 a.m. is cancelled.",
        "You have no appointments.",
        "Goodbye Robert.",
    ]


def test_one_of_several_appointments_is_meant() -> None:
    said = replies(
        "Book me in for Thursday at four.",
        "Book me in for Friday at ten.",
        "Please cancel my appointment.",
        "The one on Friday.",
        "Move my appointment from Thursday at four to Monday.",
        "At ten.",
    )
    assert said[2].endswith("Which one do you mean?")
    assert said[3] == "Your appointment on Friday the 27th of November at 10 a.m. is cancelled."
    assert said[4:] == [
        "To which time shall I move it?",
        "Your appointment is moved to Monday the 23rd of November at 10 a.m.",
    ]


def test_what_the_caller_wants_noted_is_noted_in_their_words() -> None:
    assert replies(
        "Please remember that I don't want to be called before nine, thanks.",
        "What do you know about me?",
        "Forget what I said about calls before nine.",
        "What do you know about me?",
    ) == [
        "I will remember that.",
        "You had me note: I don't want to be called before nine.",
        "I have forgotten that.",
        "I have noted nothing about you.",
    ]


def test_a_denial_asks_for_nothing_and_the_words_beside_it_count() -> None:
    assert replies("I don't want to book, I just want to know when you're open on Tuesday.") == [
        "We are open on Tuesday the 24th of November from 9 a.m. to 5 p.m."
    ]
    assert replies("Don't cancel my appointment.")[0].startswith("I am sorry, I did not")


def test_a_manner_of_speaking_a_voice_and_a_language_are_changed() -> None:
    call = SimulatedCall(FRONT_DESK)
    for said in ("Speak more slowly, please.", "Use another voice.", "Can we speak Spanish?"):
        assert call.say(said) == ""
    assert [sorted(one.args.items())[1:] for one in call.calls] == [
        [("style", "slowly")],
        [("voice", call.calls[1].args["voice"])],
        [("language", "es-ES")],
    ]
