from collections import Counter

import pytest

from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.errors import (
    ConnectionRefused,
    ConversationErased,
    ConversationUnknown,
    ErasureUnderWay,
    LeaseLost,
    UserErased,
)
from repartee.domain.protocol.messages import Audio, Detached, Numbered
from repartee.domain.tools.core_calls import CoreRequest, ToolCallKey
from repartee.domain.users.erasure import Erasure, ItemKind, OpenConnection, StoredItem
from repartee.domain.users.preferences import PreferenceChanges, Profile
from repartee.domain.users.retention import HEADER_MARGIN_S
from tests.contract.scenes import CONVERSATION, SESSION, USER, commit, opening, served_session, turn
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

CONNECTION = f"connection-of-{SESSION}"
REQUEST = CoreRequest(
    USER, CONVERSATION, SESSION, 1, ToolCallKey(2, 1), "hash", "q", "en-US", NOON_MS + 9_000
)


def write_running_call(stores: Stores) -> None:
    """Write a session in the middle of a call, with items of most kinds."""
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1)))
    stores.calls.claim(REQUEST, now_ms=NOON_MS, until_ms=NOON_MS + 9_000)
    stores.mailbox.append(SESSION, Numbered(7, Audio(b"\0\0"), CONNECTION, NOON_MS))
    stores.mailbox.notify(SESSION, Detached("another"), now_ms=NOON_MS)
    stores.sessions.elect_waker(SESSION, NOON_MS)
    stores.notes.add(USER, "likes mornings", noted_at_ms=NOON_MS)


def items(stores: Stores, *, user: str = USER, conversation: str | None = None) -> list[StoredItem]:
    return list(stores.erasures.items(user, conversation))


def test_a_user_is_not_erased_by_default(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges(language="es-ES"))

    assert stores.erasures.find(USER) is None
    assert stores.erasures.find("nobody") is None


def test_the_tombstone_replaces_the_preferences_permanently(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges(language="es-ES", voice="Puck"))

    begun = stores.erasures.begin(USER, now_ms=NOON_MS)
    again = stores.erasures.begin(USER, now_ms=NOON_MS + 5)

    assert begun == again == stores.erasures.find(USER) == Erasure(USER, NOON_MS)
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=1_000)
    assert memory.profile == Profile(USER, erased_at_ms=NOON_MS)
    with pytest.raises(UserErased):
        stores.profiles.change(USER, PreferenceChanges(language="en-GB"))


def test_sessions_and_open_connections_of_one_user_are_found(stores: Stores) -> None:
    served_session(stores)
    stores.openings.open(opening(connection="second", ticket="t2"))
    stores.connections.close(CONNECTION)
    served_session(stores, user="user-ben", session="session-b", conversation="conversation-b")

    assert stores.erasures.sessions(USER) == {SESSION: False}
    assert list(stores.erasures.connections(USER)) == [OpenConnection("second", SESSION)]


def test_a_session_that_is_over_for_its_user_is_still_found(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)
    stores.connections.end_session(USER, SESSION)
    stores.openings.open(opening(connection="second", session="session-2", ticket="t2"))

    assert stores.erasures.sessions(USER) == {SESSION: False, "session-2": False}


def test_a_worker_cannot_write_after_its_session_was_ended(stores: Stores) -> None:
    write_running_call(stores)

    assert stores.erasures.end_session(SESSION) == 2
    assert stores.erasures.sessions(USER) == {SESSION: True}

    with pytest.raises(LeaseLost):
        stores.sessions.renew_lease(SESSION, epoch=1, until_ms=NOON_MS + 9_000, cursor=0)
    with pytest.raises(LeaseLost):
        stores.sessions.set_connection(SESSION, epoch=1, connection_id="c")
    with pytest.raises(LeaseLost):
        stores.writer.commit_turn(commit(turn(2)))
    with pytest.raises(LeaseLost):
        stores.calls.claim(REQUEST, now_ms=NOON_MS, until_ms=NOON_MS + 9_000)
    late_ms = NOON_MS + 60_000
    assert (
        stores.sessions.acquire_lease(SESSION, owner="w", now_ms=late_ms, until_ms=late_ms) is None
    )


