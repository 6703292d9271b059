from itertools import permutations

import pytest

from repartee.domain.errors import LeaseLost
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.protocol.recent_input import InputTaken, RecentInput
from repartee.domain.session.state import Connected, UndeliveredTurn, WakeElection
from tests.contract.scenes import (
    CONVERSATION,
    LEASE_MS,
    SESSION,
    USER,
    all_at_once,
    commit,
    opening,
    served_session,
    turn,
)
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

UNTIL_MS = NOON_MS + LEASE_MS


def test_there_is_no_state_before_a_connection_opened_the_session(stores: Stores) -> None:
    assert stores.sessions.load("unknown") is None
    assert (
        stores.sessions.acquire_lease("unknown", owner="w", now_ms=NOON_MS, until_ms=UNTIL_MS)
        is None
    )


def test_a_new_session_has_no_worker(stores: Stores) -> None:
    stores.openings.open(opening())

    state = stores.sessions.load(SESSION)

    assert state is not None
    assert (state.user_id, state.conversation_id) == (USER, CONVERSATION)
    assert (state.epoch, state.owner, state.cursor) == (0, None, 0)
    assert (state.connection_id, state.ended, state.pending_calls) == (None, False, ())
    assert not state.is_lease_held(NOON_MS)


def test_taking_the_lease_raises_the_epoch(stores: Stores) -> None:
    lease = served_session(stores)

    assert (lease.state.epoch, lease.until_ms, lease.is_takeover) == (1, UNTIL_MS, False)
    assert lease.taken_at_ms == NOON_MS
    assert stores.sessions.load(SESSION) == lease.state
    assert lease.state.is_lease_held(UNTIL_MS - 1)
    assert not lease.state.is_lease_held(UNTIL_MS)


def test_a_held_lease_is_not_given_to_another(stores: Stores) -> None:
    served_session(stores)

    assert (
        stores.sessions.acquire_lease(
            SESSION, owner="worker-2", now_ms=UNTIL_MS - 1, until_ms=UNTIL_MS + LEASE_MS
        )
        is None
    )


def test_a_repeated_request_gets_the_same_lease(stores: Stores) -> None:
    lease = served_session(stores)

    again = stores.sessions.acquire_lease(
        SESSION, owner="worker-1", now_ms=NOON_MS, until_ms=UNTIL_MS
    )

    assert again == lease


def test_an_expired_lease_is_taken_over(stores: Stores) -> None:
    served_session(stores)

    lease = stores.sessions.acquire_lease(
        SESSION, owner="worker-2", now_ms=UNTIL_MS, until_ms=UNTIL_MS + LEASE_MS
    )

    assert lease is not None
    assert (lease.state.owner, lease.state.epoch, lease.is_takeover) == ("worker-2", 2, True)
    assert lease.previous_until_ms == UNTIL_MS


def test_taking_a_released_lease_is_no_takeover(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=23, ended=False)

    state = stores.sessions.load(SESSION)
    assert state is not None
    assert (state.owner, state.lease_until_ms, state.epoch, state.cursor) == (None, 0, 1, 23)
    lease = stores.sessions.acquire_lease(
        SESSION, owner="worker-2", now_ms=NOON_MS + 1, until_ms=UNTIL_MS
    )
    assert lease is not None
    assert (lease.state.epoch, lease.is_takeover, lease.previous_until_ms) == (2, False, 0)


def test_an_ended_session_gives_no_lease(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)

    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.ended
    assert (
        stores.sessions.acquire_lease(SESSION, owner="w", now_ms=NOON_MS, until_ms=UNTIL_MS) is None
    )


def test_the_holder_renews_and_keeps_its_epoch(stores: Stores) -> None:
    served_session(stores)

    stores.sessions.renew_lease(SESSION, epoch=1, until_ms=UNTIL_MS + 1_500, cursor=17)

    state = stores.sessions.load(SESSION)
    assert state is not None
    assert (state.lease_until_ms, state.epoch, state.owner) == (UNTIL_MS + 1_500, 1, "worker-1")
    assert state.cursor == 17


def test_the_cursor_never_moves_back_behind_a_commit(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1), cursor=40))

    stores.sessions.renew_lease(SESSION, epoch=1, until_ms=UNTIL_MS + 1_500, cursor=12)
    renewed = stores.sessions.load(SESSION)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=12, ended=False)
    released = stores.sessions.load(SESSION)

    assert renewed is not None
    assert released is not None
    assert (renewed.lease_until_ms, renewed.cursor) == (UNTIL_MS + 1_500, 40)
    assert (released.owner, released.lease_until_ms, released.cursor) == (None, 0, 40)


