"""Clients whose counter or connection is not the session's: each gets advice."""

from dataclasses import replace
from typing import Any

import pytest

from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import (
    MAX_AHEAD,
    Acknowledged,
    Audio,
    Hello,
    HelloReceived,
    Notified,
    Numbered,
    OutputPosition,
    SpeechEnd,
    Stop,
    Text,
    Unknown,
)
from repartee.domain.protocol.recent_input import InputTaken, RecentInput, digest_of
from repartee.domain.session.state import NO_CONNECTION, Connected
from tests.fakes.clock import NOON_MS
from tests.unit.application.connections.message_route_harness import (
    DATA,
    PCM,
    Mailbox,
    MessageRouteHarness,
)

pytestmark = pytest.mark.unit

OLD, NEW = "connection-1", "connection-2"


def hello(seq: int, **fields: Any) -> dict[str, Any]:
    return {"type": "hello", "seq": seq, "protocol": 1, **fields}


def text(seq: int, written: str = "hi") -> dict[str, Any]:
    return {"type": "text", "seq": seq, "text": written}


class Steps(MessageRouteHarness):
    """A session that was opened by this version."""

    def __init__(self) -> None:
        super().__init__()
        self.change_state(newest_hello=NO_CONNECTION)

    def at(self, cursor: int, *accepted: Any) -> None:
        """Let the last numbers up to ``cursor`` be those of ``accepted``, None for a gap."""
        digests = tuple(0 if one is None else digest_of(one) for one in accepted)
        self.change_state(
            cursor=cursor, epoch=1, taken=InputTaken(cursor, RecentInput(cursor, digests))
        )

    def new(self, body: Any) -> list[dict[str, Any]]:
        """Send over a connection that was opened later than the first."""
        return self.send(body, connection=NEW, connected_at_ms=NOON_MS + 1)

    @property
    def seqs(self) -> list[int]:
        return [one.seq for one in self.kept if isinstance(one, Numbered)]


def codes(replies: list[dict[str, Any]]) -> list[str]:
    return [reply.get("code", reply["type"]) for reply in replies]


@pytest.mark.parametrize("read_as", [Stop(), Unknown("stop")], ids=["0.2.0", "0.1.0"])
def test_a_repeated_stop_is_known_to_be_one_whichever_version_read_it(read_as: Any) -> None:
    line = Steps()
    line.send(hello(1))
    line.at(7, read_as)

    assert line.send({"type": "stop", "seq": 7}) == []
    assert codes(line.send(text(7))) == ["seq_taken"]


def test_the_features_of_a_hello_do_not_count_for_its_repetition() -> None:
    # 0.1.0 records digests without them.
    assert digest_of(Hello(features=("stop",))) == digest_of(Hello())


def test_a_connection_is_known_by_its_id_and_not_by_the_time_of_its_opening():
    line = Steps()
    line.send(hello(1), connected_at_ms=NOON_MS)

    later = line.send(text(2), connected_at_ms=NOON_MS + 500)
    earlier = line.send(text(3), connected_at_ms=NOON_MS - 500)

    assert codes(later + earlier) == []
    assert line.seqs == [1, 2, 3]


# ready


@pytest.mark.parametrize(
    ("cursor", "unread", "seq", "next_seq"),
    [
        (0, [], 1, 2),
        (0, [], 5, 6),
        (0, [1, 2, 3], 1, 4),
        (40, [], 1, 41),
        (40, [], 41, 42),
        (40, [41, 42, 45], 1, 46),
        (40, [41, 42, 45], 44, 46),
        (40, [41, 42, 45], 46, 47),
        (40, [], 40, 41),
        (40, [], 900, 41),
    ],
)
@pytest.mark.parametrize("is_served", [False, True])
def test_ready_says_which_number_comes_next(
    cursor: int, unread: list[int], seq: int, next_seq: int, is_served: bool
) -> None:
    line = Steps()
    line.at(cursor)
    for number in unread:
        line.mailbox.append("session-1", Numbered(number, Text("x"), OLD, NOON_MS))
    if is_served:
        line.serve()

    (ready,) = line.send(hello(seq))

    assert ready["type"] == "ready"
    assert ready["next_seq"] == next_seq
    state = line.sessions.load("session-1")
    assert state is not None
    assert state.newest_hello == Connected(NOON_MS, OLD)
    assert len(line.workers.wakes) == (0 if is_served else 1)


