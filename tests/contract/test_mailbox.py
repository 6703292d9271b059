from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repartee.domain.protocol.messages import (
    MAX_SEQ,
    SPEECH_HEARD,
    Acknowledged,
    Audio,
    Bye,
    Detached,
    Hello,
    HelloReceived,
    MailboxEntry,
    Message,
    NoteForgotten,
    Notice,
    Notified,
    Numbered,
    OutputPosition,
    PreferencesChanged,
    SpeechEnd,
    SpeechStart,
    Stop,
    Superseded,
    Text,
)
from repartee.domain.users.preferences import PreferenceChanges
from repartee.ports.sessions import MAX_MESSAGES_READ, Appended
from tests.contract.scenes import SESSION, all_at_once
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

HOUR_MS = 3_600_000


def numbered(seq: int, message: Message | None = None) -> Numbered:
    return Numbered(seq, message or Text(f"message {seq}"), "connection-1", NOON_MS)


def ack(epoch: int, seq: int, turn: int = 0, played_ms: int | None = 0) -> Acknowledged:
    return Acknowledged(OutputPosition(epoch, seq), turn, played_ms)


def notices(entries: "list[MailboxEntry]") -> list[object]:
    return [entry.notice for entry in entries if isinstance(entry, Notified)]


def acknowledged(stores: Stores) -> object:
    [entry] = stores.mailbox.read_after(SESSION, 0)
    assert isinstance(entry, Notified)
    return entry.notice


def test_an_empty_mailbox_reads_empty(stores: Stores) -> None:
    assert list(stores.mailbox.read_after(SESSION, 0)) == []


