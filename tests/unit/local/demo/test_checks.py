"""Each of the demo's checks fails when its subject is wrong."""

from datetime import date, time

import pytest

from local.demo.checks import (
    Check,
    check_arrival,
    check_bookings,
    check_name,
    check_replies,
    check_speech,
    check_time,
    says_time,
)
from repartee.domain.front_desk.bookings import Booking, Slot

pytestmark = pytest.mark.unit

FRIDAY_AT_THREE = Slot(date(2026, 11, 27), time(15))
BOOKING = Booking("U", FRIDAY_AT_THREE, "", 0)


@pytest.mark.parametrize(
    "said",
    [
        "It is on Friday the 27th of November at 3 p.m.",
        "friday at three in the afternoon",
        "Freitag, no: Friday, 15:00",
    ],
)
def test_a_time_may_be_said_in_several_ways(said: str):
    assert says_time(said, FRIDAY_AT_THREE)


@pytest.mark.parametrize(
    "said",
    [
        "It is on Friday the 27th of November at 4 p.m.",
        "It is on Thursday at 3 p.m.",
        "It is on Friday the 3rd of November at 4 p.m.",
        "It is on Friday the 13th.",
        "I do not know of any appointment.",
        "",
    ],
)
def test_another_time_is_not_taken_for_the_booked_one(said: str):
    assert not says_time(said, FRIDAY_AT_THREE)


def test_half_hours_must_be_said():
    half_past = Slot(date(2026, 11, 27), time(9, 30))
    assert says_time("Friday at 9:30", half_past)
    assert says_time("Friday at half past nine", half_past)
    assert not says_time("Friday at nine", half_past)


def test_noon_counts_as_twelve():
    assert says_time("Friday at noon", Slot(date(2026, 11, 27), time(12)))


def test_any_words_show_that_speech_was_found():
    assert check_speech({"1-a": "on sure she had four", "2-b": "Hi."}).passed is True
    silent = check_speech({"1-a": "Hi.", "2-b": ""})
    assert (silent.passed, silent.found) == (False, "none in 2-b")


@pytest.mark.parametrize(
    ("heard", "said", "passed"),
    [
        (("My name is Robert.", "My name?"), ("Hello Robert.", "Your name is Robert."), True),
        (("My name is Robert.", "My name?"), ("Hello Robert.", "Your name is Roberta."), False),
        (("Good morning.", "My name?"), ("Hello.", "Your name is Robert."), False),
        (("Three o'clock.", "I am Robert.", "And?"), ("Yes.", "Hi.", "You are Robert."), True),
        (("Three o'clock.", "I am Robert."), ("Yes.", "Hello Robert."), False),
        (("I am Rob.", "Sorry, I am Robert.", "And?"), ("Hi.", "Hi.", "You are Rob."), False),
        (("I am Robert.", "And?", "Thanks."), ("Hi.", "You are Robert.", "Bye."), True),
    ],
)
def test_the_name_must_come_back_after_the_user_gave_it(
    heard: tuple[str, ...], said: tuple[str, ...], passed: bool
):
    assert check_name(heard, said, recalled_from=1).passed is passed


def test_an_answer_before_the_recall_does_not_count():
    heard, said = ("I am Robert.", "Friday at 3.", "And?"), ("Hi.", "Yes, Robert.", "No.")
    assert check_name(heard, said, recalled_from=2).passed is False


def test_the_booked_time_must_come_back():
    assert check_time([BOOKING], ["on Friday at 3 p.m.", "Bye."]).passed is True
    assert check_time([BOOKING], ["on Monday at 3 p.m.", "Friday."]).passed is False
    assert check_time([], ["on Friday at 3 p.m."]).passed is False


def test_exactly_one_booking_is_wanted():
    assert check_bookings([BOOKING]).passed is True
    assert check_bookings([]).passed is False
    assert check_bookings([BOOKING, BOOKING]).passed is False


@pytest.mark.parametrize(
    ("received", "emitted"),
    [
        ([b"ab", b"cd"], [b"cd", b"ab"]),
        ([b"ab"], [b"ab", b"cd"]),
        ([b"ab"], [b"abcd"]),
        ([b"abcd"], [b"ab"]),
        ([b"ax"], [b"ab"]),
        ([b""], [b""]),
    ],
)
def test_replies_must_be_the_emitted_ones_byte_by_byte(received: list[bytes], emitted: list[bytes]):
    assert check_replies(received, emitted).passed is False


def test_equal_replies_pass():
    assert check_replies([b"ab", b"cd"], [b"ab", b"cd"]).passed is True


def test_a_recording_arrives_whole_or_is_named():
    recordings = {"1-greeting": b"abcd", "2-booking": b"efgh"}
    whole = check_arrival(recordings, [b"..abcd..", b"efgh"])
    assert (whole.passed, whole.found) == (True, "0 ms, 8 bytes of 1-greeting, 2-booking")
    cut = check_arrival(recordings, [b"..abcd..", b"ef", b"gh"])
    assert (cut.passed, cut.found) == (False, "incomplete: 2-booking")
    assert check_arrival({}, (), skipped="why") == Check(whole.name, None, "why")
