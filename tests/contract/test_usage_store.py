from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.errors import LeaseLost, UserErased
from repartee.domain.session.state import Spending
from tests.contract.scenes import (
    CONVERSATION,
    SESSION,
    USER,
    all_at_once,
    commit,
    served_session,
    turn,
)
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

TODAY, TOMORROW = date(2026, 11, 20), date(2026, 11, 21)
DAY_MS = 86_400_000


def spending(token: str = "t" * 36, *, session: str = SESSION, user: str = USER) -> Spending:
    return Spending(user, session, token, NOON_MS, TokenUsage(1, 2, 3, 4), Decimal("0.25"))


def commit_paid(stores: Stores, number: int, cost_usd: str, *, days: int = 0) -> None:
    paid = replace(turn(number), usage=TokenUsage(10, 20, 30, 40), cost_usd=Decimal(cost_usd))
    committed = commit(paid)
    later_ms = committed.committed_at_ms + days * DAY_MS
    stores.writer.commit_turn(replace(committed, committed_at_ms=later_ms))


def test_a_new_user_has_no_usage(stores: Stores) -> None:
    assert stores.usage.of_day(USER, TODAY) == DayUsage(TODAY)
    assert list(stores.usage.days(USER, limit=10)) == []


def test_commits_count_in_their_utc_day(stores: Stores) -> None:
    served_session(stores)

    commit_paid(stores, 1, "0.1")
    commit_paid(stores, 2, "0.2")
    commit_paid(stores, 3, "0.4", days=1)

    today = DayUsage(TODAY, 2, 4_000, TokenUsage(20, 40, 60, 80), Decimal("0.3"))
    tomorrow = DayUsage(TOMORROW, 1, 2_000, TokenUsage(10, 20, 30, 40), Decimal("0.4"))
    assert stores.usage.of_day(USER, TODAY) == today
    assert stores.usage.of_day(USER, TOMORROW) == tomorrow
    assert list(stores.usage.days(USER, limit=10)) == [tomorrow, today]
    assert list(stores.usage.days(USER, limit=1)) == [tomorrow]


def test_a_commit_does_not_count_the_bill_that_core_agent_has_counted(stores: Stores) -> None:
    served_session(stores)
    core = Bill(TokenUsage(1, 2, 3, 4), Decimal("0.25"))
    stores.usage.add(spending())

    paid = replace(turn(1), usage=TokenUsage(10, 20, 30, 40), cost_usd=Decimal("0.4"))
    stores.writer.commit_turn(replace(commit(paid), core_bill=core))

    used = stores.usage.of_day(USER, TODAY)
    assert used == DayUsage(TODAY, 1, 2_000, TokenUsage(10, 20, 30, 40), Decimal("0.4"))
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.cost_usd == Decimal("0.4")
    (kept,) = stores.reader.list_turns(USER, CONVERSATION, after=0, limit=10) or ()
    assert (kept.usage, kept.cost_usd) == (paid.usage, paid.cost_usd)


def test_a_turn_that_is_committed_twice_is_counted_once(stores: Stores) -> None:
    served_session(stores)

    commit_paid(stores, 1, "0.1")
    commit_paid(stores, 1, "0.1")

    assert stores.usage.of_day(USER, TODAY).turns == 1


def test_spending_outside_turns_counts_in_day_and_session(stores: Stores) -> None:
    served_session(stores)
    commit_paid(stores, 1, "0.1")

    stores.usage.add(spending())

    used = stores.usage.of_day(USER, TODAY)
    assert used == DayUsage(TODAY, 1, 2_000, TokenUsage(11, 22, 33, 44), Decimal("0.35"))
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert (state.talk_ms, state.cost_usd) == (2_000, Decimal("0.35"))


def test_a_repeated_spending_is_counted_once(stores: Stores) -> None:
    served_session(stores)

    all_at_once(5, lambda _: stores.usage.add(spending()))
    stores.usage.add(spending("u" * 36))

    assert stores.usage.of_day(USER, TODAY).cost_usd == Decimal("0.5")


def test_spendings_of_several_workers_are_all_counted(stores: Stores) -> None:
    served_session(stores)

    all_at_once(5, lambda number: stores.usage.add(spending(f"token-{number}")))

    assert stores.usage.of_day(USER, TODAY).cost_usd == Decimal("1.25")


def test_a_worker_that_was_replaced_counts_nothing(stores: Stores) -> None:
    lease = served_session(stores)
    mine = replace(spending(), epoch=lease.state.epoch)

    with pytest.raises(LeaseLost):
        stores.usage.add(replace(mine, epoch=lease.state.epoch - 1))
    assert list(stores.usage.days(USER, limit=10)) == []

    stores.usage.add(mine)
    assert stores.usage.of_day(USER, TODAY).cost_usd == Decimal("0.25")


def test_nothing_is_counted_for_an_erased_user(stores: Stores) -> None:
    served_session(stores)
    stores.erase(USER, NOON_MS)

    with pytest.raises(UserErased):
        stores.usage.add(spending())

    assert list(stores.usage.days(USER, limit=10)) == []


def test_spending_counts_in_the_day_even_if_the_session_was_deleted(stores: Stores) -> None:
    """Otherwise a user could reset a limit by erasing the conversation."""
    for _ in range(2):
        stores.usage.add(spending(session="unknown"))

    assert stores.sessions.load("unknown") is None
    assert stores.usage.of_day(USER, TODAY).cost_usd == Decimal("0.25")

    with pytest.raises(LeaseLost):
        stores.usage.add(replace(spending("another", session="unknown"), epoch=1))
    stores.erase(USER, NOON_MS)
    with pytest.raises(UserErased):
        stores.usage.add(spending("a third", session="unknown"))


def test_usage_is_separate_for_each_user(stores: Stores) -> None:
    served_session(stores)
    commit_paid(stores, 1, "0.1")

    assert list(stores.usage.days("user-bob", limit=10)) == []
    assert stores.usage.of_day("user-bob", TODAY).turns == 0
