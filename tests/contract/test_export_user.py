"""An export contains every kind of item that it lists as exported, page by page."""

from datetime import time
from decimal import Decimal

import pytest

from repartee.application.users import export_user
from repartee.application.users.export_user import UserExporter
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.session.state import Spending
from repartee.domain.tools.core_calls import (
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.export import EXPORTED, NOT_EXPORTED, ExportPage, ExportPosition
from repartee.domain.users.preferences import PreferenceChanges
from tests.contract.scenes import CONVERSATION, SESSION, USER, commit, opening, served_session, turn
from tests.contract.stores import DESK_DAY, Order, Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

# A text that the export holds for each kind of item, and for the profile.
MARKS = {
    ItemKind.CONVERSATIONS: "marked title",
    ItemKind.TURNS: "marked reply",
    ItemKind.CALLS: "marked answer",
    ItemKind.SUMMARIES: "marked summary",
    ItemKind.USAGE_DAYS: "text_in=4711",
    ItemKind.NOTES: "marked note",
    ItemKind.BOOKINGS: "marked reason",
    ItemKind.TOOL_RECORDS: "marked state",
}
PROFILE_MARK = "marked style"


def used_account(stores: Stores, *, user: str = USER, suffix: str = "") -> None:
    """Write a user with items of every kind."""
    session, conversation = f"{SESSION}{suffix}", f"{CONVERSATION}{suffix}"
    served_session(stores, user=user, session=session, conversation=conversation)
    key = ToolCallKey(1, 1)
    asked = CoreRequest(user, conversation, session, 1, key, "h", "q", "en-US", NOON_MS + 9_000)
    stores.calls.claim(asked, now_ms=NOON_MS, until_ms=NOON_MS + 9_000)
    answer = CoreAnswer(ToolCallStatus.DONE, f"marked answer{suffix}")
    stores.calls.finish(conversation, Exchange(key, "h", "q", answer, "[]", NOON_MS))
    said = turn(1, session=session, heard=f"marked title{suffix}", said=f"marked reply{suffix}")
    stores.writer.commit_turn(commit(said, user=user, conversation=conversation))
    fold = SummaryFold(user, conversation, 0, 1, f"marked summary{suffix}")
    assert stores.summaries.fold_summary(fold)
    tokens = TokenUsage(text_in=4711)
    stores.usage.add(Spending(user, session, f"token{suffix}", NOON_MS, tokens, said.cost_usd))
    stores.notes.add(user, f"marked note{suffix}", noted_at_ms=NOON_MS)
    stores.profiles.change(user, PreferenceChanges(style=f"marked style{suffix}"))
    stores.orders.put(user, "42", Order(state=f"marked state{suffix}"))
    slot = Slot(DESK_DAY, time(11 if suffix else 10))
    stores.desk.book(user, slot, reason=f"marked reason{suffix}", booked_at_ms=NOON_MS)


def exporter(stores: Stores) -> UserExporter:
    return UserExporter(stores.records, stores.profiles, stores.notes, stores.usage)


def pages(stores: Stores, *, size_bytes: int = 1) -> list[ExportPage]:
    """Return all pages, with ``size_bytes`` as the size of each record."""
    found: list[ExportPage] = []
    position: ExportPosition | None = None
    while not found or position is not None:
        found.append(exporter(stores).export(USER, position, size_bytes=lambda _: size_bytes))
        position = found[-1].following
    return found


def test_every_kind_of_item_is_exported_or_omitted_for_a_reason() -> None:
    """A new kind of item fails here until it is added to one of the two lists."""
    assert EXPORTED | set(NOT_EXPORTED) == set(ItemKind)
    assert not EXPORTED & set(NOT_EXPORTED)
    assert all(NOT_EXPORTED.values())


def test_something_of_every_exported_kind_is_in_the_export(stores: Stores) -> None:
    assert set(MARKS) == EXPORTED
    used_account(stores)

    (page,) = pages(stores)

    shown = repr(page)
    assert [kind for kind, mark in MARKS.items() if mark not in shown] == []
    assert PROFILE_MARK in shown
    # An erasure finds only these kinds. The fakes have no items for bookings and summaries.
    kinds = {item.kind for item in stores.erasures.items(USER)}
    assert kinds <= EXPORTED | set(NOT_EXPORTED)
    assert kinds >= EXPORTED - {ItemKind.BOOKINGS, ItemKind.SUMMARIES}


def test_an_export_holds_nothing_of_another_user(stores: Stores) -> None:
    used_account(stores)
    used_account(stores, user="user-ben", suffix="-of-ben")

    (page,) = pages(stores)

    assert "-of-ben" not in repr(page)
    assert "user-ben" not in repr(page)


def test_the_pages_form_the_whole_export_without_gaps_or_repetitions(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_account(stores)
    for number in (2, 3):
        stores.writer.commit_turn(commit(turn(number)))
    for name in ("conversation-2", "conversation-3"):
        stores.openings.open(
            opening(connection=f"of-{name}", session=f"s-{name}", conversation=name)
        )
    (whole,) = pages(stores)
    entries = whole.conversations[0].entries
    assert len(entries) == 5

    # One header and one entry to a page; then headers alone.
    monkeypatch.setattr(export_user, "PAGE_BYTES", 2)
    split = pages(stores)

    assert [page.account is not None for page in split] == [True] + [False] * (len(split) - 1)
    records = tuple(record for page in split for record in page.tool_records)
    assert records == whole.tool_records
    parts = [part for page in split for part in page.conversations]
    first = [part for part in parts if part.header.conversation_id == CONVERSATION]
    assert tuple(entry for part in first for entry in part.entries) == entries
    assert [part.is_continued for part in first] == [False] + [True] * (len(first) - 1)
    assert len(first) == 5
    assert [part.header.conversation_id for part in parts[len(first) :]] == [
        "conversation-2",
        "conversation-3",
    ]

    monkeypatch.setattr(export_user, "PAGE_BYTES", 2_000_000)
    monkeypatch.setattr(export_user, "PAGE_CONVERSATIONS", 1)
    by_count = [part for page in pages(stores) for part in page.conversations]
    assert tuple(by_count) == whole.conversations


def test_an_export_continues_when_its_next_conversation_was_deleted(stores: Stores) -> None:
    used_account(stores)

    gone = ExportPosition("conversation-0", "anything")
    page = exporter(stores).export(USER, gone, size_bytes=lambda _: 1)

    (part,) = page.conversations
    assert (part.header.conversation_id, part.is_continued) == (CONVERSATION, False)
    assert len(part.entries) == 3


def test_a_user_without_data_gets_an_empty_export(stores: Stores) -> None:
    (page,) = pages(stores)

    assert page.account is not None
    assert (page.account.notes, page.account.bookings, page.account.days) == ((), (), ())
    assert (page.account.turns, page.account.cost_usd) == (0, Decimal(0))
    assert page.conversations == ()
