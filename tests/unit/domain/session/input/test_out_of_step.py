"""Clients that are out of step with their session."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.live.model import LiveInterrupted
from repartee.domain.protocol.frames import Accepted, Missing, SessionError
from repartee.domain.protocol.messages import (
    MAX_IN_FLIGHT,
    Acknowledged,
    Audio,
    Bye,
    Hello,
    HelloReceived,
    Message,
    Numbered,
    OutputPosition,
    SpeechStart,
    Text,
)
from repartee.domain.protocol.recent_input import MAX_DIGESTS_KEPT, NumberUse
from repartee.domain.session.effects import DeleteInput, PostFrame, SetConnection
from repartee.domain.session.input.order import (
    FORGET_AFTER_MS,
    GIVE_UP_AFTER_MS,
    MAX_WAITING_CHARACTERS,
    InputOrder,
)
from repartee.domain.session.state import Connected
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import EPOCH, SETTINGS, STATE, SessionHarness, of_kind, speaks, started

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "received",
    [OutputPosition(EPOCH, 900), OutputPosition(EPOCH + 1, 1), OutputPosition(EPOCH + 96, 900)],
    ids=["never sent", "the next epoch", "a far epoch"],
)
def test_an_ack_of_what_was_never_sent_is_ignored_and_makes_room_for_the_true_one(
    received: OutputPosition,
) -> None:
    call = started()
    call.utter()
    call.reply()

    effects = call.notice(Acknowledged(received, 1, 900), "ack/x")

    assert DeleteInput((), ("ack/x",)) in effects
    assert call.turns == []
    call.ack()
    assert len(call.turns) == 1


def test_an_ack_of_an_earlier_epoch_stays_and_commits_nothing() -> None:
    call = started()
    call.utter()
    call.reply()

    effects = call.notice(Acknowledged(OutputPosition(EPOCH - 1, 900), 1, 900), "ack/x")

    assert of_kind(effects, DeleteInput) == []
    assert call.turns == []


@pytest.mark.parametrize(
    ("turn", "played_ms"), [(1, 86_400_000), (1, 1_002), (2, 900), (999_999_999, 900)]
)
def test_more_played_than_was_sent_counts_for_nothing(turn: int, played_ms: int) -> None:
    call = started()
    call.utter()
    call.live(*speaks("one two three four five six"))
    call.ack(turn=1, played_ms=500)

    call.ack(turn=turn, played_ms=played_ms)
    call.live(LiveInterrupted())
    call.reply("Go on.")
    call.ack()

    assert call.turns[0].said.startswith("one two")
    assert "five" not in call.turns[0].said


def connected(at_ms: int, received: int | None = None) -> Hello:
    position = None if received is None else OutputPosition(EPOCH, received)
    return Hello(position, connected_at_ms=at_ms)


def test_the_newest_connection_is_current_with_any_hello_number() -> None:
    call = started()
    call.send(connected(5), seq=30, connection="B")
    call.send(connected(9), seq=3, connection="C")
    call.notice(HelloReceived(connected(8), "D"))
    call.send(connected(7), seq=40, connection="E")

    assert [one.connection_id for one in call.all(SetConnection)] == ["B", "C"]


def test_a_hello_without_a_number_counts_once_and_gets_what_its_client_lacks() -> None:
    call = started()
    call.utter()
    call.reply()
    before = len(call.posted)

    call.notice(HelloReceived(connected(9, received=2), "B"))
    call.notice(HelloReceived(connected(9, received=2), "B"))

    assert [one.seq for one in call.posted[before:]] == list(range(3, before + 1))
    assert call.all(PostFrame)[-1].connection_id == "B"


def test_a_device_without_marks_is_heard_when_its_hello_has_no_number() -> None:
    call = started()
    call.utter()
    call.reply()
    call.ack()

    call.notice(HelloReceived(connected(9), "B"))
    call.send(Audio(SPEECH), Audio(SPEECH), Audio(SILENCE), Audio(SILENCE), connection="B")
    call.reply("I hear you.")
    call.ack()

    assert call.replies == ["Good morning.", "I hear you."]


def test_a_connection_of_the_worker_before_is_known_by_its_place() -> None:
    state = replace(STATE, connection_id="B", newest_hello=Connected(5, "B"))
    call = SessionHarness(state=state)
    call.start()

    call.send(connected(4), seq=30, connection="A")

    assert call.all(SetConnection) == []


def test_texts_are_accepted_only_as_far_as_answers_keep_up() -> None:
    call = started()
    call.read(*(call.numbered(Text(f"text {number}")) for number in range(200)))

    assert call.frames(Accepted)[-1].through == 1 + MAX_IN_FLIGHT
    assert call.machine.read_after == 201
    assert call.frames(Missing) == []

    call.reply()
    call.pass_ms(SETTINGS.grace_ms)
    assert call.frames(Accepted)[-1].through > 1 + MAX_IN_FLIGHT


def test_long_texts_are_accepted_by_their_length_and_one_alone_always() -> None:
    call = started()
    call.send(*[Text("x" * 4_000)] * 6)

    assert call.frames(Accepted)[-1].through == 1 + MAX_WAITING_CHARACTERS // 4_000


def test_speech_is_accepted_however_much_of_it_is_not_settled() -> None:
    call = started()
    call.send(SpeechStart(), *[Audio(SPEECH)] * 300)

    assert call.machine.taken_through == 302


def test_text_whose_number_was_skipped_for_good_is_refused_once() -> None:
    call = started()
    call.send(Text("later"), seq=4)
    call.pass_ms(GIVE_UP_AFTER_MS + FORGET_AFTER_MS)
    late = call.numbered(Text("too late"), seq=2)
    call.read()

    call.read(late)
    call.read(late)

    (error,) = call.frames(SessionError)
    assert (error.code, error.refused_seq, error.next_seq) == ("seq_taken", 2, 5)
    assert call.all(DeleteInput) == [DeleteInput((2,), ())]
    call.read(call.numbered(Audio(SPEECH), seq=3))
    assert len(call.frames(SessionError)) == 1


def test_a_number_too_far_ahead_is_refused_once_until_it_comes_again() -> None:
    call = started()
    far = call.numbered(Text("far"), seq=900_000)

    for _ in range(3):
        call.read(far)
    assert len(call.frames(SessionError)) == 1

    call.read()
    call.read(far)
    assert len(call.frames(SessionError)) == 2


@given(st.lists(st.sampled_from("thasy_"), min_size=1, max_size=90), st.integers(0, 90))
def test_a_number_behind_the_cursor_is_compared_with_its_message(kinds: list[str], at: int) -> None:
    made: dict[str, Message] = {
        "t": Text("a"),
        "h": Hello(),
        "a": Audio(b"ab"),
        "s": SpeechStart(),
        "y": Bye(),
    }
    order = InputOrder(0)
    for seq, kind in enumerate(kinds, 1):
        if kind in made:
            order.add(Numbered(seq, made[kind], "A", 0), 0)
    for now_ms in (0, GIVE_UP_AFTER_MS):
        order.give_up(now_ms)
        order.take(now_ms)
        order.forget(order.through)
    through = order.through
    recent = order.input_taken_at(through).recent
    later = InputOrder(through, order.input_taken_at(through)).input_taken_at(through).recent

    assert later == recent
    assert recent.first == max(1, through - MAX_DIGESTS_KEPT + 1)
    seq = min(max(at, 1), max(through, 1))
    if not recent.first <= seq <= through:
        assert recent.use_of(seq, Bye()) is NumberUse.FORGOTTEN
        return
    for kind, message in made.items():
        is_same = kinds[seq - 1] == kind or (kinds[seq - 1] == "_" and kind == "a")
        expected = NumberUse.REPEATED if is_same else NumberUse.ANOTHER
        assert recent.use_of(seq, message) is expected


def test_a_deployment_says_how_many_texts_wait_for_their_answers():
    call = started(settings=replace(SETTINGS, max_in_flight=5))

    call.read(*(call.numbered(Text(f"Question {number}?")) for number in range(8)))

    # The hello is the first message.
    assert call.frames(Accepted)[-1].through == 1 + 5
