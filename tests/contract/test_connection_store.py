from dataclasses import replace

import pytest

from repartee.domain.errors import ConnectionRefused
from repartee.domain.session.state import Connected, ConnectionOpening, OpenedConnection
from tests.contract.scenes import (
    CONVERSATION,
    SESSION,
    USER,
    all_at_once,
    opening,
    served_session,
)
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

TWO_HOURS_MS = 2 * 3_600_000
QUARTER_HOUR_MS = 900_000


def refusal(stores: Stores, refused: ConnectionOpening) -> tuple[int, str]:
    """Return the status and the reason with which an opening is refused."""
    with pytest.raises(ConnectionRefused) as caught:
        stores.openings.open(refused)
    return caught.value.status, caught.value.reason


def active(stores: Stores, now_ms: int = NOON_MS) -> int:
    return len(stores.connections.active_sessions(USER, now_ms=now_ms))


def test_the_first_connection_makes_session_and_conversation(stores: Stores) -> None:
    opened = stores.openings.open(opening())

    assert opened == OpenedConnection(is_new_session=True)
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=999)
    assert memory.conversation.live_session_id == SESSION
    assert memory.conversation.created_at_ms == NOON_MS
    assert (memory.conversation.title, memory.conversation.turn_count) == ("", 0)
    assert active(stores) == 1


def test_a_second_connection_joins_its_session(stores: Stores) -> None:
    lease = served_session(stores)

    opened = stores.openings.open(opening(connection="connection-2"))

    assert opened == OpenedConnection(is_new_session=False)
    both = ("connection-of-session-1", "connection-2")
    assert stores.sessions.load(SESSION) == replace(lease.state, open_connections=both)
    assert active(stores) == 1


def test_a_ticket_opens_one_connection(stores: Stores) -> None:
    stores.openings.open(opening(ticket="ticket-1"))

    again = opening(connection="connection-2", ticket="ticket-1")
    assert refusal(stores, again) == (403, "ticket_spent")
    elsewhere = opening(
        connection="connection-3", ticket="ticket-1", session="s-3", conversation="c-3"
    )
    assert refusal(stores, elsewhere) == (403, "ticket_spent")
    assert refusal(stores, opening(ticket="ticket-1")) == (403, "ticket_spent")
    assert stores.sessions.load("s-3") is None
    assert stores.connections.close("connection-2") is None


def test_one_of_twenty_openings_with_one_ticket_succeeds(stores: Stores) -> None:
    def attempt(number: int) -> str:
        try:
            stores.openings.open(
                opening(
                    connection=f"connection-{number}",
                    session=f"session-{number}",
                    conversation=f"conversation-{number}",
                    ticket="ticket-1",
                    max_sessions=100,
                )
            )
        except ConnectionRefused as refused:
            return refused.reason
        return "opened"

    outcomes = all_at_once(20, attempt)

    assert sorted(outcomes) == ["opened"] + ["ticket_spent"] * 19
    assert active(stores) == 1


def test_the_number_of_open_sessions_is_capped(stores: Stores) -> None:
    for number in range(3):
        stores.openings.open(
            opening(
                connection=f"connection-{number}",
                session=f"session-{number}",
                conversation=f"conversation-{number}",
            )
        )
    fourth = opening(connection="connection-4", session="session-4", conversation="conversation-4")

    assert refusal(stores, fourth) == (429, "too_many_sessions")
    assert stores.sessions.load("session-4") is None

    stores.connections.end_session(USER, "session-0")
    assert active(stores) == 2
    assert stores.openings.open(fourth).is_new_session, "the refusal left its ticket unspent"


def test_the_cap_allows_a_session_to_come_back(stores: Stores) -> None:
    stores.openings.open(opening(max_sessions=1))

    assert not stores.openings.open(
        opening(connection="connection-2", max_sessions=1)
    ).is_new_session


def test_the_cap_does_not_count_the_session_that_is_replaced(stores: Stores) -> None:
    stores.openings.open(opening(max_sessions=1))

    opened = stores.openings.open(
        opening(connection="connection-2", session="session-2", max_sessions=1)
    )

    assert opened == OpenedConnection(is_new_session=True, superseded_session_id=SESSION)
    assert active(stores) == 1


