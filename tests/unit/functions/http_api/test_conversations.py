"""Reading one's own conversations and their turns."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.adapters.cursors import Cursors, Listing
from repartee.domain.conversation.conversation import Conversation, SkippedInput, ToolCall, Turn
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.fakes.clock import NOON_MS
from tests.fakes.secrets import FakeSecrets
from tests.unit.functions.http_api.harness import USER, HttpApiHarness

pytestmark = pytest.mark.unit


def test_conversations_are_listed_newest_first_and_only_ones_own() -> None:
    api = HttpApiHarness()
    older = api.begin("new")["conversation_id"]
    api.tables.clock.advance(1_000)
    newer = api.begin("new")["conversation_id"]
    api.begin("new", user="user-2")

    status, page, _ = api.call("GET", "/conversations")

    assert status == 200
    assert [each["conversation_id"] for each in page["conversations"]] == [newer, older]
    assert page["conversations"][1] == {
        "conversation_id": older,
        "title": "",
        "turn_count": 0,
        "created_at": "2026-11-20T12:00:00.000Z",
        "updated_at": "2026-11-20T12:00:00.000Z",
    }
    _, page, _ = api.call("GET", "/conversations", query="limit=1")
    assert [each["conversation_id"] for each in page["conversations"]] == [newer]


def pages(api: HttpApiHarness, limit: int) -> Iterator[list[str]]:
    query = f"limit={limit}"
    while True:
        status, page, _ = api.call("GET", "/conversations", query=query)
        assert status == 200
        yield [each["conversation_id"] for each in page["conversations"]]
        if page["next_after"] is None:
            return
        query = f"limit={limit}&after={page['next_after']}"


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 205])
def test_each_of_many_conversations_is_on_exactly_one_page(count: int) -> None:
    api = HttpApiHarness()
    for number in range(count):
        put_header(api, f"conversation-{number:04d}")
    put_header(api, "conversation-0050-of-another", user="user-2")

    found = list(pages(api, 100))

    assert [len(page) for page in found[:-1]] == [100] * (len(found) - 1)
    assert [one for page in found for one in page] == [
        f"conversation-{number:04d}" for number in reversed(range(count))
    ]
    assert len(found) == max(1, -(-count // 100))


def test_conversations_that_come_and_go_between_two_pages_move_no_other() -> None:
    api = HttpApiHarness()
    for number in range(6):
        put_header(api, f"conversation-{number}")
    walk = pages(api, 2)

    assert next(walk) == ["conversation-5", "conversation-4"]
    put_header(api, "conversation-6")
    # Also the very one that the cursor stands at.
    for number in (5, 4, 2):
        del api.tables.conversations[USER, f"conversation-{number}"]
    assert list(walk) == [["conversation-3", "conversation-1"], ["conversation-0"]]


@pytest.mark.parametrize("whose", ["made up", "another user's", "the export's", "an old key's"])
def test_a_cursor_that_is_not_of_this_list_and_user_is_refused(whose: str) -> None:
    api = HttpApiHarness()
    old_key = Cursors(FakeSecrets({"key": "o" * 64}), "key")
    cursor = {
        "made up": "conversation-1",
        "another user's": api.deps.cursors.seal(Listing.CONVERSATIONS, "user-2", "conversation-1"),
        "the export's": api.deps.cursors.seal(Listing.EXPORT, USER, "conversation-1", ""),
        "an old key's": old_key.seal(Listing.CONVERSATIONS, USER, "conversation-1"),
    }[whose]

    status, problem, _ = api.call("GET", "/conversations", query=f"after={cursor}")

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "after")
    assert "leave after out" in problem["message"]


def put_header(api: HttpApiHarness, conversation_id: str, user: str = USER) -> None:
    header = Conversation(user, conversation_id, "", NOON_MS, NOON_MS)
    api.tables.conversations[user, conversation_id] = header


@pytest.mark.parametrize("limit", ["0", "101", "many"])
@pytest.mark.parametrize("path", ["/conversations", "/conversations/some-id/turns"])
def test_a_page_has_its_limits(path: str, limit: str) -> None:
    status, problem, _ = HttpApiHarness().call("GET", path, query=f"limit={limit}")

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "limit")


TURN = Turn(
    number=1,
    session_id="session-1",
    started_at_ms=NOON_MS,
    ended_at_ms=NOON_MS + 2_500,
    heard="book me in",
    said="Done, Friday at",
    said_is_approximate=True,
    skipped=(SkippedInput(4, 6), SkippedInput(9, 9)),
    tool_calls=(
        ToolCall(ToolCallKey(1, 1), "ask_core_agent", "{}", ToolCallStatus.DONE, "Booked."),
    ),
    first_audio_ms=420,
    usage=TokenUsage(text_in=10, audio_in=20, text_out=3, audio_out=40),
    cost_usd=Decimal("0.000561"),
)


def with_turns(api: HttpApiHarness, count: int) -> None:
    api.tables.conversations[USER, "conv-1"] = Conversation(USER, "conv-1", "Booking", 1, 2)
    api.tables.turns["conv-1"] = {
        number: replace(TURN, number=number) for number in range(1, count + 1)
    }


def test_a_turn_is_shown_with_what_was_heard_marked_as_unverified() -> None:
    api = HttpApiHarness()
    with_turns(api, 1)

    status, page, _ = api.call("GET", "/conversations/conv-1/turns")

    assert status == 200
    assert page == {
        "turns": [
            {
                "number": 1,
                "session_id": "session-1",
                "started_at": "2026-11-20T12:00:00.000Z",
                "ended_at": "2026-11-20T12:00:02.500Z",
                "heard": {"text": "book me in", "verified": False},
                "said": {"text": "Done, Friday at", "approximate": True},
                "shortened": False,
                "skipped_messages": 4,
                "tool_calls": [
                    {"name": "ask_core_agent", "status": "done", "answer": "Booked."},
                ],
                "first_audio_ms": 420,
                "tokens_in": 30,
                "tokens_out": 43,
                "cost_usd": 0.000561,
            }
        ],
        "next_after": None,
    }


def test_turns_are_read_page_by_page_without_a_gap() -> None:
    api = HttpApiHarness()
    with_turns(api, 5)
    seen: list[int] = []
    after: int | None = 0

    while after is not None:
        query = f"after={after}&limit=2"
        _, page, _ = api.call("GET", "/conversations/conv-1/turns", query=query)
        seen += [turn["number"] for turn in page["turns"]]
        after = page["next_after"]

    assert seen == [1, 2, 3, 4, 5]


def test_a_last_page_that_is_full_says_that_it_is_the_last() -> None:
    api = HttpApiHarness()
    with_turns(api, 4)

    _, page, _ = api.call("GET", "/conversations/conv-1/turns", query="after=2&limit=2")

    assert [turn["number"] for turn in page["turns"]] == [3, 4]
    assert page["next_after"] is None


def test_the_turns_of_another_user_are_not_found() -> None:
    api = HttpApiHarness()
    with_turns(api, 1)

    status, problem, _ = api.call("GET", "/conversations/conv-1/turns", user="user-2")

    assert (status, problem["code"]) == (404, "conversation_unknown")
