"""The client's protocol state machine, with simulated time."""

import json
from collections.abc import Collection
from dataclasses import asdict

import pytest

from repartee.adapters.wire.encoding import encode
from repartee.adapters.wire.parsing import parse_client_message
from repartee.domain.protocol.answers import AcceptedBefore, Busy, Pong, Ready, Rejected
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    Interrupted,
    Missing,
    NoSpeech,
    NumberedFrame,
    ReplyAudio,
    ReplyLost,
    SessionClosed,
    SessionError,
    ToolProgress,
    TurnEnd,
    TurnRestarted,
)
from repartee_client.errors import BadServerMessageError
from repartee_client.events import Closed, Refused
from repartee_client.protocol import frames
from repartee_client.protocol.decoding import decode_server_message
from repartee_client.protocol.session import ClientSession

pytestmark = pytest.mark.unit

CHUNK = bytes(6_400)
SECOND_OF_REPLY = bytes(48_000)


def owned(*bodies: Frame) -> list[object]:
    """Return the frames as the client knows them."""
    decoded = [decode_server_message(frame(1, body)) for body in bodies]
    return [one.frame for one in decoded if isinstance(one, frames.NumberedFrame)]


def frame(seq: int, body: Frame, *, epoch: int = 1) -> str:
    return encode(NumberedFrame(epoch, seq, body))


def ready(max_in_flight: int = 25) -> str:
    return encode(Ready("S", "C", chunk_ms=200, grace_s=30, max_in_flight=max_in_flight))


def turn_end(turn: int = 1) -> TurnEnd:
    return TurnEnd(turn, 100, 50, 0.001, 300, 0)


def said(texts: list[str]) -> list[tuple[str, int | None]]:
    """Return the type and number of each message, which the server's parser must accept."""
    models = [parse_client_message(text) for text in texts]
    return [(model.type, getattr(model, "seq", None)) for model in models]


def open_session(max_in_flight: int = 25, features: Collection[str] = ()) -> ClientSession:
    session = ClientSession(features)
    session.connected(0)
    assert said(session.outgoing(0)) == [("hello", 1)]
    session.receive(ready(max_in_flight), 0)
    return session


def greeting_end(turn: int) -> TurnEnd:
    return TurnEnd(turn, 100, 50, 0.001, None, 0)


def test_the_greeting_does_not_answer_a_text_that_was_accepted_before_it():
    session = open_session()
    session.text("When do you open?", 0)
    session.outgoing(0)
    greeting: list[Frame] = [Accepted(2), ReplyAudio(1, CHUNK), greeting_end(1)]
    for seq, body in enumerate(greeting, start=1):
        session.receive(frame(seq, body), 100)
    assert session.is_waiting_for_answer

    session.receive(frame(4, ReplyAudio(2, CHUNK)), 200)
    session.receive(frame(5, turn_end(2)), 200)

    assert not session.is_waiting_for_answer


@pytest.mark.parametrize(
    "before", [TurnRestarted(1), SessionError("no_answer", "Please say it again.", retryable=True)]
)
def test_a_turn_that_was_restarted_or_given_up_is_no_greeting(before: Frame):
    session = open_session()
    session.text("When do you open?", 0)
    session.outgoing(0)
    bodies: list[Frame] = [Accepted(2), ReplyAudio(1, CHUNK), before, greeting_end(1)]
    for seq, body in enumerate(bodies, start=1):
        session.receive(frame(seq, body), 100)

    assert not session.is_waiting_for_answer


def test_the_repetition_of_a_lost_reply_is_no_greeting():
    session = open_session()
    session.text("When do you open?", 0)
    session.outgoing(0)
    bodies: list[Frame] = [
        Accepted(2),
        ReplyAudio(1, CHUNK),
        TurnRestarted(1),
        ReplyLost(1, "At nine."),
        ReplyAudio(2, CHUNK),
        greeting_end(2),
    ]
    for seq, body in enumerate(bodies, start=1):
        session.receive(frame(seq, body), 100)

    assert not session.is_waiting_for_answer


