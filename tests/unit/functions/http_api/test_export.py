"""Exporting all that is kept of a user."""

import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, messages_to_dict

from repartee.application.users import export_user
from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.limits import OwnLimits
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from tests.event_files import load_event
from tests.fakes.clock import NOON_MS
from tests.fakes.tables import StoredToolCall
from tests.unit.functions.http_api.harness import USER, HttpApiHarness, use

pytestmark = pytest.mark.unit

MESSAGES_JSON = json.dumps(
    messages_to_dict(
        [
            HumanMessage("Book it.", id="c1/1.1"),
            AIMessage(
                [{"type": "text", "text": "Wait.", "extras": {"signature": "c2lnbmVk"}}],
                tool_calls=[{"name": "free_slots", "args": {"date": "2026-11-27"}, "id": "1"}],
            ),
            ToolMessage("10:00 is free", tool_call_id="1", name="free_slots"),
            AIMessage("Booked."),
        ]
    )
)


def test_an_export_shows_all_that_is_kept_of_a_user() -> None:
    api = HttpApiHarness()
    session = api.begin("new")
    conversation_id = session["conversation_id"]
    use(api, talk_s=600, cost_usd="1.5")
    tables = api.tables
    header = tables.conversations[USER, conversation_id]
    tables.conversations[USER, conversation_id] = replace(
        header, title="An appointment", turn_count=1, summary="In short.", summary_through=1
    )
    tables.turns[conversation_id] = {1: Turn(1, "session-1", NOON_MS, NOON_MS + 2_000, "hi", "ho")}
    answer = CoreAnswer(
        ToolCallStatus.DONE, "Booked.", False, Bill(TokenUsage(7, 0, 3, 0), Decimal(1))
    )
    exchange = Exchange(
        ToolCallKey(1, 1), "secret-hash", "Book it.", answer, MESSAGES_JSON, NOON_MS
    )
    tables.calls[conversation_id] = {
        (ToolCallKey(1, 1), ""): StoredToolCall(
            "secret-hash", "Book it.", 0, [BegunTool("book", "{}")], exchange
        ),
        (ToolCallKey(2, 1), ""): StoredToolCall("secret-hash", "And now?", 0),
    }
    api.call("PUT", "/me/preferences", {"voice": "Puck"})
    tables.profiles[USER] = replace(tables.profiles[USER], limits=OwnLimits(60, Decimal("0.5")))
    note = api.notes.add(USER, "likes mornings", noted_at_ms=NOON_MS)
    tables.tool_records[USER, "orders", "42"] = '{"state":"shipped","items":2}'
    slot = Slot(date(2026, 11, 27), time(10))
    api.desk.book(USER, slot, reason="a cut", booked_at_ms=NOON_MS)

    status, export, headers = api.call("GET", "/me/export")

    noon = "2026-11-20T12:00:00.000Z"
    used = {"turns": 1, "talk_s": 600, "tokens_in": 30, "tokens_out": 7, "cost_usd": 1.5}
    assert status == 200
    assert headers["cache-control"] == "no-store"
    (turn,) = export["conversations"][0].pop("turns")
    assert (turn["heard"]["text"], turn["said"]["text"]) == ("hi", "ho")
    assert export == {
        "version": 1,
        "exported_at": noon,
        "account": {
            "preferences": {"language": None, "voice": "Puck", "style": None},
            "limits": {"talk_s_per_day": 60, "usd_per_day": 0.5},
            "notes": [{"note_id": note.note_id, "text": "likes mornings", "noted_at": noon}],
            "bookings": [{"starts_at": "2026-11-27T10:00", "reason": "a cut", "booked_at": noon}],
            "usage_days": [{"day": "2026-11-20", **used}],
            "usage_total": used,
        },
        "tool_records": [
            {"kind": "orders", "record_id": "42", "record": {"state": "shipped", "items": 2}}
        ],
        "conversations": [
            {
                "conversation_id": conversation_id,
                "title": "An appointment",
                "turn_count": 1,
                "created_at": noon,
                "updated_at": noon,
                "summary": {"text": "In short.", "through_turn": 1},
                "continued": False,
                "calls": [
                    {
                        "turn": 1,
                        "question": "Book it.",
                        "status": "done",
                        "answer": "Booked.",
                        "tools": [{"name": "book", "arguments": "{}"}],
                        "messages": [
                            {"author": "question", "name": None, "text": "Book it.", "tools": []},
                            {
                                "author": "model",
                                "name": None,
                                "text": "Wait.",
                                "tools": [
                                    {"name": "free_slots", "arguments": '{"date": "2026-11-27"}'}
                                ],
                            },
                            {
                                "author": "tool",
                                "name": "free_slots",
                                "text": "10:00 is free",
                                "tools": [],
                            },
                            {"author": "model", "name": None, "text": "Booked.", "tools": []},
                        ],
                        "finished_at": noon,
                        "tokens_in": 7,
                        "tokens_out": 3,
                        "cost_usd": 1,
                    },
                    {
                        "turn": 2,
                        "question": "And now?",
                        "status": "unfinished",
                        "answer": None,
                        "tools": [],
                        "messages": [],
                        "finished_at": None,
                        "tokens_in": 0,
                        "tokens_out": 0,
                        "cost_usd": 0,
                    },
                ],
            }
        ],
        "next_after": None,
    }
    assert "secret-hash" not in str(export)
    assert "c2lnbmVk" not in str(export)
    (line,) = [line for line in api.log.lines if line["message"] == "user data exported"]
    assert (line["conversations"], line["is_last"]) == (1, True)


