"""Expired items are hidden from readers, and can be erased until they are deleted."""

from collections import Counter
from collections.abc import Callable

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.limits import DAY_MS
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.session.state import Spending, TurnCommit
from repartee.domain.tools.core_calls import (
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.retention import Retention
from tests.contract.scenes import CONVERSATION, SESSION, USER, opening, served_session
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import Stores, TableNames, dynamodb_stores, fake_stores, tables
from tests.fakes.clock import FakeClock
from tests.fakes.tables import FakeTables

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

type Keeping = Callable[[int], Stores]
"""The stores over the same tables and clock, as they are with that many days of retention."""


@pytest.fixture(params=["fake", DYNAMODB_LOCAL, MINISTACK])
def keeping(request: pytest.FixtureRequest):
    if request.param == "fake":
        memory = FakeTables()

        def fakes(days: int) -> Stores:
            memory.retention = Retention(days)
            return fake_stores(memory)

        yield fakes
        return
    servers: Servers = request.getfixturevalue("servers")
    require(servers, request.param)
    client, clock = servers.dynamodb(request.param), FakeClock()
    with tables(client) as names:

        def real(days: int, names: TableNames = names) -> Stores:
            return dynamodb_stores(client, names, retention=Retention(days), clock=clock)

        yield real


def commit_now(stores: Stores, number: int) -> Turn:
    """Commit a turn that ends now."""
    now_ms = stores.clock.now_ms()
    turn = Turn(number, SESSION, now_ms - 2_000, now_ms, f"heard {number}", f"said {number}")
    stores.writer.commit_turn(TurnCommit(USER, CONVERSATION, SESSION, 1, turn, 0, now_ms))
    return turn


def ask_now(stores: Stores, turn: int) -> None:
    """Store the answer of a turn's call now."""
    now_ms, key = stores.clock.now_ms(), ToolCallKey(turn, 1)
    request = CoreRequest(USER, CONVERSATION, SESSION, 1, key, "h", "q", "en-US", now_ms + 1_000)
    stores.calls.claim(request, now_ms=now_ms, until_ms=now_ms + 1_000)
    answer = CoreAnswer(ToolCallStatus.DONE, f"answer {turn}")
    stores.calls.finish(CONVERSATION, Exchange(key, "h", "q", answer, "[]", now_ms))


def days_pass(stores: Stores, days: float) -> None:
    stores.clock.advance(round(days * DAY_MS))


def numbers(stores: Stores) -> list[int] | None:
    turns = stores.reader.list_turns(USER, CONVERSATION, after=0, limit=99)
    return None if turns is None else [turn.number for turn in turns]


def exported(stores: Stores) -> Counter[str]:
    return Counter(
        type(entry.record).__name__
        for header in stores.records.conversations(USER)
        for entry in stores.records.entries(header.conversation_id)
    )


def kinds(stores: Stores) -> Counter[ItemKind]:
    """Return the kinds of items that an erasure finds, without sessions."""
    wanted = {
        ItemKind.CONVERSATIONS,
        ItemKind.TURNS,
        ItemKind.CALLS,
        ItemKind.USAGE_DAYS,
        ItemKind.NOTES,
    }
    found = stores.erasures.items(USER)
    return Counter(item.kind for item in found if item.kind in wanted)


def test_nothing_expires_by_default(keeping: Keeping) -> None:
    stores = keeping(0)
    served_session(stores)
    commit_now(stores, 1)
    ask_now(stores, 2)

    days_pass(stores, 10_000)

    assert numbers(stores) == [1]
    assert len(stores.reader.list_conversations(USER, limit=9)) == 1
    assert len(stores.calls.recent(CONVERSATION, limit=9)) == 1
    assert len(stores.usage.days(USER, limit=9)) == 1
    assert exported(stores) == {"Turn": 1, "ToolCallRecord": 1}


def test_turns_expire_one_by_one_while_their_conversation_continues(keeping: Keeping) -> None:
    stores = keeping(30)
    served_session(stores)
    commit_now(stores, 1)
    ask_now(stores, 1)
    days_pass(stores, 20)
    second = commit_now(stores, 2)
    ask_now(stores, 2)
    # A call's retention counts from the end of its claim, a second later.
    stores.clock.advance(10 * DAY_MS + 1_000)

    assert numbers(stores) == [2]
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=10_000)
    assert memory.turns == (second,)
    assert memory.conversation.turn_count == 2
    assert [one.answer.answer for one in stores.calls.recent(CONVERSATION, limit=9)] == ["answer 2"]
    assert len(stores.usage.days(USER, limit=9)) == 1
    assert exported(stores) == {"Turn": 1, "ToolCallRecord": 1}
    # An erasure still finds expired items that are not deleted.
    assert kinds(stores)[ItemKind.TURNS] == 2


