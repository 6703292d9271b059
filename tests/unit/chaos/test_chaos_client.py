"""A client pings about unaccepted messages; and the campaign's record of its client."""

import json

import pytest

from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Busy, Ready
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    Interrupted,
    NumberedFrame,
    ReplyAudio,
    SessionClosed,
    TurnEnd,
    TurnRestarted,
)
from repartee_client.protocol import frames
from repartee_client.protocol.decoding import decode_server_message
from repartee_client.protocol.session import ClientSession
from tests.chaos.judgement.gaps import Gap, GapKind, OpenGap, close_gaps
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.user.answer_waits import is_last_of
from tests.chaos.user.client_record import ClientRecord

pytestmark = pytest.mark.unit


def greeted() -> ClientSession:
    session = ClientSession()
    session.connected(0)
    session.outgoing(0)
    session.receive(encode(Ready("S", "C", chunk_ms=200, grace_s=30)), 0)
    return session


def frame(epoch: int, seq: int, inner: Frame) -> str:
    return encode(NumberedFrame(epoch, seq, inner))


def own(message: Frame | Busy) -> list[frames.Frame | frames.Answer]:
    """Return the message as the client decodes it."""
    text = encode(message) if isinstance(message, Busy) else frame(1, 1, message)
    match decode_server_message(text):
        case frames.NumberedFrame(frame=decoded) if decoded is not None:
            return [decoded]
        case frames.Busy() as busy:
            return [busy]
        case other:
            raise AssertionError(other)


def pings(session: ClientSession, now_ms: float) -> list[bool]:
    messages = [json.loads(text) for text in session.outgoing(now_ms)]
    return [message["owed"] for message in messages if message["type"] == "ping"]


def test_a_client_pings_once_a_second_about_an_unaccepted_message():
    session = greeted()
    session.speech_start()
    session.audio(bytes(6_400))
    session.outgoing(100)

    assert not session.is_waiting_for_answer
    assert session.next_deadline_ms() == 1_100
    assert pings(session, 1_099) == []
    assert pings(session, 1_100) == [True]
    assert pings(session, 2_099) == []
    assert pings(session, 2_100) == [True]


def test_a_client_does_not_ping_about_accepted_messages():
    session = greeted()
    session.speech_start()
    session.outgoing(100)
    session.receive(frame(1, 1, Accepted(2)), 200)
    session.outgoing(700)
    assert pings(session, 5_000) == []


def test_a_hello_alone_causes_no_ping():
    session = greeted()
    assert pings(session, 5_000) == []


def test_a_client_pings_after_bye_until_the_session_is_closed():
    session = greeted()
    session.bye()
    session.outgoing(100)
    session.receive(frame(1, 1, Accepted(2)), 200)
    session.outgoing(700)
    assert pings(session, 1_700) == [True]
    session.receive(frame(2, 1, SessionClosed("bye")), 1_800)
    session.outgoing(1_800)
    assert pings(session, 9_000) == []


def audio(turn: int = 1) -> ReplyAudio:
    return ReplyAudio(turn, bytes(48))


def test_the_record_distinguishes_a_stale_frame_from_a_late_one():
    record = ClientRecord()
    record.opened(0)
    first, second = audio(), audio()
    record.received(1, frame(1, 1, first), own(first))
    record.received(2, frame(2, 1, second), own(second))
    record.received(3, frame(1, 2, first), [])
    assert (record.stale_frames_received, record.stale_frames_accepted) == (1, 0)
    record.received(4, frame(1, 3, first), own(first))
    assert (record.stale_frames_received, record.stale_frames_accepted) == (2, 1)
    assert [(one.at_ms, one.epoch) for one in record.audio] == [(1, 1), (2, 2)]


def test_an_interruption_counts_as_barge_in_only_while_the_user_speaks():
    record = ClientRecord()
    record.opened(0)
    record.sent(1_000, json.dumps({"type": "speech_start", "seq": 2}))
    for at_ms, turn in ((999, 1), (1_500, 2), (9_000, 3)):
        record.received(at_ms, json.dumps({"type": "interrupted", "turn": turn, "epoch": 1}), [])
    assert record.barged_in() == {2}


def test_a_reply_that_ended_before_the_user_spoke_was_not_interrupted():
    record = ClientRecord()
    over = TurnEnd(1, 1, 1, 0.0, 1, 0)
    record.received(900, frame(1, 1, over), own(over))
    record.sent(1_000, json.dumps({"type": "speech_start", "seq": 2}))
    cut = Interrupted(1)
    record.received(1_500, frame(1, 2, cut), own(cut))
    assert record.barged_in() == frozenset()