def test_an_unknown_session_cannot_be_ended(stores: Stores) -> None:
    assert stores.erasures.end_session(SESSION) is None
    assert stores.sessions.load(SESSION) is None


def test_a_new_connection_is_refused_from_the_tombstone_on(stores: Stores) -> None:
    stores.erasures.begin(USER, now_ms=NOON_MS)

    with pytest.raises(ConnectionRefused, match="user_erased"):
        stores.openings.open(opening())
    assert items(stores) == []


def test_items_of_every_kind_are_found_and_no_other_users(stores: Stores) -> None:
    write_running_call(stores)
    served_session(stores, user="user-ben", session="session-b", conversation="conversation-b")

    kinds = Counter(item.kind for item in items(stores))

    # The fake needs no guard.
    assert kinds - Counter([ItemKind.SESSION_GUARDS]) == {
        ItemKind.USAGE_DAYS: 1,
        ItemKind.NOTES: 1,
        ItemKind.CONVERSATIONS: 1,
        ItemKind.TURNS: 1,
        ItemKind.CALLS: 1,
        ItemKind.CONNECTIONS: 1,
        ItemKind.OPENINGS: 1,
        ItemKind.SESSIONS: 1,
        ItemKind.ACTIVE_SESSIONS: 1,
        ItemKind.WAKES: 1,
        ItemKind.MAILBOX_ENTRIES: 2,
    }
    assert not any("-b" in item.partition + item.sort for item in items(stores))


def test_items_come_before_the_items_that_refer_to_them(stores: Stores) -> None:
    write_running_call(stores)

    found = [item.kind for item in items(stores)]

    assert found.index(ItemKind.CONVERSATIONS) > found.index(ItemKind.TURNS)
    assert found.index(ItemKind.CONVERSATIONS) > found.index(ItemKind.CALLS)
    assert found.index(ItemKind.OPENINGS) > found.index(ItemKind.SESSIONS)
    assert found.index(ItemKind.OPENINGS) > found.index(ItemKind.CONNECTIONS)


def test_a_session_of_several_connections_is_found_once_and_before_their_openings(
    stores: Stores,
) -> None:
    write_running_call(stores)
    stores.openings.open(opening(connection="second", ticket="t2"))

    found = items(stores)

    assert len(set(found)) == len(found)
    kinds = [item.kind for item in found]
    assert kinds.count(ItemKind.OPENINGS) == 2
    assert kinds.index(ItemKind.OPENINGS) > kinds.index(ItemKind.SESSIONS)
    assert kinds.index(ItemKind.OPENINGS) > kinds.index(ItemKind.MAILBOX_ENTRIES)


def test_deleted_items_are_gone_and_deleting_them_again_is_no_error(stores: Stores) -> None:
    write_running_call(stores)
    served_session(stores, user="user-ben", session="session-b", conversation="conversation-b")
    found = items(stores)
    others = items(stores, user="user-ben")

    stores.erasures.delete(USER, found)
    stores.erasures.delete(USER, found)

    assert items(stores) == []
    assert items(stores, user="user-ben") == others
    assert stores.reader.list_conversations(USER, limit=9) == []


def test_each_step_counts_what_it_is_about_to_delete(stores: Stores) -> None:
    write_running_call(stores)
    begun = stores.erasures.begin(USER, now_ms=NOON_MS)
    found = items(stores)

    first = stores.erasures.advance(begun, pending=found[:3], settles_at_ms=NOON_MS + 7)
    second = stores.erasures.advance(first, pending=found[3:])

    assert first.pending == tuple(found[:3])
    assert second.settles_at_ms == NOON_MS + 7
    assert second.deleted == Counter(item.kind for item in found)
    assert stores.erasures.find(USER) == second
    assert stores.erasures.begin(USER, now_ms=NOON_MS + 5) == second