def test_the_cap_holds_among_concurrent_openings(stores: Stores) -> None:
    def attempt(number: int) -> str:
        try:
            stores.openings.open(
                opening(
                    connection=f"connection-{number}",
                    session=f"session-{number}",
                    conversation=f"conversation-{number}",
                    max_sessions=2,
                )
            )
        except ConnectionRefused as refused:
            return refused.reason
        return "opened"

    outcomes = all_at_once(6, attempt)

    assert sorted(outcomes) == ["opened"] * 2 + ["too_many_sessions"] * 4
    assert active(stores) == 2


def test_sessions_are_counted_per_user(stores: Stores) -> None:
    stores.openings.open(opening(max_sessions=1))

    assert stores.openings.open(
        opening(
            connection="connection-b",
            user="user-bob",
            session="session-b",
            conversation="conversation-b",
            max_sessions=1,
        )
    ).is_new_session
    assert active(stores) == 1


def test_a_session_without_connections_for_two_hours_is_not_counted(stores: Stores) -> None:
    stores.openings.open(opening())

    assert active(stores, NOON_MS + TWO_HOURS_MS) == 1
    later_ms = NOON_MS + TWO_HOURS_MS + QUARTER_HOUR_MS
    assert active(stores, later_ms) == 0

    stores.openings.open(opening(connection="connection-2", opened_at_ms=later_ms))
    assert active(stores, later_ms) == 1


