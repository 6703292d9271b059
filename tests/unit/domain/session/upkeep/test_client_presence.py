"""A worker answers a client that has left for a short time only."""

from dataclasses import replace

import pytest

from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Detached,
    Hello,
    Message,
    Notified,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session.effects import FinishReason, SendText
from repartee.domain.session.events import MailboxRead, Started
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import SETTINGS, START_MS, STATE, SessionHarness, started

pytestmark = pytest.mark.unit


def find(call: SessionHarness, *messages: Message, notices: tuple[Notified, ...] = ()) -> None:
    """Let the worker start and find messages that came before it could listen."""
    unread = tuple(call.numbered(message) for message in messages)
    call.now_ms += 10
    call.feed(Started(unread=MailboxRead((*unread, *notices))))


def flooded(texts: int, *after: Message, **fields: object) -> SessionHarness:
    """A worker that finds texts of a client that has left."""
    call = SessionHarness(**fields)  # type: ignore[arg-type]
    find(call, Hello(), *_questions(texts), *after, notices=(Notified("n", Detached("A")),))
    return call


def _questions(count: int) -> list[Message]:
    return [Text(f"Question {number}?") for number in range(1, count + 1)]


def answer_all(call: SessionHarness) -> int:
    """Answer each text that the model is given, a second after the one before."""
    answered = 0
    while len(given := call.all(SendText)) > answered and call.finish() is None:
        answered = len(given)
        call.pass_ms(1_000)
        call.reply(f"Answer {answered}.")
    return answered


def test_a_client_that_left_is_answered_no_more_than_the_bound():
    call = flooded(30)

    assert answer_all(call) == SETTINGS.turns_without_listener
    call.wait_for_end()
    assert call.finish() is FinishReason.IDLE
    assert call.now_ms <= START_MS + SETTINGS.grace_ms + 10
    assert [turn.heard for turn in call.turns] == [f"Question {n}?" for n in range(1, 4)]
    # The rest stays in the mailbox for the client's return.
    assert call.machine.cursor == 4


def test_no_turn_begins_for_a_client_that_is_gone_for_too_long():
    settings = replace(SETTINGS, turns_without_listener=100, grace_ms=20_000)
    call = flooded(60, settings=settings)

    assert answer_all(call) == settings.grace_ms // 1_000
    assert call.finish() is FinishReason.IDLE


def test_a_reply_that_lasts_longer_than_the_client_is_waited_for_is_remembered():
    call = flooded(2, settings=replace(SETTINGS, grace_ms=5_000))
    call.pass_ms(6_000)
    call.reply("Answer 1.")

    call.wait_for_end()

    assert call.finish() is FinishReason.IDLE
    assert call.replies == ["Answer 1."]


def test_a_client_that_comes_back_is_answered_the_rest():
    call = flooded(8)
    answer_all(call)

    call.send(Hello(), connection="B")

    answer_all(call)
    call.ack()
    assert [turn.heard for turn in call.turns] == [f"Question {n}?" for n in range(1, 9)]


def test_the_bound_begins_again_with_each_line_that_drops():
    call = flooded(3 * 3)
    answer_all(call)
    call.send(Hello(), connection="B")

    call.notice(Detached("B"))

    # The model got one text while the client was there.
    assert answer_all(call) == 2 * SETTINGS.turns_without_listener + 1


def test_speech_that_had_begun_is_given_to_its_end():
    settings = replace(SETTINGS, turns_without_listener=0)
    call = started(settings=settings)
    call.send(SpeechStart(), Audio(SPEECH))
    call.notice(Detached("A"))

    call.send(Audio(SPEECH), SpeechEnd(), Text("And another thing."))
    call.reply()
    call.wait_for_end()

    assert call.finish() is FinishReason.IDLE
    assert not call.all(SendText)
    assert len(call.turns) == 1


def test_a_goodbye_behind_waiting_input_ends_the_session():
    call = flooded(8, Bye())

    answer_all(call)
    call.wait_for_end()

    assert call.finish() is FinishReason.ENDED
    heard = " ".join(turn.heard for turn in call.turns)
    assert [f"Question {n}?" in heard for n in range(1, 9)] == [True] * 8


def test_a_worker_that_finds_no_client_waits_no_longer_than_for_one_that_left():
    settings = replace(SETTINGS, linger_ms=99_000)
    call = SessionHarness(state=replace(STATE, connection_id=None), settings=settings)
    find(call, *_questions(8))

    assert answer_all(call) == SETTINGS.turns_without_listener
    call.wait_for_end()

    assert call.finish() is FinishReason.IDLE
    assert call.now_ms <= START_MS + SETTINGS.grace_ms + 10