def test_a_hello_whose_number_is_taken_reaches_the_worker_as_a_notice() -> None:
    line = Steps()
    line.at(40)

    line.send(hello(1, resume_from={"epoch": 1, "seq": 7}, marks_speech=True))

    (entry,) = line.kept
    assert isinstance(entry, Notified)
    said = Hello(OutputPosition(1, 7), marks_speech=True, connected_at_ms=NOON_MS)
    assert entry.notice == HelloReceived(said, OLD)


@pytest.mark.parametrize(
    ("epoch", "is_served", "is_kept"),
    [(1, True, True), (None, True, True), (0, True, False), (2, True, False), (1, False, False)],
)
def test_ready_says_whether_earlier_output_is_kept(
    epoch: int | None, is_served: bool, is_kept: bool
) -> None:
    line = Steps()
    if is_served:
        line.serve()
    position = {} if epoch is None else {"resume_from": {"epoch": epoch, "seq": 3}}

    (ready,) = line.send(hello(1, **position))

    assert ready["output_kept"] is is_kept


# numbers


def test_a_number_that_another_unread_message_has_is_refused() -> None:
    line = Steps()
    line.send(hello(1))
    line.send(text(2, "first"))

    assert line.send(text(2, "first")) == []
    (error,) = line.send(text(2, "another"))

    assert (error["code"], error["seq"], error["next_seq"]) == ("seq_taken", 2, 3)
    assert error["retryable"] is False
    assert "2" in error["message"]
    assert "3" in error["message"]
    assert line.seqs == [1, 2]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (text(38, "first"), []),
        (text(38, "another"), ["seq_taken"]),
        ({"type": "bye", "seq": 38}, ["seq_taken"]),
        ({"type": "audio", "seq": 39, "data": DATA}, []),
        ({"type": "audio", "seq": 38, "data": DATA}, ["seq_taken"]),
        ({"type": "audio", "seq": 37, "data": DATA}, []),
        ({"type": "speech_end", "seq": 40}, []),
        ({"type": "speech_start", "seq": 40}, ["seq_taken"]),
        (text(37), ["seq_taken"]),
        (text(36), ["accepted"]),
        (text(1), ["accepted"]),
    ],
)
@pytest.mark.parametrize("is_served", [False, True])
def test_a_number_behind_the_cursor_is_compared_with_what_had_it(
    body: dict[str, Any], answer: list[str], is_served: bool
) -> None:
    line = Steps()
    line.send(hello(1))
    line.mailbox.delete("session-1", (1,), ())
    line.workers.wakes.clear()
    line.at(40, None, Text("first"), Audio(PCM), SpeechEnd())
    if is_served:
        line.serve()

    replies = line.send(body)

    assert codes(replies) == answer
    if answer == ["accepted"]:
        assert replies == [{"type": "accepted", "through": 40}]
    if answer == ["seq_taken"]:
        assert replies[0]["next_seq"] == 41
    assert line.kept == []
    assert line.workers.wakes == []


def test_a_session_of_a_version_that_kept_no_digests_takes_what_it_took() -> None:
    line = MessageRouteHarness()
    line.change_state(cursor=40, epoch=1)

    assert line.send(text(40)) == [{"type": "accepted", "through": 40}]
    assert line.send(text(999)) == []
    assert [one.seq for one in line.kept if isinstance(one, Numbered)] == [999]


def test_the_input_in_flight_is_bounded() -> None:
    line = Steps()
    line.send(hello(1))

    answers = [codes(line.send(text(seq))) for seq in range(2, 1_002)]

    assert answers[: MAX_AHEAD - 1] == [[]] * (MAX_AHEAD - 1)
    assert answers[MAX_AHEAD - 1] == ["seq_too_far"]
    assert all(answers[MAX_AHEAD - 1 :][:20])
    assert line.seqs == list(range(1, MAX_AHEAD + 1))
    assert OLD in line.channel.gone


def test_there_is_room_again_as_a_worker_takes_what_came() -> None:
    line = Steps()
    line.at(40)
    line.send(hello(41))
    line.change_state(taken=InputTaken(300, RecentInput(40, ())))

    assert codes(line.send(text(501))) == ["seq_too_far"]
    (error,) = line.send(text(501))
    assert error["retryable"] is True
    assert error["next_seq"] == 42
    assert line.send(text(500)) == []


# connections