def test_an_export_is_read_page_by_page_by_its_user_alone() -> None:
    api = HttpApiHarness()
    texts = ['"\x01 \u0928\U0001f600' * 18_000 for _ in range(8)]
    conversation_id = api.begin("new")["conversation_id"]
    api.tables.turns[conversation_id] = {
        number: Turn(number, "session-1", NOON_MS, NOON_MS, text)
        for number, text in enumerate(texts, 1)
    }
    long_id = "\x00" * 500
    record_ids = [f"{number}{long_id}" for number in range(8)]
    for record_id in record_ids:
        api.tables.tool_records[USER, "orders", record_id] = json.dumps({"text": texts[0]})
    heard: list[str] = []
    found_ids: list[str] = []
    query, pages = "", 0
    while True:
        status, export, _ = api.call("GET", "/me/export", query=query)
        assert status == 200
        assert (export["account"] is None) == bool(query)
        # Lambda answers with a JSON text that holds the body's, escaped once more.
        assert len(json.dumps(json.dumps(export))) < 6_000_000
        heard += [
            turn["heard"]["text"] for part in export["conversations"] for turn in part["turns"]
        ]
        found_ids += [record["record_id"] for record in export["tool_records"]]
        pages += 1
        if export["next_after"] is None:
            break
        query = f"after={export['next_after']}"
        status, problem, _ = api.call("GET", "/me/export", query=query, user="user|2")
        assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "after")
    assert (heard, found_ids) == (texts, record_ids)
    assert pages > 2


def test_the_largest_entry_on_top_of_a_full_page_is_less_than_lambda_answers() -> None:
    # An item holds 300 KB; a control character takes seven bytes of an answer.
    assert export_user.PAGE_BYTES + 7 * 300_000 < 6_000_000 - 500_000


def test_an_export_cannot_be_asked_for_with_a_cursor_of_ones_own_making() -> None:
    for cursor in ("x", "", "conversation-1", "a" * 5_001):
        status, problem, _ = HttpApiHarness().call("GET", "/me/export", query=f"after={cursor}")
        assert (status, problem["field"]) == (422, "after")


def test_the_sample_event_of_an_export_is_answered() -> None:
    answer = HttpApiHarness().application.handle(load_event("http_api.export"), None)

    assert answer["statusCode"] == 200
