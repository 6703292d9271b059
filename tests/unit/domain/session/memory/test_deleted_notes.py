"""A note that is deleted elsewhere during a call is not used any further."""

from dataclasses import replace

import pytest

from repartee.domain.protocol.messages import NoteForgotten
from repartee.domain.session.effects import DeleteInput, OpenLive, SendText
from repartee.domain.users.notes import Note
from tests.fakes.clock import NOON_MS
from tests.session_harness import SessionHarness, remembering, started

pytestmark = pytest.mark.unit

TEA, RAIN = Note("1", "Likes tea.", NOON_MS), Note("2", "Hates rain.", NOON_MS)


def noted(*, opens_live: bool = True) -> SessionHarness:
    return started(memory=replace(remembering(), notes=(RAIN, TEA)), opens_live=opens_live)


def notes_given(call: SessionHarness) -> list[list[str]]:
    """Return the notes in the instruction of each Live session."""
    return [
        [note.text for note in (TEA, RAIN) if note.text in one.config.system_instruction]
        for one in call.all(OpenLive)
    ]


def test_the_live_model_continues_without_the_note_in_silence() -> None:
    call = noted()
    posted_before = list(call.posted)

    call.notice(NoteForgotten(TEA.note_id))

    assert notes_given(call) == [[TEA.text, RAIN.text], [RAIN.text]]
    assert DeleteInput((), ("n",)) in call.effects
    assert call.all(SendText) == []
    assert call.posted == posted_before


def test_a_turn_under_way_is_answered_and_remembered_first() -> None:
    call = noted()
    call.utter()
    call.notice(NoteForgotten(TEA.note_id))
    call.reply("With milk?")
    assert len(notes_given(call)) == 1

    call.ack()

    assert notes_given(call)[1:] == [[RAIN.text]]
    assert call.all(OpenLive)[-1].config.history[-1].text.startswith("With milk?")
    call.utter()
    call.reply()
    call.ack()
    assert len(notes_given(call)) == 2
    assert [turn.number for turn in call.turns] == [1, 2]


@pytest.mark.parametrize("when", ["while it opens", "after it was lost"])
def test_no_later_live_session_of_this_worker_gets_the_note(when: str) -> None:
    call = noted(opens_live=when != "while it opens")
    if when == "after it was lost":
        call.utter()
        call.lose_live()
        call.notice(NoteForgotten(TEA.note_id))
    else:
        call.notice(NoteForgotten(TEA.note_id))
        call.open_live()
    call.pass_ms(1_000)
    call.reply()
    call.ack()
    call.pass_ms(1_000)

    assert notes_given(call)[-1] == [RAIN.text]


def test_an_unknown_note_and_one_that_is_forgotten_twice_change_nothing() -> None:
    call = noted()

    call.notice(NoteForgotten("another"))
    assert len(notes_given(call)) == 1
    for _ in range(2):
        call.notice(NoteForgotten(RAIN.note_id))

    assert notes_given(call)[1:] == [[TEA.text]]