def test_a_connection_becomes_current_and_is_removed(stores: Stores) -> None:
    served_session(stores)

    stores.sessions.set_connection(SESSION, epoch=1, connection_id="connection-7")
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.connection_id == "connection-7"

    stores.sessions.set_connection(SESSION, epoch=1, connection_id=None)
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.connection_id is None


def test_the_features_of_the_newest_client_outlive_its_connection(stores: Stores) -> None:
    served_session(stores)

    def marks_speech() -> bool:
        state = stores.sessions.load(SESSION)
        assert state is not None
        return state.marks_speech

    def features() -> tuple[str, ...]:
        state = stores.sessions.load(SESSION)
        assert state is not None
        return state.features

    assert (marks_speech(), features()) == (False, ())
    stores.sessions.set_connection(
        SESSION, epoch=1, connection_id="c-1", marks_speech=True, features=("stop", "speech_heard")
    )
    assert (marks_speech(), features()) == (True, ("stop", "speech_heard"))
    stores.sessions.set_connection(SESSION, epoch=1, connection_id=None)
    assert (marks_speech(), features()) == (True, ("stop", "speech_heard"))
    stores.sessions.set_connection(SESSION, epoch=1, connection_id="c-2", features=("stop",))
    assert (marks_speech(), features()) == (False, ("stop",))
    stores.sessions.set_connection(SESSION, epoch=1, connection_id="c-2", marks_speech=True)
    assert (marks_speech(), features()) == (True, ())
    stores.sessions.set_connection(SESSION, epoch=1, connection_id="c-3")
    assert (marks_speech(), features()) == (False, ())


def test_the_end_of_the_greeting_outlives_its_worker(stores: Stores) -> None:
    lease = served_session(stores)
    assert not lease.state.is_greeting_over

    stores.sessions.end_greeting(SESSION, epoch=1)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=False)

    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.is_greeting_over


def test_what_the_client_has_not_received_outlives_the_worker(stores: Stores) -> None:
    served_session(stores)
    missed = (UndeliveredTurn(1, OutputPosition(1, 17)), UndeliveredTurn(2, OutputPosition(2, 30)))

    for turns in (missed, missed[1:], ()):
        stores.sessions.set_undelivered(SESSION, epoch=1, turns=turns)

        state = stores.sessions.load(SESSION)
        assert state is not None
        assert state.undelivered == turns


def test_a_replaced_worker_can_change_nothing(stores: Stores) -> None:
    served_session(stores)
    successor = stores.sessions.acquire_lease(
        SESSION, owner="worker-2", now_ms=UNTIL_MS, until_ms=UNTIL_MS + LEASE_MS
    )
    assert successor is not None

    with pytest.raises(LeaseLost):
        stores.sessions.renew_lease(SESSION, epoch=1, until_ms=UNTIL_MS + 9_000, cursor=99)
    with pytest.raises(LeaseLost):
        stores.sessions.set_connection(SESSION, epoch=1, connection_id="connection-9")
    with pytest.raises(LeaseLost):
        stores.sessions.end_greeting(SESSION, epoch=1)
    with pytest.raises(LeaseLost):
        stores.sessions.set_undelivered(SESSION, epoch=1, turns=())
    with pytest.raises(LeaseLost):
        stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)

    assert stores.sessions.load(SESSION) == successor.state


def test_an_unknown_session_gives_no_lease(stores: Stores) -> None:
    with pytest.raises(LeaseLost):
        stores.sessions.renew_lease("unknown", epoch=0, until_ms=UNTIL_MS, cursor=0)


def test_one_of_twenty_workers_gets_the_lease(stores: Stores) -> None:
    stores.openings.open(opening())

    leases = all_at_once(
        20,
        lambda number: stores.sessions.acquire_lease(
            SESSION, owner=f"worker-{number}", now_ms=NOON_MS, until_ms=UNTIL_MS
        ),
    )

    won = [lease for lease in leases if lease is not None]
    assert [lease.state.epoch for lease in won] == [1]
    assert stores.sessions.load(SESSION) == won[0].state