def test_a_newer_session_takes_the_conversation_over(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.openings.open(opening(connection="connection-2", session="session-2"))

    header = stores.reader.load_memory(USER, CONVERSATION, max_characters=0).conversation
    assert header.live_session_id == "session-2"
    back = opening(connection="connection-3")
    assert refusal(stores, back) == (409, "superseded")
    assert stores.openings.open(
        opening(connection="connection-4", session="session-4", ticket=back.ticket_id)
    ) == OpenedConnection(is_new_session=True, superseded_session_id="session-2")


def test_each_of_several_concurrent_takeovers_replaces_another_session(stores: Stores) -> None:
    stores.openings.open(opening(session="session-start"))

    opened = all_at_once(
        4,
        lambda number: stores.openings.open(
            opening(connection=f"connection-{number}-b", session=f"session-{number}")
        ),
    )

    replaced = [outcome.superseded_session_id for outcome in opened]
    header = stores.reader.load_memory(USER, CONVERSATION, max_characters=0).conversation
    everyone = {"session-start", *(f"session-{number}" for number in range(4))}
    assert len(set(replaced)) == 4
    assert {*replaced, header.live_session_id} == everyone
    assert active(stores) == 1


def test_an_ended_session_cannot_be_opened(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)
    stores.connections.end_session(USER, SESSION)

    assert refusal(stores, opening(connection="connection-2")) == (409, "session_ended")
    assert active(stores) == 0


def test_another_users_session_cannot_be_opened(stores: Stores) -> None:
    stores.openings.open(opening())

    thief = opening(connection="connection-2", user="user-bob")
    assert refusal(stores, thief) == (403, "session_of_another_user")
    assert stores.reader.list_conversations("user-bob", limit=5) == []


def test_equal_conversation_ids_of_two_users_are_two_conversations(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.openings.open(opening(connection="c-2", user="user-bob", session="session-b"))

    ann = stores.reader.load_memory(USER, CONVERSATION, max_characters=0).conversation
    bob = stores.reader.load_memory("user-bob", CONVERSATION, max_characters=0).conversation
    assert (ann.live_session_id, bob.live_session_id) == (SESSION, "session-b")


def test_an_erased_user_gets_no_connection(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.erase(USER, NOON_MS)

    assert refusal(stores, opening(connection="connection-2")) == (403, "user_erased")
    new = opening(connection="connection-3", session="session-3", conversation="conversation-3")
    assert refusal(stores, new) == (403, "user_erased")
    assert stores.sessions.load("session-3") is None


def test_closing_a_connection_names_its_session_once(stores: Stores) -> None:
    stores.openings.open(opening(connection="connection="))

    assert stores.connections.close("connection=") == SESSION
    assert stores.connections.close("connection=") is None
    assert stores.connections.close("unknown") is None


def lapse(stores: Stores, connection: str, expires_at_ms: int = NOON_MS + 30_000) -> None:
    stores.connections.set_session_expiry(
        USER, SESSION, connection_id=connection, expires_at_ms=expires_at_ms
    )


def test_a_session_without_a_connection_counts_until_it_lapses(stores: Stores) -> None:
    stores.openings.open(opening())

    lapse(stores, "connection-1")
    lapse(stores, "connection-1", NOON_MS + 60_000)

    assert active(stores, NOON_MS + 29_999) == 1
    assert active(stores, NOON_MS + 30_000) == 0


def test_a_rejoined_session_does_not_lapse_with_its_old_connection(
    stores: Stores,
) -> None:
    stores.openings.open(opening())
    stores.openings.open(opening(connection="connection-2"))

    lapse(stores, "connection-1")

    assert active(stores, NOON_MS + TWO_HOURS_MS) == 1


def test_a_lapsed_session_counts_again_when_it_is_rejoined(stores: Stores) -> None:
    stores.openings.open(opening())
    lapse(stores, "connection-1", NOON_MS)
    assert active(stores) == 0

    stores.openings.open(opening(connection="connection-2"))

    assert active(stores, NOON_MS + TWO_HOURS_MS) == 1


def test_lapsed_sessions_cannot_bypass_the_cap(stores: Stores) -> None:
    stores.openings.open(opening())
    lapse(stores, "connection-1", NOON_MS)
    other = opening(connection="c-2", session="session-2", conversation="c-2", max_sessions=1)
    stores.openings.open(other)

    back = opening(connection="connection-3", max_sessions=1)
    assert refusal(stores, back) == (429, "too_many_sessions")

    stores.connections.end_session(USER, "session-2")
    assert not stores.openings.open(back).is_new_session


def test_the_cap_limits_lapsed_sessions_that_come_back_at_once(
    stores: Stores,
) -> None:
    def at(number: int, connection: str, max_sessions: int) -> ConnectionOpening:
        return opening(
            connection=f"{connection}-{number}",
            session=f"session-{number}",
            conversation=f"conversation-{number}",
            max_sessions=max_sessions,
        )

    for number in range(5):
        stores.openings.open(at(number, "first", 5))
        stores.connections.set_session_expiry(
            USER, f"session-{number}", connection_id=f"first-{number}", expires_at_ms=NOON_MS
        )

    def come_back(number: int) -> bool:
        try:
            stores.openings.open(at(number, "second", 2))
        except ConnectionRefused:
            return False
        return True

    assert sum(all_at_once(5, come_back)) == 2
    assert active(stores) == 2


def test_an_unknown_session_does_not_count_after_it_lapses(stores: Stores) -> None:
    lapse(stores, "connection-1")

    assert active(stores) == 0


def test_refused_messages_are_counted_per_connection(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.openings.open(opening(connection="connection-2"))

    assert [stores.connections.count_refusal("connection-1") for _ in range(3)] == [1, 2, 3]
    assert stores.connections.count_refusal("connection-2") == 1


def test_nothing_is_counted_for_a_connection_that_is_closed(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.connections.close("connection-1")

    assert stores.connections.count_refusal("connection-1") == 0
    assert stores.connections.close("connection-1") is None


def test_ending_an_unknown_session_is_no_error(stores: Stores) -> None:
    stores.connections.end_session(USER, "unknown")

    assert active(stores) == 0


def test_connections_that_open_at_once_are_all_listed(stores: Stores) -> None:
    stores.openings.open(opening())
    names = [f"connection-{number}" for number in range(2, 7)]

    opened = all_at_once(5, lambda number: stores.openings.open(opening(connection=names[number])))

    state = stores.sessions.load(SESSION)
    assert state is not None
    surplus = [one for each in opened for one in each.surplus_connection_ids]
    assert sorted([*surplus, *state.open_connections]) == ["connection-1", *names]
    assert len(state.open_connections) == 3


def test_the_current_connection_is_kept_at_any_age(stores: Stores) -> None:
    names = [f"connection-{number}" for number in range(1, 6)]
    stores.openings.open(opening(connection=names[0]))
    stores.sessions.accept_hello(SESSION, Connected(NOON_MS, names[0]))

    opened = [stores.openings.open(opening(connection=name)) for name in names[1:]]

    surplus = [one for each in opened for one in each.surplus_connection_ids]
    assert surplus == names[1:3]
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.open_connections == (names[0], *names[3:])
