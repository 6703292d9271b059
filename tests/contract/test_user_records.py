from datetime import time
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.front_desk.bookings import Booking, Slot
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.export import Entry, ModelMessage, SummaryRecord, ToolCallRecord
from tests.contract.scenes import CONVERSATION, SESSION, USER, commit, opening, served_session, turn
from tests.contract.stores import DESK_DAY, Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ANSWER = CoreAnswer(
    ToolCallStatus.DONE, "Booked.", bill=Bill(TokenUsage(7, 0, 3, 0), Decimal("0.0125"))
)
TOOL = BegunTool("book", '{"day": "2026-11-27"}')
MESSAGES_JSON = '[{"type": "ai", "data": {"content": "Booked."}}]'
MESSAGES = (ModelMessage("model", None, "Booked."),)


def request(
    turn_number: int, index: int = 1, *, question: str = "q", digest: str = "h"
) -> CoreRequest:
    key = ToolCallKey(turn_number, index)
    return CoreRequest(
        USER, CONVERSATION, SESSION, 1, key, digest, question, "en-US", NOON_MS + 9_000
    )


def ask(stores: Stores, asked: CoreRequest) -> None:
    """Claim a call, begin a tool and finish it."""
    stores.calls.claim(asked, now_ms=NOON_MS, until_ms=NOON_MS + 9_000)
    stores.calls.begin_tool(CONVERSATION, asked.key, asked.arguments_hash, TOOL)
    stores.calls.finish(
        CONVERSATION,
        Exchange(
            asked.key, asked.arguments_hash, asked.question, ANSWER, MESSAGES_JSON, NOON_MS + 5
        ),
    )


def entries(stores: Stores, *, after: str = "") -> list[Entry]:
    return list(stores.records.entries(CONVERSATION, after=after))


def test_only_the_users_conversations_are_read_in_order_of_id(stores: Stores) -> None:
    for name in ("c2", "c1", "c3"):
        stores.openings.open(
            opening(connection=f"of-{name}", session=f"s-{name}", conversation=name)
        )
    served_session(stores, user="user-ben", session="session-b", conversation="c0")

    def found(**first: str) -> list[str]:
        mine = stores.records.conversations(USER, **first)
        return [header.conversation_id for header in mine]

    assert found() == ["c1", "c2", "c3"]
    assert found(first="c2") == ["c2", "c3"]
    assert found(first="c2x") == ["c3"]
    assert found(first="c4") == []
    assert list(stores.records.conversations("nobody")) == []
    (first, *_) = stores.records.conversations(USER)
    assert first == stores.reader.load_header(USER, "c1")


def test_calls_come_first_then_the_summary_and_the_turns_each_in_order(stores: Stores) -> None:
    served_session(stores)
    for number in (1, 2):
        ask(stores, request(number))
        stores.writer.commit_turn(commit(turn(number, heard=f"heard {number}")))

    stores.summaries.fold_summary(SummaryFold(USER, CONVERSATION, 0, 1, "in short"))

    records = [entry.record for entry in entries(stores)]

    assert records == [
        ToolCallRecord(ToolCallKey(1, 1), "q", (TOOL,), ANSWER, NOON_MS + 5, MESSAGES),
        ToolCallRecord(ToolCallKey(2, 1), "q", (TOOL,), ANSWER, NOON_MS + 5, MESSAGES),
        SummaryRecord("in short", 1),
        turn(1, heard="heard 1"),
        turn(2, heard="heard 2"),
    ]


def test_a_call_that_was_cut_off_has_no_answer(stores: Stores) -> None:
    served_session(stores)
    stores.calls.claim(request(1), now_ms=NOON_MS, until_ms=NOON_MS + 9_000)

    assert [entry.record for entry in entries(stores)] == [
        ToolCallRecord(ToolCallKey(1, 1), "q", (), None, None)
    ]


def test_a_call_whose_key_another_question_took_is_read_too(stores: Stores) -> None:
    served_session(stores)
    ask(stores, request(1, question="first", digest="a" * 64))
    ask(stores, request(1, question="second", digest="b" * 64))

    records = [entry.record for entry in entries(stores)]

    assert [one.question for one in records if isinstance(one, ToolCallRecord)] == [
        "second",
        "first",
    ]


def test_reading_continues_after_any_entry(stores: Stores) -> None:
    served_session(stores)
    ask(stores, request(1, question="first", digest="a" * 64))
    ask(stores, request(1, question="second", digest="b" * 64))
    for number in (1, 2, 3):
        stores.writer.commit_turn(commit(turn(number)))
    whole = entries(stores)
    assert len(whole) == 5

    for index, entry in enumerate(whole):
        assert entries(stores, after=entry.place) == whole[index + 1 :]


def test_a_conversation_longer_than_a_page_of_a_query_is_read_to_its_end(stores: Stores) -> None:
    served_session(stores)
    long = "x" * 90_000
    for number in range(1, 14):
        stores.writer.commit_turn(commit(turn(number, heard=long)))

    numbers = [entry.record.number for entry in entries(stores) if isinstance(entry.record, Turn)]

    assert numbers == list(range(1, 14))


def test_bookings_come_in_order_of_time(stores: Stores) -> None:
    late, early = Slot(DESK_DAY, time(15)), Slot(DESK_DAY, time(10))
    for slot in (late, early):
        stores.desk.book(USER, slot, reason="a cut", booked_at_ms=NOON_MS)
    stores.desk.book("user-ben", Slot(DESK_DAY, time(11)), reason="", booked_at_ms=NOON_MS)

    assert list(stores.records.bookings(USER)) == [
        Booking(USER, early, "a cut", NOON_MS),
        Booking(USER, late, "a cut", NOON_MS),
    ]
    assert list(stores.records.bookings("nobody")) == []