def test_the_spoken_result_of_a_tool_call_answers_a_text_without_being_a_greeting():
    session = open_session()
    session.text("When do you open?", 0)
    session.outgoing(0)
    bodies: list[Frame] = [
        Accepted(2),
        ToolProgress(1, "ask_core_agent", "started"),
        TurnEnd(1, 100, 50, 0.001, None, 0),
        ToolProgress(1, "ask_core_agent", "done"),
        ReplyAudio(2, CHUNK),
        greeting_end(2),
    ]
    for seq, body in enumerate(bodies, start=1):
        session.receive(frame(seq, body), 100)

    assert not session.is_waiting_for_answer


def test_only_hello_is_sent_before_ready():
    session = ClientSession()
    session.connected(0)
    session.speech_start()
    session.audio(CHUNK)
    assert said(session.outgoing(0)) == [("hello", 1)]
    assert session.outgoing(2_000) == []

    session.receive(ready(), 2_000)

    assert said(session.outgoing(2_000)) == [("speech_start", 2), ("audio", 3)]


def test_speech_marks_are_announced_only_to_a_server_with_that_feature():
    old, new = ClientSession(), ClientSession({"marks_speech", "another"})
    for session in (old, new):
        session.connected(0)
    (plain,), (marking,) = old.outgoing(0), new.outgoing(0)
    # An older server refuses the field with any value.
    assert "marks_speech" not in plain
    assert json.loads(marking)["marks_speech"] is True


def test_features_are_listed_only_to_a_server_that_lists_them():
    old, new = ClientSession(), ClientSession({"speech_heard", "another", "stop"})
    for session in (old, new):
        session.connected(0)
    (plain,), (listing,) = old.outgoing(0), new.outgoing(0)
    assert "features" not in plain
    assert json.loads(listing)["features"] == ["stop", "speech_heard"]


def test_a_stop_silences_the_playing_reply_and_reports_what_was_played():
    session = open_session(features={"stop"})
    session.receive(frame(1, ReplyAudio(1, bytes(48_000))), 100)

    session.stop(600)
    session.receive(frame(2, ReplyAudio(1, bytes(48_000))), 700)

    texts = [json.loads(text) for text in session.outgoing(700)]
    assert texts[0] == {"type": "stop", "seq": 2}
    assert (texts[1]["turn"], texts[1]["played_ms"]) == (1, 500)
    assert session.playback.is_silent(700)


def test_a_stop_is_local_where_the_server_does_not_know_it():
    session = open_session()
    session.receive(frame(1, ReplyAudio(1, bytes(48_000))), 100)

    session.stop(600)

    assert [json.loads(text)["type"] for text in session.outgoing(600)] == ["ack"]


def test_a_stop_before_any_reply_has_nothing_to_acknowledge():
    session = open_session(features={"stop"})
    session.stop(600)
    assert said(session.outgoing(600)) == [("stop", 2)]


def test_hello_is_sent_again_until_it_is_answered():
    session = ClientSession()
    session.connected(0)
    hello = session.outgoing(0)
    assert session.next_deadline_ms() == 3_000
    assert session.outgoing(2_999) == []
    # The worker may have the hello although the answer was lost.
    session.receive(frame(1, Accepted(through=1)), 2_999)
    assert session.outgoing(3_000) == hello
    assert session.outgoing(6_000) == hello

    session.receive(ready(), 6_100)

    assert said(session.outgoing(9_100)) == [("ack", None)]


def test_no_more_than_the_servers_limit_is_in_flight():
    session = open_session(max_in_flight=3)
    for _ in range(5):
        session.audio(CHUNK)
    assert said(session.outgoing(0)) == [("audio", 2), ("audio", 3)]

    session.receive(frame(1, Accepted(through=2)), 10)

    assert said(session.outgoing(10)) == [("audio", 4), ("audio", 5)]
    assert session.outbox.in_flight == 3


def test_missing_messages_are_sent_again_exactly():
    session = open_session()
    for _ in range(4):
        session.audio(CHUNK)
    originals = session.outgoing(0)
    session.receive(frame(1, Accepted(through=2)), 10)

    session.receive(frame(2, Missing(first_seq=2, last_seq=4)), 20)

    assert session.outgoing(20) == originals[1:3], "2 was accepted, 5 was not asked for"


def test_a_message_that_the_worker_gave_up_before_it_was_sent_is_sent_anyway():
    session = open_session(max_in_flight=2)
    session.audio(CHUNK)
    session.text("Hello?", 0)
    session.audio(CHUNK)
    session.audio(CHUNK)
    assert said(session.outgoing(10)) == [("audio", 2)]
    session.receive(frame(1, Accepted(4)), 20)

    assert said(session.outgoing(30)) == [("text", 3), ("audio", 4)]
    assert said(session.outgoing(40)) == [("audio", 5)]


