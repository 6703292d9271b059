"""The simulator's note taker: chooses sentences, and adds none."""

from datetime import datetime

import pytest

from local.gemini.mind import notes
from local.gemini.mind.core_mind import Message, respond
from local.gemini.mind.facts import find_appointment, find_name
from local.gemini.mind.known import Known
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import (
    SUMMARY_INSTRUCTION,
    WANTED_CHARACTERS,
    summary_material,
)

pytestmark = pytest.mark.unit


def turn(number: int, heard: str = "", said: str = "") -> Turn:
    return Turn(number, "s", 0, 0, heard=heard, said=said)


TURNS = [
    turn(1, "hello my name is robert", "Hello Robert, how can I help you?"),
    turn(2, "i'd like to see the doctor on friday", "One moment, please. At what time?"),
    turn(3, "at three", "Your appointment is booked for Friday the 27th of November at 3 p.m."),
    turn(4, "thank you", "You are welcome."),
]


def test_name_and_booking_are_kept_and_small_talk_is_not():
    taken = notes.take_notes(summary_material("", TURNS))

    assert taken.startswith("The caller's name is Robert.")
    assert "booked for Friday the 27th of November at 3 p.m." in taken
    assert "like to see the doctor" in taken
    assert "welcome" not in taken
    assert find_name(Known(taken)) == "Robert"
    assert find_appointment(Known(taken)) == TURNS[2].said


def test_notes_continue_earlier_notes_and_hold_a_name_once():
    first = notes.take_notes(summary_material("", TURNS))
    second = notes.take_notes(summary_material(first, [turn(5, "i prefer mornings", "All right.")]))

    assert second.count("Robert") == first.count("Robert")
    assert "prefer mornings" in second
    assert "booked for Friday" in second


def test_notes_are_bounded_and_the_most_telling_ones_stay():
    chatter = [turn(number, f"i like story number {number} " * 4) for number in range(10, 60)]

    taken = notes.take_notes(summary_material("", [*TURNS, *chatter]))

    assert len(taken) <= notes.MAX_NOTES_CHARACTERS <= WANTED_CHARACTERS
    assert "booked for Friday" in taken
    assert "Robert" in taken


def test_every_sentence_was_said():
    taken = notes.take_notes(summary_material("", TURNS[1:]))
    material = summary_material("", TURNS)

    for sentence in taken.removesuffix('"').split(". "):
        assert sentence.rpartition('"')[2].rstrip('."') in material


def test_the_chat_model_takes_notes_where_the_instruction_asks_for_them():
    asked = Message("user", summary_material("", TURNS))

    answer = respond(SUMMARY_INSTRUCTION, [asked], (), datetime(2026, 11, 20))  # noqa: DTZ001 - local time

    assert answer.text == notes.take_notes(asked.text)
    assert not notes.is_asked("You do the work of a front desk.")


def test_a_conversation_without_a_noteworthy_word_has_no_notes():
    assert notes.take_notes(summary_material("", [turn(1, "hi", "Hello.")])) == (
        "Nothing worth noting was said."
    )