def test_a_conversation_disappears_with_its_last_turn_and_can_still_be_erased(
    keeping: Keeping,
) -> None:
    stores = keeping(30)
    served_session(stores)
    commit_now(stores, 1)
    stores.clock.advance(30 * DAY_MS - 1_000)
    assert numbers(stores) == [1]
    assert stores.reader.load_header(USER, CONVERSATION) is not None

    stores.clock.advance(1_000)

    assert numbers(stores) is None
    assert stores.reader.load_header(USER, CONVERSATION) is None
    assert list(stores.reader.list_conversations(USER, limit=9)) == []
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=10_000)
    assert (memory.conversation.version, memory.turns) == (0, ())
    assert exported(stores) == {}
    assert list(stores.usage.days(USER, limit=9)) == []
    assert kinds(stores) == {
        ItemKind.CONVERSATIONS: 1,
        ItemKind.TURNS: 1,
        ItemKind.USAGE_DAYS: 1,
    }


def test_notes_and_preferences_do_not_expire(keeping: Keeping) -> None:
    stores = keeping(1)
    served_session(stores)
    stores.notes.add(USER, "likes mornings", noted_at_ms=stores.clock.now_ms())

    days_pass(stores, 10_000)

    assert [note.text for note in stores.notes.newest(USER, limit=9)] == ["likes mornings"]


def test_an_expired_summary_is_replaced(keeping: Keeping) -> None:
    stores = keeping(30)
    served_session(stores)
    commit_now(stores, 1)
    assert stores.summaries.fold_summary(SummaryFold(USER, CONVERSATION, 0, 1, "old"))
    days_pass(stores, 20)
    commit_now(stores, 2)
    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.summary, header.summary_through) == ("old", 1)
    assert not stores.summaries.fold_summary(SummaryFold(USER, CONVERSATION, 0, 2, "too early"))

    days_pass(stores, 10)
    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.summary, header.summary_through) == ("", 0)
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=10_000)
    assert memory.conversation.summary == ""
    assert exported(stores) == {"Turn": 1}

    assert stores.summaries.fold_summary(SummaryFold(USER, CONVERSATION, 0, 2, "new"))
    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.summary, header.summary_through) == ("new", 2)


def test_usage_outside_turns_expires_with_its_day(keeping: Keeping) -> None:
    stores = keeping(30)
    served_session(stores)
    turn = commit_now(stores, 1)
    stores.clock.advance(3_600_000)
    spent = Spending(USER, SESSION, "t", stores.clock.now_ms(), TokenUsage(), turn.cost_usd)
    stores.usage.add(spent)

    stores.clock.advance(30 * DAY_MS - 3_600_000)
    assert len(stores.usage.days(USER, limit=9)) == 1
    stores.clock.advance(3_600_000)
    assert list(stores.usage.days(USER, limit=9)) == []


def test_a_shorter_retention_keeps_the_header_of_longer_lived_turns(
    keeping: Keeping,
) -> None:
    served_session(keeping(300))
    commit_now(keeping(300), 1)
    stores = keeping(3)
    commit_now(stores, 2)
    stores.openings.open(opening(connection="again", session="session-2", ticket="t2"))
    commit_now(stores, 3)
    assert numbers(stores) == [1, 2, 3]

    days_pass(stores, 3)
    assert numbers(stores) == [1]
    days_pass(stores, 296)
    assert numbers(stores) == [1]
    days_pass(stores, 1)
    assert numbers(stores) is None


def test_a_conversation_with_turns_that_never_expire_keeps_its_header(keeping: Keeping) -> None:
    served_session(keeping(0))
    commit_now(keeping(0), 1)
    stores = keeping(3)
    committed = commit_now(stores, 2)
    # Again, as after a lost answer.
    again = TurnCommit(USER, CONVERSATION, SESSION, 1, committed, 0, stores.clock.now_ms())
    stores.writer.commit_turn(again)

    days_pass(stores, 10_000)

    assert numbers(stores) == [1]


def test_without_retention_new_items_do_not_expire(keeping: Keeping) -> None:
    served_session(keeping(3))
    commit_now(keeping(3), 1)
    stores = keeping(0)
    commit_now(stores, 2)

    days_pass(stores, 10_000)

    assert numbers(stores) == [2]
    assert len(stores.usage.days(USER, limit=9)) == 1


def test_a_resumed_conversation_stays_in_the_list(keeping: Keeping) -> None:
    stores = keeping(30)
    served_session(stores)
    days_pass(stores, 20)
    stores.openings.open(
        opening(
            connection="again",
            session="session-2",
            ticket="t2",
            opened_at_ms=stores.clock.now_ms(),
        )
    )

    days_pass(stores, 20)
    assert stores.reader.load_header(USER, CONVERSATION) is not None
    days_pass(stores, 10)
    assert stores.reader.load_header(USER, CONVERSATION) is None