def test_a_hello_that_was_never_sent_is_sent_later_because_its_number_is_expected():
    session = ClientSession()
    session.connected(0)
    session.connected(10)
    assert said(session.outgoing(10)) == [("hello", 2)]

    session.receive(ready(), 20)

    assert said(session.outgoing(20)) == [("hello", 1)]


def test_missing_messages_are_sent_even_if_ready_was_lost():
    session = open_session()
    session.outgoing(0)
    session.receive(frame(1, Accepted(through=1)), 50)
    session.connected(100)
    session.speech_start()
    assert [kind for kind, _ in said(session.outgoing(100))] == ["hello"]

    session.receive(frame(2, Missing(first_seq=3, last_seq=3)), 200)

    assert said(session.outgoing(200))[-1] == ("speech_start", 3)


def test_a_message_that_was_not_stored_is_sent_again_after_the_wait():
    session = open_session()
    session.audio(CHUNK)
    original = session.outgoing(0)
    session.receive(encode(Busy(retry_after_ms=700, seq=2)), 100)
    assert session.outgoing(799) == []
    assert session.next_deadline_ms() == 800

    assert session.outgoing(800) == original


def test_busy_without_a_number_causes_no_resend():
    session = open_session()
    session.audio(CHUNK)
    session.outgoing(0)
    assert session.receive(encode(Busy(retry_after_ms=100)), 50) == [frames.Busy(100)]
    assert session.outgoing(500) == []


def test_frames_come_out_in_order_and_once_each():
    session = open_session()
    first, second, third = (Accepted(1), SessionError("a", "b", True), turn_end())

    assert session.receive(frame(2, second), 10) == []
    assert session.receive(frame(1, first), 20) == owned(first, second)
    assert session.receive(frame(2, second), 30) == []
    assert session.receive(frame(3, third), 40) == owned(third)


def test_a_newer_worker_silences_an_older_one():
    session = open_session()
    session.receive(frame(1, Accepted(1), epoch=1), 10)
    session.receive(frame(3, turn_end(), epoch=1), 15)

    assert session.receive(frame(1, Accepted(1), epoch=2), 20) == owned(Accepted(1))
    assert session.receive(frame(2, SessionError("a", "b", True), epoch=1), 30) == []
    assert session.receive(frame(2, turn_end(2), epoch=2), 40) == owned(turn_end(2))


def test_a_frame_of_an_unknown_type_is_counted_and_ignored():
    session = open_session()
    unknown = json.dumps({"type": "novelty", "epoch": 1, "seq": 1, "field": [1]})

    assert session.receive(unknown, 10) == []
    assert session.receive(frame(2, Accepted(1)), 20) == owned(Accepted(1))
    assert session.receive(json.dumps({"type": "novelty"}), 30) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type": 3}', '{"type": "ready"}', '{"type": "audio", "epoch": 1}']
)
def test_a_text_that_is_not_a_message_of_the_protocol_is_an_error(text: str):
    with pytest.raises(BadServerMessageError):
        open_session().receive(text, 10)


COMPLAINT = '{"message": "Endpoint request timed out", "connectionId": "c=", "requestId": "r="}'
"""API Gateway's report about an undelivered message, which it does not identify."""


def test_messages_that_api_gateway_did_not_deliver_are_sent_again():
    session = open_session(max_in_flight=3)
    session.receive(frame(1, Accepted(1)), 0)
    for _ in range(4):
        session.audio(CHUNK)
    session.outgoing(0)
    session.receive(frame(2, Accepted(2)), 10)
    assert said(session.outgoing(10)) == [("audio", 5)]

    assert session.receive(COMPLAINT, 100) == []
    assert session.receive(COMPLAINT, 400) == []

    assert said(session.outgoing(499)) == []
    # Every unaccepted message is sent once, even after several reports.
    assert [one for one in said(session.outgoing(1_100)) if one[1]] == [
        ("audio", 3),
        ("audio", 4),
        ("audio", 5),
    ]


def test_a_hello_that_api_gateway_did_not_deliver_is_sent_again_after_its_wait():
    session = ClientSession()
    session.connected(0)
    hello = session.outgoing(0)

    session.receive(COMPLAINT, 100)

    assert session.outgoing(2_999) == []
    assert session.outgoing(3_000) == hello