def test_one_waker_is_elected_per_window(stores: Stores) -> None:
    assert stores.sessions.elect_waker(SESSION, NOON_MS) == WakeElection(won=True)
    assert stores.sessions.elect_waker(SESSION, NOON_MS + 2_999) == WakeElection(won=False)
    assert stores.sessions.elect_waker(SESSION, NOON_MS + 3_000) == WakeElection(
        won=True, unserved_since_ms=NOON_MS
    )


def test_a_wake_that_started_a_worker_counts_as_served(stores: Stores) -> None:
    stores.openings.open(opening())
    stores.sessions.elect_waker(SESSION, NOON_MS)
    stores.sessions.acquire_lease(SESSION, owner="w", now_ms=NOON_MS + 400, until_ms=UNTIL_MS)

    # A message that had read the state just before the lease was taken.
    assert stores.sessions.elect_waker(SESSION, NOON_MS + 401) == WakeElection(won=True)

    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=False)
    assert stores.sessions.elect_waker(SESSION, NOON_MS + 60_000) == WakeElection(won=True)


def test_a_late_release_does_not_undo_an_election(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.elect_waker(SESSION, UNTIL_MS)

    with pytest.raises(LeaseLost):
        stores.sessions.release_lease(SESSION, epoch=0, cursor=0, ended=False)

    assert not stores.sessions.elect_waker(SESSION, UNTIL_MS + 1).won


def test_each_session_elects_its_own_waker(stores: Stores) -> None:
    assert stores.sessions.elect_waker("session-a", NOON_MS).won
    assert stores.sessions.elect_waker("session-b", NOON_MS).won


def test_one_of_twenty_callers_is_elected(stores: Stores) -> None:
    elections = all_at_once(20, lambda _: stores.sessions.elect_waker(SESSION, NOON_MS))

    assert sum(election.won for election in elections) == 1


def test_a_withdrawn_election_leaves_nothing(stores: Stores) -> None:
    stores.sessions.elect_waker(SESSION, NOON_MS)

    stores.sessions.forget_wake(SESSION)
    stores.sessions.forget_wake(SESSION)

    assert stores.sessions.elect_waker(SESSION, NOON_MS + 1) == WakeElection(won=True)


def at(ms: int, connection_id: str) -> Connected:
    return Connected(NOON_MS + ms, connection_id)


@pytest.mark.parametrize("order", list(permutations([at(0, "A"), at(5, "B"), at(5, "C")])))
def test_the_newest_connection_is_current_in_any_order_of_hellos(
    stores: Stores, order: tuple[Connected, ...]
) -> None:
    stores.openings.open(opening())
    replaced = set()
    for place, connection in enumerate(order):
        for _ in range(2):
            outcome = stores.sessions.accept_hello(SESSION, connection)
            assert outcome is not None
            assert outcome.state.newest_hello == max(order[: place + 1])
            if outcome.state.newest_hello == connection:
                replaced.add(outcome.replaced_connection_id)

    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.newest_hello == at(5, "C")
    assert None in replaced


def test_a_hello_returns_the_replaced_connection_and_no_ended_session_changes(
    stores: Stores,
) -> None:
    assert stores.sessions.accept_hello(SESSION, at(0, "A")) is None
    served_session(stores)
    stores.sessions.accept_hello(SESSION, at(0, "A"))

    outcome = stores.sessions.accept_hello(SESSION, at(1, "B"))
    assert outcome is not None
    assert outcome.replaced_connection_id == "A"
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)
    late = stores.sessions.accept_hello(SESSION, at(2, "C"))

    assert late is not None
    assert late.state.ended
    assert late.state.newest_hello == at(1, "B")


def test_the_taken_input_is_written_with_the_cursor_and_never_moves_back(
    stores: Stores,
) -> None:
    served_session(stores)
    first = InputTaken(9, RecentInput(3, (1, 0, 2**32 - 1)))
    second = InputTaken(12, RecentInput(5, (7, 8)))

    def taken_after(cursor: int, taken: InputTaken | None) -> InputTaken | None:
        stores.sessions.renew_lease(SESSION, epoch=1, until_ms=UNTIL_MS, cursor=cursor, taken=taken)
        state = stores.sessions.load(SESSION)
        assert state is not None
        return state.taken

    assert taken_after(0, None) is None
    assert taken_after(3, first) == first
    assert taken_after(3, None) == first
    assert taken_after(2, second) == first
    stores.sessions.release_lease(SESSION, epoch=1, cursor=5, ended=False, taken=second)
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert (state.cursor, state.taken) == (5, second)