@pytest.mark.parametrize(
    "body",
    [
        text(2),
        {"type": "audio", "seq": 2, "data": DATA},
        {"type": "speech_start", "seq": 2},
        {"type": "speech_end", "seq": 2},
        {"type": "bye", "seq": 2},
        {"type": "ack", "received": {"epoch": 1, "seq": 1}},
        {"type": "ping", "owed": True},
    ],
    ids=lambda body: str(body["type"]),
)
@pytest.mark.parametrize("another_said_hello", [False, True])
def test_nothing_counts_before_hello(body: dict[str, Any], another_said_hello: bool) -> None:
    line = Steps()
    if another_said_hello:
        line.send(hello(1))
    before = list(line.kept)
    line.workers.wakes.clear()

    (error,) = line.new(body)

    assert error["code"] == "hello_first"
    assert error["seq"] == body.get("seq")
    assert line.kept == before
    assert line.workers.wakes == []


@pytest.mark.parametrize("seq", [1, 2, 5, 900])
def test_a_duplicated_tab_takes_the_session_and_the_older_one_gets_an_error(seq: int) -> None:
    line = Steps()
    line.send(hello(1))
    line.send(text(2, "of the old tab"))
    before = len(line.channel.posts[OLD])

    (ready,) = line.new(hello(seq))

    assert ready["next_seq"] == (6 if seq == 5 else 3)
    assert [frame.count("superseded_connection") for frame in line.channel.posts[OLD][before:]] == [
        1
    ]
    assert OLD in line.channel.gone
    assert line.new(text(ready["next_seq"], "of the new tab")) == []


@pytest.mark.parametrize(
    "body",
    [
        hello(7),
        text(7),
        {"type": "stop", "seq": 7},
        {"type": "audio", "seq": 7, "data": DATA},
        {"type": "ack", "received": {"epoch": 0, "seq": 0}},
        {"type": "ping"},
        {"type": "ping", "owed": True},
    ],
    ids=lambda body: str(body["type"]),
)
def test_a_connection_that_was_replaced_gets_an_error_and_is_closed(body: dict[str, Any]) -> None:
    line = Steps()
    line.new(hello(1))
    before = list(line.kept)

    (error,) = line.send(body)

    assert error["code"] == "superseded_connection"
    assert line.channel.gone == {OLD}
    assert line.kept == before
    state = line.sessions.load("session-1")
    assert state is not None
    assert state.newest_hello == Connected(NOON_MS + 1, NEW)


def test_a_late_message_of_the_older_connection_leaves_its_repetition_alone() -> None:
    line = Steps()
    line.send(hello(1))
    line.new(hello(2))
    line.new(text(3, "said on the line that dropped"))

    line.send(text(3, "said on the line that dropped"))

    assert line.seqs == [1, 2, 3]


def test_a_message_function_of_the_version_before_may_have_taken_the_hello() -> None:
    line = Steps()
    line.send(hello(1))
    line.change_state(connection_id=NEW)

    assert line.new(text(2)) == []


def test_an_ack_of_a_worker_to_come_is_not_kept() -> None:
    line = Steps()
    line.serve()
    line.send(hello(1))
    line.send({"type": "ack", "received": {"epoch": 1, "seq": 4}})

    assert line.send({"type": "ack", "received": {"epoch": 2, "seq": 9_999}}) == []
    assert line.send({"type": "ack", "received": {"epoch": 1, "seq": 5}}) == []

    notices = [one.notice for one in line.kept if isinstance(one, Notified)]
    assert notices == [Acknowledged(OutputPosition(1, 5), 0, None)]


@pytest.mark.parametrize("what", ["text", "hello"])
def test_while_a_table_fails_a_message_that_is_not_kept_is_asked_for_again(what: str) -> None:
    line = Steps()
    line.send(hello(1))
    line.send(text(2, "first"))
    line.sessions.load_fails = True

    replies = line.send(text(2, "another") if what == "text" else hello(2))

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": 2}]


def test_a_number_that_cannot_be_named_is_asked_for_again() -> None:
    line = Steps()
    line.send(hello(1))
    line.send(text(2, "first"))

    class Blind(Mailbox):
        def highest_seq(self, session_id: str, *, up_to: int) -> int:
            raise StoreUnavailable("set to fail")

    line.deps = replace(line.deps, router=replace(line.deps.router, mailbox=Blind(line.tables)))

    assert line.send(text(2, "another")) == [{"type": "busy", "retry_after_ms": 1_000, "seq": 2}]
    assert line.send(text(202)) == [{"type": "busy", "retry_after_ms": 1_000, "seq": 202}]
    assert line.seqs == [1, 2]