def test_while_a_reply_plays_frames_are_acknowledged_every_half_second():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_000)
    assert session.outgoing(1_400) == []
    session.receive(frame(2, Accepted(1)), 1_400)
    assert session.next_deadline_ms() == 1_500

    (ack,) = session.outgoing(1_500)

    assert json.loads(ack)["received"] == {"epoch": 1, "seq": 2}
    assert session.outgoing(4_900) == [], "nothing new came"


def test_while_nothing_plays_frames_are_acknowledged_within_three_seconds():
    session = open_session()
    session.receive(frame(1, Accepted(1)), 1_000)
    session.receive(frame(2, Accepted(1)), 3_900)
    assert session.outgoing(3_999) == []
    assert session.next_deadline_ms() == 4_000

    (ack,) = session.outgoing(4_000)

    assert json.loads(ack)["received"] == {"epoch": 1, "seq": 2}


def test_the_start_of_a_reply_brings_the_acknowledgement_forward():
    session = open_session()
    session.receive(frame(1, Accepted(1)), 1_000)
    session.receive(frame(2, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_600)
    assert said(session.outgoing(2_100)) == [("ack", None)]


def test_an_early_frame_is_not_acknowledged_before_the_one_it_follows():
    session = open_session()
    session.receive(frame(2, turn_end()), 1_000)
    assert session.outgoing(2_000) == []


def test_the_end_of_a_turn_is_acknowledged_at_once_with_what_was_played():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=4, pcm=SECOND_OF_REPLY)), 1_000)
    session.receive(frame(2, turn_end(4)), 1_250)

    (ack,) = map(json.loads, session.outgoing(1_250))

    assert ack["turn"] == 4
    assert ack["played_ms"] == 250
    assert ack["received"] == {"epoch": 1, "seq": 2}


def test_an_interruption_stops_the_turn_and_is_acknowledged_at_once():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_000)
    session.receive(frame(2, Interrupted(turn=1)), 1_300)

    (ack,) = map(json.loads, session.outgoing(1_300))
    assert ack["played_ms"] == 300

    assert session.playback.is_silent(1_301)
    session.receive(frame(3, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_400)
    assert session.playback.is_silent(1_401), "audio of the cut turn is not played"
    assert session.playback.played_ms(1, 9_000) == 300


def test_a_restarted_turn_is_played_again():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_000)
    session.receive(frame(2, TurnRestarted(turn=1)), 1_600)
    assert session.playback.played_ms(1, 1_600) == 0

    session.receive(frame(3, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_700)

    assert session.playback.played_ms(1, 1_900) == 200


def test_turns_after_a_restarted_one_are_played_again_too():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 1_000)
    session.receive(frame(2, ReplyAudio(turn=2, pcm=SECOND_OF_REPLY)), 1_000)
    session.receive(frame(3, TurnRestarted(turn=1)), 2_500)

    assert session.playback.played_ms(2, 2_500) == 0
    assert session.playback.is_silent(2_500)


def test_turns_play_one_after_the_other():
    session = open_session()
    session.receive(frame(1, ReplyAudio(turn=1, pcm=SECOND_OF_REPLY)), 0)
    session.receive(frame(2, ReplyAudio(turn=2, pcm=SECOND_OF_REPLY)), 100)

    assert session.playback.played_ms(1, 600) == 600
    assert session.playback.played_ms(2, 600) == 0
    assert session.playback.played_ms(1, 1_400) == 1_000
    assert session.playback.played_ms(2, 1_400) == 400


def test_a_client_that_waits_for_an_answer_pings_after_every_quiet_second():
    session = open_session()
    end = session.speech_end(0)
    assert said(session.outgoing(0)) == [("speech_end", end)]
    assert session.outgoing(999) == []
    assert [json.loads(text) for text in session.outgoing(1_000)] == [
        {"type": "ping", "owed": True}
    ]
    session.receive(encode(Pong(served=False)), 1_010)
    assert session.outgoing(1_999) == []
    assert said(session.outgoing(2_000)) == [("ping", None)]

    session.receive(frame(1, Accepted(through=end)), 2_500)
    assert session.outgoing(3_499) == []
    assert said(session.outgoing(3_500)) == [("ping", None)]

    session.receive(frame(2, turn_end()), 3_600)
    assert not session.is_waiting_for_answer
    assert said(session.outgoing(9_000)) == [("ack", None)]