def test_a_finished_erasure_keeps_only_the_counts(
    stores: Stores,
) -> None:
    write_running_call(stores)
    begun = stores.erasures.begin(USER, now_ms=NOON_MS)
    going = stores.erasures.advance(begun, pending=items(stores), settles_at_ms=NOON_MS + 7)

    finished = stores.erasures.advance(going, finished_at_ms=NOON_MS + 9)

    assert finished.deleted == going.deleted
    assert (finished.pending, finished.settles_at_ms) == ((), None)
    assert finished.finished_at_ms == NOON_MS + 9
    assert stores.erasures.find(USER) == finished


def test_one_of_two_concurrent_erasures_continues(stores: Stores) -> None:
    begun = stores.erasures.begin(USER, now_ms=NOON_MS)
    ahead = stores.erasures.advance(begun)

    with pytest.raises(ErasureUnderWay):
        stores.erasures.advance(begun)

    assert stores.erasures.find(USER) == ahead


# One conversation


OTHER = "conversation-2"


def two_calls(stores: Stores) -> None:
    """Write a user with a session in each of two conversations."""
    write_running_call(stores)
    served_session(stores, session="session-2", conversation=OTHER)
    stores.writer.commit_turn(commit(turn(1, session="session-2"), conversation=OTHER))


def begin(stores: Stores, conversation: str = CONVERSATION, *, now_ms: int = NOON_MS) -> Erasure:
    return stores.erasures.begin(USER, now_ms=now_ms, conversation_id=conversation)


def test_the_tombstone_takes_the_place_of_the_header_at_once(stores: Stores) -> None:
    two_calls(stores)

    begun = begin(stores)

    assert begun == begin(stores, now_ms=NOON_MS + 5)
    assert begun == Erasure(USER, NOON_MS, conversation_id=CONVERSATION)
    assert stores.erasures.find(USER, CONVERSATION) == begun
    assert (stores.erasures.find(USER), stores.erasures.find(USER, OTHER)) == (None, None)
    reader = stores.reader
    listed = reader.list_conversations(USER, limit=9)
    assert [one.conversation_id for one in listed] == [OTHER]
    assert [one.conversation_id for one in stores.records.conversations(USER)] == [OTHER]
    assert reader.list_turns(USER, CONVERSATION, after=0, limit=9) is None
    assert reader.load_header(USER, CONVERSATION) is None
    memory = reader.load_memory(USER, CONVERSATION, max_characters=1_000)
    assert (memory.turns, memory.conversation.turn_count) == ((), 0)


@pytest.mark.parametrize("whose", ["nobody's", "another user's"])
def test_a_conversation_that_is_not_the_users_cannot_be_erased(stores: Stores, whose: str) -> None:
    served_session(stores)
    user = "user-ben" if whose == "another user's" else USER
    conversation = CONVERSATION if whose == "another user's" else "unknown"

    with pytest.raises(ConversationUnknown):
        stores.erasures.begin(user, now_ms=NOON_MS, conversation_id=conversation)

    assert stores.erasures.find(user, conversation) is None
    assert len(stores.reader.list_conversations(USER, limit=9)) == 1


def test_only_items_of_the_conversation_are_found(stores: Stores) -> None:
    two_calls(stores)
    stores.openings.open(opening(connection="second", ticket="t2"))
    everything = set(items(stores))
    begin(stores)

    assert stores.erasures.sessions(USER, CONVERSATION) == {SESSION: False}
    connections = {one.connection_id for one in stores.erasures.connections(USER, CONVERSATION)}
    assert connections == {CONNECTION, "second"}
    found = items(stores, conversation=CONVERSATION)
    assert len(set(found)) == len(found)
    assert Counter(item.kind for item in found) == {
        ItemKind.TURNS: 1,
        ItemKind.CALLS: 1,
        ItemKind.CONNECTIONS: 2,
        ItemKind.OPENINGS: 2,
        ItemKind.SESSIONS: 1,
        ItemKind.ACTIVE_SESSIONS: 1,
        ItemKind.WAKES: 1,
        ItemKind.MAILBOX_ENTRIES: 2,
    }
    stores.erasures.delete(USER, found)
    assert items(stores, conversation=CONVERSATION) == []
    assert set(items(stores)) == everything - set(found)