@pytest.mark.parametrize(
    "message",
    [
        Hello(),
        Hello(OutputPosition(3, 41)),
        Hello(OutputPosition(3, 41), marks_speech=True),
        Hello(marks_speech=True, connected_at_ms=NOON_MS),
        Audio(bytes(range(256)) * 62 + b"\x00\xff"),
        Audio(b"\x00\x80\xff\x7f"),
        SpeechStart(),
        SpeechEnd(),
        Stop(),
        Hello(features=(SPEECH_HEARD,)),
        Text("Grüße 👋 'quoted'\n"),
        Bye(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_kind_of_message_is_read_unchanged(stores: Stores, message: Message) -> None:
    kept = Numbered(7, message, "connection=", NOON_MS + 3)

    assert stores.mailbox.append(SESSION, kept) is Appended.KEPT

    assert list(stores.mailbox.read_after(SESSION, 0)) == [kept]


@pytest.mark.parametrize(
    "notice",
    [
        Detached("connection="),
        HelloReceived(
            Hello(OutputPosition(3, 41), marks_speech=True, connected_at_ms=7), "connection="
        ),
        Superseded("session-2"),
        PreferencesChanged(PreferenceChanges("es-ES", "Puck", 'लिखिए "slowly"'), NOON_MS + 3),
        PreferencesChanged(PreferenceChanges(voice="", style=""), NOON_MS),
        NoteForgotten("01ABC"),
        ack(3, 41, 7, 1_234),
        ack(3, 41, 7, None),
    ],
    ids=[
        "detached",
        "greeted",
        "superseded",
        "preferences",
        "default preferences",
        "note",
        "acknowledged",
        "played unknown",
    ],
)
def test_every_kind_of_notice_is_read_unchanged(stores: Stores, notice: Notice) -> None:
    notice_id = stores.mailbox.notify(SESSION, notice, now_ms=NOON_MS)

    assert list(stores.mailbox.read_after(SESSION, 0)) == [Notified(notice_id, notice)]


def test_messages_are_read_in_the_order_of_their_numbers(stores: Stores) -> None:
    for seq in (10, 9, 2, 100, 1):
        stores.mailbox.append(SESSION, numbered(seq))

    assert list(stores.mailbox.read_after(SESSION, 2)) == [numbered(9), numbered(10), numbered(100)]


def test_a_flood_is_read_in_several_reads(stores: Stores) -> None:
    for seq in range(1, MAX_MESSAGES_READ + 4):
        stores.mailbox.append(SESSION, numbered(seq))
    stores.mailbox.notify(SESSION, Detached("connection-1"), now_ms=NOON_MS)

    first = list(stores.mailbox.read_after(SESSION, 0))
    rest = list(stores.mailbox.read_after(SESSION, MAX_MESSAGES_READ))

    assert first[:-1] == [numbered(seq) for seq in range(1, MAX_MESSAGES_READ + 1)]
    assert rest[:-1] == [numbered(MAX_MESSAGES_READ + number) for number in (1, 2, 3)]
    assert notices(first) == notices(rest) == [Detached("connection-1")]


def test_a_number_is_stored_once(stores: Stores) -> None:
    assert stores.mailbox.append(SESSION, numbered(1, Text("first"))) is Appended.KEPT
    assert stores.mailbox.append(SESSION, numbered(1, Text("again"))) is Appended.TAKEN

    assert list(stores.mailbox.read_after(SESSION, 0)) == [numbered(1, Text("first"))]


def test_one_of_twenty_deliveries_of_a_message_is_stored(stores: Stores) -> None:
    kept = all_at_once(20, lambda _: stores.mailbox.append(SESSION, numbered(1)))

    assert kept.count(Appended.KEPT) == 1


def test_mailboxes_are_separate(stores: Stores) -> None:
    stores.mailbox.append("session-a", numbered(1))
    stores.mailbox.notify("session-a", Detached("c"), now_ms=NOON_MS)

    assert list(stores.mailbox.read_after("session-b", 0)) == []


def test_notices_follow_the_messages_in_order_of_time(stores: Stores) -> None:
    stores.mailbox.notify(SESSION, Detached("connection-1"), now_ms=NOON_MS)
    stores.mailbox.notify(SESSION, Superseded("session-2"), now_ms=NOON_MS + 1)
    stores.mailbox.append(SESSION, numbered(5))

    entries = list(stores.mailbox.read_after(SESSION, 0))

    assert entries[0] == numbered(5)
    assert notices(entries) == [Detached("connection-1"), Superseded("session-2")]


def test_notices_are_read_whatever_the_number(stores: Stores) -> None:
    stores.mailbox.notify(SESSION, Detached("connection-1"), now_ms=NOON_MS)

    entries = list(stores.mailbox.read_after(SESSION, 999_999_999))

    assert notices(entries) == [Detached("connection-1")]


@pytest.mark.parametrize(
    "newer",
    [ack(2, 0, 0, 0), ack(1, 6, 0, 0), ack(1, 5, 3, None), ack(1, 5, 2, 701)],
    ids=["epoch", "received", "turn", "played"],
)
def test_only_the_newest_acknowledgement_is_kept(stores: Stores, newer: Acknowledged) -> None:
    older = ack(1, 5, 2, 700)

    stores.mailbox.notify(SESSION, older, now_ms=NOON_MS)
    assert acknowledged(stores) == older
    stores.mailbox.notify(SESSION, newer, now_ms=NOON_MS)
    assert acknowledged(stores) == newer
    stores.mailbox.notify(SESSION, older, now_ms=NOON_MS)
    assert acknowledged(stores) == newer


def test_only_the_given_entries_are_deleted(stores: Stores) -> None:
    for seq in range(1, 61):
        stores.mailbox.append(SESSION, numbered(seq))
    stores.mailbox.notify(SESSION, Detached("a"), now_ms=NOON_MS)
    stores.mailbox.notify(SESSION, Detached("b"), now_ms=NOON_MS)
    stores.mailbox.notify(SESSION, ack(1, 1), now_ms=NOON_MS)
    ids = [
        entry.notice_id
        for entry in stores.mailbox.read_after(SESSION, 0)
        if isinstance(entry, Notified) and entry.notice != Detached("b")
    ]

    stores.mailbox.delete(SESSION, range(1, 60), ids)

    left = list(stores.mailbox.read_after(SESSION, 0))
    assert left[0] == numbered(60)
    assert notices(left) == [Detached("b")]
    assert len(left) == 2


def test_deleting_a_missing_entry_is_no_error(stores: Stores) -> None:
    stores.mailbox.append(SESSION, numbered(1))
    stores.mailbox.notify(SESSION, ack(1, 1), now_ms=NOON_MS)
    _, notified = stores.mailbox.read_after(SESSION, 0)
    assert isinstance(notified, Notified)

    for _ in range(2):
        stores.mailbox.delete(SESSION, [1, 1, 2], [notified.notice_id, notified.notice_id])
    stores.mailbox.delete(SESSION, [], [])

    assert list(stores.mailbox.read_after(SESSION, 0)) == []


def test_deleting_an_acknowledgement_keeps_a_newer_one(stores: Stores) -> None:
    stores.mailbox.notify(SESSION, ack(1, 1), now_ms=NOON_MS)
    [read] = stores.mailbox.read_after(SESSION, 0)
    assert isinstance(read, Notified)
    stores.mailbox.notify(SESSION, ack(1, 2), now_ms=NOON_MS)

    stores.mailbox.delete(SESSION, [], [read.notice_id])

    assert acknowledged(stores) == ack(1, 2)


def test_unread_entries_expire_after_an_hour(stores: Stores) -> None:
    stores.mailbox.append(SESSION, numbered(1))
    stores.mailbox.notify(SESSION, Superseded("session-2"), now_ms=NOON_MS)
    stores.mailbox.notify(SESSION, ack(9, 9), now_ms=NOON_MS)

    stores.clock.advance(HOUR_MS - 1_000)
    assert len(stores.mailbox.read_after(SESSION, 0)) == 3
    stores.clock.advance(1_000)
    assert list(stores.mailbox.read_after(SESSION, 0)) == []


def test_an_expired_entry_does_not_block_a_new_one(stores: Stores) -> None:
    stores.mailbox.append(SESSION, numbered(1))
    stores.mailbox.notify(SESSION, ack(9, 9), now_ms=NOON_MS)
    stores.clock.advance(HOUR_MS)
    later_ms = stores.clock.now_ms()
    again = replace(numbered(1), received_at_ms=later_ms)

    assert stores.mailbox.append(SESSION, again) is Appended.KEPT
    stores.mailbox.notify(SESSION, ack(1, 1), now_ms=later_ms)

    entries = list(stores.mailbox.read_after(SESSION, 0))
    assert entries[0] == again
    assert notices(entries) == [ack(1, 1)]


acks = st.builds(
    ack,
    st.integers(0, 3),
    st.integers(0, 12),
    st.integers(0, 11),
    st.none() | st.integers(0, 1_000),
)


@given(given_acks=st.lists(acks, min_size=1, max_size=8))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_greatest_acknowledgement_wins_in_any_order(
    stores: Stores, given_acks: list[Acknowledged]
) -> None:
    session = f"session-of-{hash(tuple(given_acks))}"
    for given_ack in given_acks:
        stores.mailbox.notify(session, given_ack, now_ms=NOON_MS)

    entries = list(stores.mailbox.read_after(session, 0))

    greatest = max(
        given_acks,
        key=lambda a: (
            a.received.epoch,
            a.received.seq,
            a.turn,
            -1 if a.played_ms is None else a.played_ms,
        ),
    )
    assert notices(entries) == [greatest]


@pytest.mark.parametrize("notice", [Detached("c"), ack(1, 1)], ids=["detached", "acknowledged"])
def test_a_notice_can_be_deleted_by_its_id(stores: Stores, notice: Notice) -> None:
    notice_id = stores.mailbox.notify(SESSION, notice, now_ms=NOON_MS)

    stores.mailbox.delete(SESSION, (), (notice_id,))

    assert list(stores.mailbox.read_after(SESSION, 0)) == []


def test_a_repetition_over_another_connection_replaces_the_first(stores: Stores) -> None:
    first = numbered(3)
    again = replace(first, connection_id="connection-2")
    stores.mailbox.append(SESSION, first)

    assert stores.mailbox.append(SESSION, first) is Appended.REPEATED
    assert stores.mailbox.append(SESSION, again) is Appended.REPEATED
    stores.mailbox.retract_message(SESSION, first)

    assert list(stores.mailbox.read_after(SESSION, 0)) == [again]
    stores.mailbox.retract_message(SESSION, again)
    stores.mailbox.retract_message(SESSION, again)
    assert list(stores.mailbox.read_after(SESSION, 0)) == []


def test_an_equal_hello_of_another_connection_is_another_message(stores: Stores) -> None:
    first = numbered(1, Hello())
    stores.mailbox.append(SESSION, first)

    other = replace(first, connection_id="connection-2")
    assert stores.mailbox.append(SESSION, other) is Appended.TAKEN
    assert list(stores.mailbox.read_after(SESSION, 0)) == [first]


def test_the_highest_number_ignores_expired_messages(stores: Stores) -> None:
    assert stores.mailbox.highest_seq(SESSION, up_to=MAX_SEQ) == 0
    stores.mailbox.append(SESSION, numbered(900))
    stores.clock.advance(HOUR_MS)
    for seq in (7, 9, 12):
        stores.mailbox.append(SESSION, replace(numbered(seq), received_at_ms=NOON_MS + HOUR_MS))
    stores.mailbox.notify(SESSION, Detached("connection-1"), now_ms=NOON_MS + HOUR_MS)

    assert stores.mailbox.highest_seq(SESSION, up_to=MAX_SEQ) == 12
    assert stores.mailbox.highest_seq(SESSION, up_to=11) == 9