@pytest.mark.parametrize("phase", ["done", "failed"])
def test_a_client_pings_about_a_tool_call_that_outlives_its_turn(phase):
    session = open_session()
    seq = session.text("Book a slot", 0)
    session.outgoing(0)
    session.receive(frame(1, Accepted(through=seq)), 10)
    session.receive(frame(2, ToolProgress(1, "ask_core_agent", "started")), 20)

    session.receive(frame(3, turn_end(1)), 30)
    assert session.is_waiting_for_answer
    session.receive(frame(4, ToolProgress(1, "ask_core_agent", phase)), 40)
    assert session.is_waiting_for_answer
    session.receive(frame(5, turn_end(2)), 50)
    assert not session.is_waiting_for_answer


def test_the_end_of_an_earlier_turn_does_not_settle_a_later_request():
    session = open_session()
    session.text("first", 0)
    second = session.text("second", 0)
    session.outgoing(0)
    session.receive(frame(1, Accepted(through=2)), 10)
    session.receive(frame(2, turn_end(1)), 20)
    assert session.is_waiting_for_answer

    session.receive(frame(3, Accepted(through=second)), 30)
    session.receive(frame(4, turn_end(2)), 40)
    assert not session.is_waiting_for_answer


def test_a_client_pings_about_a_full_window():
    session = open_session(max_in_flight=2)
    session.audio(CHUNK)
    session.audio(CHUNK)
    assert said(session.outgoing(0)) == [("audio", 2)]
    assert said(session.outgoing(1_000)) == [("ping", None)]


def test_a_silent_client_pings_every_eight_minutes():
    session = open_session()
    minute = 60_000
    assert session.next_deadline_ms() == 8 * minute
    assert session.outgoing(8 * minute - 1) == []
    assert [json.loads(text) for text in session.outgoing(8 * minute)] == [
        {"type": "ping", "owed": False}
    ]
    assert session.outgoing(16 * minute - 1) == []
    assert said(session.outgoing(16 * minute)) == [("ping", None)]


def test_closed_ends_the_session_and_is_acknowledged():
    session = open_session()
    session.text("good bye", 0)
    session.outgoing(0)
    session.receive(frame(1, SessionClosed("bye")), 10)

    assert session.closed == Closed("bye")
    assert said(session.outgoing(10)) == [("ack", None)]


def test_a_refusal_is_returned_to_the_caller():
    session = open_session()
    refusal = Rejected("audio_too_long", "send shorter chunks", False, "data", 2)
    assert session.receive(encode(refusal), 10) == [Refused(**asdict(refusal))]


def test_a_new_connection_resumes_where_the_old_one_broke():
    session = open_session()
    session.audio(CHUNK)
    session.audio(CHUNK)
    first, second = session.outgoing(0)
    session.receive(frame(1, Accepted(through=2)), 10)

    session.connected(1_000)

    (hello,) = map(json.loads, session.outgoing(1_000))
    assert (hello["seq"], hello["resume_from"]) == (4, {"epoch": 1, "seq": 1})
    session.receive(ready(), 1_100)
    again = session.outgoing(1_100)
    assert second in again
    assert first not in again, "it was accepted over the old connection"


# Numbers that differ from those of the session.


def greeted(next_seq: int, *waiting: str) -> ClientSession:
    """Return a client with queued texts after a ``ready`` with the next number."""
    session = ClientSession()
    session.connected(0)
    session.outgoing(0)
    for text in waiting:
        session.text(text, 0)
    session.receive(encode(Ready("S", "C", 200, 30, next_seq=next_seq)), 0)
    return session


def taken(seq: int, next_seq: int) -> str:
    return encode(Rejected("seq_taken", "", retryable=False, seq=seq, next_seq=next_seq))


@pytest.mark.parametrize("next_seq", [2, 41])
def test_unsent_messages_are_numbered_from_the_number_in_ready(next_seq: int):
    session = greeted(next_seq, "one", "two")

    assert said(session.outgoing(0)) == [("text", next_seq), ("text", next_seq + 1)]
    session.bye()
    assert said(session.outgoing(1)) == [("bye", next_seq + 2)]
    session.receive(frame(1, Accepted(next_seq + 2)), 2)
    assert session.outbox.accepted_through == 4
    assert session.outbox.in_flight == 0