def test_a_restarted_turn_has_not_ended():
    record = ClientRecord()
    over, again, cut = TurnEnd(1, 1, 1, 0.0, 1, 0), TurnRestarted(1), Interrupted(1)
    record.received(900, frame(1, 1, over), own(over))
    record.received(950, frame(2, 1, again), own(again))
    record.sent(1_000, json.dumps({"type": "speech_start", "seq": 2}))
    record.received(1_500, frame(2, 2, cut), own(cut))
    assert record.barged_in() == {1}


def test_connections_that_ended_before_their_session_are_counted():
    record = ClientRecord()
    record.opened(0)
    record.lost(1)
    record.opened(2)
    assert record.losses == 1


def take(record: ClientRecord, *frames: Frame) -> None:
    for seq, one in enumerate(frames, 1):
        record.received(seq, frame(1, seq, one), own(one))


def test_an_interrupted_reply_may_end_before_the_next_one():
    record = ClientRecord()
    take(record, audio(), Interrupted(1), audio(2), Interrupted(2), TurnRestarted(2), audio(2))
    assert record.out_of_turn == []


def test_audio_after_the_interruption_of_its_reply_is_out_of_turn():
    record = ClientRecord()
    take(record, audio(), Interrupted(1), audio())
    assert record.out_of_turn == ["audio of turn 1 after its reply was cut"]


def test_an_interruption_after_the_next_reply_is_out_of_turn():
    record = ClientRecord()
    take(record, audio(), audio(2), Interrupted(1))
    assert record.out_of_turn == ["audio of turn 2 before turn 1 was cut"]


def test_a_busy_reply_is_passed_on_with_its_wait():
    record = ClientRecord()
    waits: list[int] = []
    record.on_busy = waits.append
    busy = Busy(3_000)
    record.received(1, encode(busy), own(busy))
    assert waits == [3_000]


def gap(kind: FaultKind, **changes: object) -> OpenGap:
    values = {"is_owed": True, "is_replying": True, **changes}
    return OpenGap(kind, 100.0, 1, 1, **values)  # type: ignore[arg-type]


def test_silence_after_a_death_lasts_until_the_audio_of_the_successor():
    record = ClientRecord()
    record.opened(0)
    sound = audio()
    record.received(110, frame(1, 5, sound), own(sound))
    record.received(4_100, frame(2, 1, sound), own(sound))
    assert close_gaps([gap(FaultKind.WORKER_KILLED)], record, ()) == [
        Gap(GapKind.WORKER_KILLED, 4_000)
    ]
    assert close_gaps([gap(FaultKind.WORKER_KILLED, is_owed=False)], record, ()) == []


def test_silence_after_a_broken_line_is_measured_from_the_break_and_from_the_new_hello():
    record = ClientRecord()
    record.opened(0)
    sound = audio()
    record.received(90, frame(1, 1, sound), own(sound))
    record.lost(100)
    record.opened(180)
    record.sent(200, json.dumps({"type": "hello", "seq": 9}))
    record.received(250, frame(1, 2, sound), own(sound))
    assert close_gaps([gap(FaultKind.LINE_DROPPED)], record, ()) == [
        Gap(GapKind.LINE_DROPPED, 150),
        Gap(GapKind.HELLO, 50),
    ]
    assert close_gaps([gap(FaultKind.LINE_DROPPED, is_replying=False)], record, ()) == []
    hindered = close_gaps([gap(FaultKind.LINE_DROPPED)], record, {FaultKind.POST_REFUSED})
    assert [one.kind for one in hindered] == [GapKind.LINE_DROPPED, GapKind.HELLO_HINDERED]


def test_silence_that_another_worker_ended_does_not_count_for_the_connection():
    record = ClientRecord()
    record.opened(180)
    record.opened(190)
    record.sent(200, json.dumps({"type": "hello", "seq": 9}))
    sound = audio()
    record.received(4_250, frame(2, 1, sound), own(sound))
    assert close_gaps([gap(FaultKind.LINE_DROPPED)], record, ()) == []


def test_the_last_words_are_distinguished_from_similar_words():
    script = [
        "hello there",
        "do you know the time of my visit",
        "do you know the time of my meeting",
    ]
    assert is_last_of(script, "do you know the time of my meeting")
    assert is_last_of(script, "do you know the time of my visit do you know the time of my meeting")
    assert is_last_of(script, "do you know the time my meeting")
    assert not is_last_of(script, "do you know the time of my visit")
    assert not is_last_of(script, "hello there")
    assert not is_last_of(script, "")


def test_a_late_stop_cuts_earlier_replies_too():
    record = ClientRecord()
    record.sent(0, json.dumps({"type": "stop", "seq": 3}))
    take(record, audio(), audio(2), Interrupted(1), Interrupted(2))
    assert record.out_of_turn == []