def test_superseded_sessions_are_found_too(stores: Stores) -> None:
    write_running_call(stores)
    stores.openings.open(opening(connection="k2", session="session-2"))
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)
    begin(stores)

    assert stores.erasures.sessions(USER, CONVERSATION) == {SESSION: False, "session-2": False}


def test_no_ticket_restores_an_erased_conversation(stores: Stores) -> None:
    two_calls(stores)
    begin(stores)

    for late in (
        opening(connection="come back"),
        opening(connection="new", session="session-3"),
    ):
        with pytest.raises(ConnectionRefused) as refused:
            stores.openings.open(late)
        assert (refused.value.status, refused.value.reason) == (403, "conversation_erased")
    stores.openings.open(opening(connection="other", session="session-2", conversation=OTHER))

    assert stores.reader.load_header(USER, CONVERSATION) is None
    assert set(stores.erasures.sessions(USER, CONVERSATION)) == {SESSION}


def test_a_turn_that_comes_before_its_session_is_ended_is_refused_as_erased(
    stores: Stores,
) -> None:
    write_running_call(stores)
    begin(stores)

    with pytest.raises(ConversationErased):
        stores.writer.commit_turn(commit(turn(2)))
    fold = SummaryFold(USER, CONVERSATION, read_through=0, through=1, summary="Likes tea.")
    assert not stores.summaries.fold_summary(fold)
    assert ItemKind.SUMMARIES not in {one.kind for one in items(stores, conversation=CONVERSATION)}


def test_each_step_of_a_conversations_erasure_is_stored_and_one_run_continues(
    stores: Stores,
) -> None:
    two_calls(stores)
    begun = begin(stores)
    found = items(stores, conversation=CONVERSATION)

    ahead = stores.erasures.advance(begun, pending=found[:3], settles_at_ms=NOON_MS + 7)
    assert (begin(stores), stores.erasures.find(USER, CONVERSATION)) == (ahead, ahead)
    with pytest.raises(ErasureUnderWay):
        stores.erasures.advance(begun)
    finished = stores.erasures.advance(ahead, finished_at_ms=NOON_MS + 9)

    assert begin(stores) == finished
    assert (finished.pending, finished.settles_at_ms) == ((), None)
    assert sum(finished.deleted.values()) == 3


def test_a_finished_tombstone_of_a_conversation_expires(stores: Stores) -> None:
    write_running_call(stores)
    stores.erasures.advance(begin(stores), finished_at_ms=NOON_MS)
    last_ms = NOON_MS + HEADER_MARGIN_S * 1_000 - 1_000

    assert begin(stores, now_ms=last_ms).finished_at_ms == NOON_MS
    with pytest.raises(ConversationUnknown):
        begin(stores, now_ms=last_ms + 1_000)


def test_an_unfinished_tombstone_of_a_conversation_does_not_expire(stores: Stores) -> None:
    write_running_call(stores)
    begun = begin(stores)

    assert begin(stores, now_ms=NOON_MS + 10 * HEADER_MARGIN_S * 1_000) == begun


def test_erasing_a_user_deletes_the_tombstones_of_conversations(stores: Stores) -> None:
    two_calls(stores)
    begun = begin(stores)
    stores.erasures.begin(USER, now_ms=NOON_MS)

    stores.erasures.delete(USER, items(stores))

    assert items(stores) == []
    assert stores.erasures.find(USER, CONVERSATION) is None
    with pytest.raises(ErasureUnderWay):
        stores.erasures.advance(begun)
    with pytest.raises(ConversationUnknown):
        begin(stores)
    assert items(stores) == []