def test_messages_before_hello_keep_their_numbers():
    session = ClientSession()
    session.text("at once", 0)
    session.connected(0)
    assert said(session.outgoing(0)) == [("hello", 2)]

    session.receive(encode(Ready("S", "C", 200, 30, next_seq=3)), 0)

    assert said(session.outgoing(0)) == [("text", 1)]


def test_a_late_or_repeated_ready_renumbers_nothing():
    session = greeted(2, "one", "two")
    session.outgoing(0)
    session.receive(frame(1, Accepted(2)), 1)

    session.receive(encode(Ready("S", "C", 200, 30, next_seq=2)), 2)
    session.text("three", 3)

    assert said(session.outgoing(3)) == [("text", 4)]


@pytest.mark.parametrize("is_covered", [False, True])
def test_a_message_whose_number_is_taken_is_sent_again_under_the_next_number(is_covered: bool):
    session = open_session()
    session.text("mine", 0)
    assert said(session.outgoing(0)) == [("text", 2)]
    if is_covered:
        session.receive(frame(1, Accepted(5)), 0)

    session.receive(taken(2, 41), 1)
    session.text("and this", 1)

    assert said(session.outgoing(1)) == [("text", 41), ("text", 42)]
    session.receive(taken(2, 41), 2)
    assert session.outgoing(2) == []
    session.receive(frame(2 if is_covered else 1, Accepted(42)), 3)
    assert session.outbox.in_flight == 0


def test_messages_with_taken_numbers_get_new_ones_and_audio_is_dropped():
    session = open_session()
    session.text("one", 0)
    session.audio(CHUNK)
    session.text("two", 0)
    session.outgoing(0)

    for seq in (2, 3, 4):
        session.receive(taken(seq, 9), 1)

    assert sorted(said(session.outgoing(1))) == [("text", 9), ("text", 10)]


def test_a_message_whose_number_the_worker_gave_up_is_sent_under_another():
    session = open_session()
    session.text("late", 0)
    session.outgoing(0)

    session.receive(frame(1, SessionError("seq_taken", "", False, 2, 7)), 1)

    assert said(session.outgoing(1)) == [("text", 7)]


def test_messages_that_are_refused_temporarily_are_sent_again():
    session = open_session()
    session.text("one", 0)
    session.outgoing(0)
    far = Rejected("seq_too_far", "", retryable=True, seq=2, next_seq=2)
    session.receive(encode(far), 1)
    assert session.outgoing(1) == []
    assert said(session.outgoing(1_001)) == [("text", 2), ("ping", None)]

    session.receive(encode(Rejected("hello_first", "", retryable=True, seq=2)), 1_002)

    assert said(session.outgoing(1_002)) == [("hello", 1)]
    session.receive(encode(Ready("S", "C", 200, 30, next_seq=2)), 1_003)
    assert said(session.outgoing(1_003)) == [("hello", 1), ("text", 2)]


def test_accepted_before_counts_as_acceptance():
    session = open_session()
    session.text("one", 0)
    session.outgoing(0)

    session.receive(encode(AcceptedBefore(400)), 1)

    assert session.outbox.in_flight == 0


def test_a_client_that_joins_a_session_begins_with_its_first_frame():
    session = ClientSession()
    session.connected(0)
    session.outgoing(0)
    session.receive(encode(Ready("S", "C", 200, 30, next_seq=41, output_kept=True)), 0)

    assert session.receive(frame(23, Accepted(40)), 1) == owned(Accepted(40))
    assert session.receive(frame(22, Accepted(39)), 2) == []
    assert session.receive(frame(24, turn_end()), 3) == owned(turn_end())
    assert session.receive(frame(1, Accepted(41), epoch=2), 4) == owned(Accepted(41))


def test_no_speech_in_an_earlier_utterance_does_not_settle_a_later_renumbered_one():
    session = greeted(41)
    session.speech_start()
    session.speech_end(0)
    session.text("two", 0)
    assert said(session.outgoing(0)) == [("speech_start", 41), ("speech_end", 42), ("text", 43)]

    session.receive(frame(1, NoSpeech(42)), 1)
    assert session.is_waiting_for_answer

    session.receive(frame(2, NoSpeech(43)), 2)
    assert not session.is_waiting_for_answer
