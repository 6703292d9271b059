"""A short life of a deployment, in which every kind of item is written and every field is set.

``make.py`` records what a released version leaves in its tables; ``tests/contract/test_golden.py``
lives it with the present code. Ids and moments are fixed, so an item has the same key in each
version. Add to the story what a later version writes; change nothing of what it tells already.
"""

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.conversation.conversation import SkippedInput, ToolCall, Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.front_desk.rules import default_rules
from repartee.domain.protocol.messages import (
    SPEECH_HEARD,
    STOP,
    Acknowledged,
    Audio,
    Bye,
    Detached,
    Hello,
    HelloReceived,
    Message,
    NoteForgotten,
    Notice,
    Numbered,
    OutputPosition,
    PreferencesChanged,
    SpeechEnd,
    SpeechStart,
    Stop,
    Superseded,
    Text,
)
from repartee.domain.protocol.recent_input import InputTaken, RecentInput
from repartee.domain.session.state import (
    Connected,
    PendingCall,
    Spending,
    TurnCommit,
    UndeliveredTurn,
)
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.erasure import ItemKind, StoredItem
from repartee.domain.users.preferences import PreferenceChanges
from repartee.domain.users.retention import Retention
from tests.contract.scenes import opening
from tests.contract.stores import DESK_DAY, Stores, TableNames, dynamodb_stores
from tests.fakes.clock import NOON_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

ANN, BEN, CEM = "ann", "ben", "cem"
SESSIONS = ("new", "served", "released", "ended", "erased")
BILL = Bill(TokenUsage(11, 22, 33, 44), Decimal("0.00123"))
MESSAGES: tuple[Message, ...] = (
    Hello(marks_speech=True, connected_at_ms=NOON_MS, features=(STOP, SPEECH_HEARD)),
    Hello(OutputPosition(2, 17)),
    SpeechStart(),
    Audio(bytes(range(64))),
    SpeechEnd(),
    Text("Grüße, what is free?"),
    Bye(),
    Stop(),
)
TAKEN = InputTaken(28, RecentInput(20, (1, 0, 2**32 - 1)))
NOTICES: tuple[Notice, ...] = (
    Acknowledged(OutputPosition(2, 19), 3, 1_250),
    Detached("connection-1"),
    Superseded("new"),
    PreferencesChanged(PreferenceChanges("es-ES", "Puck", "slowly"), NOON_MS + 7),
    PreferencesChanged(PreferenceChanges(voice=""), NOON_MS + 8),
    NoteForgotten("01ABC"),
    HelloReceived(
        Hello(OutputPosition(2, 17), marks_speech=True, connected_at_ms=NOON_MS), "tab-2"
    ),
)
_MODEL_MESSAGES = json.dumps(
    [
        {"type": "human", "data": {"content": "book me in", "type": "human", "id": "q1"}},
        {
            "type": "ai",
            "data": {
                "content": [
                    {"type": "text", "text": "One moment.", "extras": {"signature": "c2ln"}}
                ],
                "type": "ai",
                "id": "m1",
                "tool_calls": [{"name": "free_slots", "args": {"date": "2026-11-27"}, "id": "t1"}],
            },
        },
        {
            "type": "tool",
            "data": {
                "content": '{"status":"done"}',
                "type": "tool",
                "name": "free_slots",
                "tool_call_id": "t1",
            },
        },
        {"type": "ai", "data": {"content": "You are booked.", "type": "ai", "id": "m2"}},
    ]
)


def write_story(client: "DynamoDBClient", names: TableNames) -> Stores:
    """Live it in these empty tables; return the stores over them."""
    stores = dynamodb_stores(client, names)
    _talk(stores)
    _think(stores)
    _succeed(stores)
    _run_the_desk(stores, client, names)
    _forget(stores)
    _forget_a_conversation(stores, client, names)
    _keep_for_a_while(dynamodb_stores(client, names, retention=Retention(30)))
    return stores


def _open(stores: Stores, session: str, user: str = ANN, conversation: str = "talk") -> None:
    name = f"connection-of-{session}"
    stores.openings.open(
        opening(connection=name, user=user, session=session, conversation=conversation)
    )


def _serve(stores: Stores, session: str) -> None:
    lease = stores.sessions.acquire_lease(
        session, owner="worker-1", now_ms=NOON_MS, until_ms=NOON_MS + 5_000
    )
    assert lease is not None
    stores.sessions.set_connection(
        session,
        epoch=1,
        connection_id=f"connection-of-{session}",
        marks_speech=True,
        features=(STOP,),
    )
    stores.sessions.end_greeting(session, epoch=1)


def _talk(stores: Stores) -> None:
    _open(stores, "served")
    _serve(stores, "served")
    stores.connections.count_refusal("connection-of-served")
    stores.sessions.accept_hello("served", Connected(NOON_MS, "connection-of-served"))
    for seq, message in enumerate(MESSAGES, 21):
        stores.mailbox.append("served", Numbered(seq, message, "connection-1", NOON_MS + seq))
    for notice in NOTICES:
        stores.mailbox.notify("served", notice, now_ms=NOON_MS)
    stores.profiles.change(ANN, PreferenceChanges("en-GB", "Kore", "kindly"))
    stores.notes.add(ANN, "likes mornings", noted_at_ms=NOON_MS)
    stores.notes.add(ANN, "has a cat", noted_at_ms=NOON_MS + 1)
    calls = tuple(
        ToolCall(
            ToolCallKey(1, place), "ask_core_agent", '{"question":"free?"}', status, "At three."
        )
        for place, status in enumerate(ToolCallStatus, 1)
    )
    first = Turn(
        1, "served", NOON_MS, NOON_MS + 4_000, "When is it free?", "At three.",
        said_is_approximate=True,
        skipped=(SkippedInput(3, 5), SkippedInput(9, 9)),
        tool_calls=calls,
        is_shortened=True,
        first_audio_ms=640,
        usage=BILL.usage,
        cost_usd=BILL.cost_usd,
    )  # fmt: skip
    pending = PendingCall(ToolCallKey(1, 2), "ask_core_agent", '{"question":"free?"}', "a" * 64)
    undelivered = UndeliveredTurn(1, OutputPosition(1, 12))
    core_bill = Bill(TokenUsage(1, 0, 3, 0), Decimal("0.0002"))
    at_ms = NOON_MS + 5_000
    stores.writer.commit_turn(
        TurnCommit(
            ANN, "talk", "served", 1, first, 12, at_ms, (pending,), (undelivered,), core_bill
        )
    )
    second = Turn(2, "served", NOON_MS + 6_000, NOON_MS + 6_500)
    stores.writer.commit_turn(
        TurnCommit(
            ANN, "talk", "served", 1, second, 20, at_ms, (pending,), (undelivered,), taken=TAKEN
        )
    )
    stores.summaries.fold_summary(SummaryFold(ANN, "talk", 0, 1, "Ann asked what is free."))
    stores.usage.add(
        Spending(ANN, "served", "spending-1", NOON_MS, BILL.usage, BILL.cost_usd, epoch=1)
    )


def _think(stores: Stores) -> None:
    for place, status in enumerate(ToolCallStatus, 1):
        _answer(stores, _request(1, place), CoreAnswer(status, "At three.", place > 1, BILL))
    # Understood in other words: the exchange of that place is put aside.
    _answer(stores, _request(1, 1, "b" * 64), CoreAnswer(ToolCallStatus.DONE, "It is done."))
    running = replace(_request(3, 1), run_id="run-2", ended_run_id="run-1")
    _claim(stores, running)
    stores.calls.begin_tool("talk", running.key, running.arguments_hash, _BOOKING)


_BOOKING = BegunTool("book_appointment", '{"date":"2026-11-27"}')


def _request(turn: int, index: int, arguments_hash: str = "a" * 64) -> CoreRequest:
    return CoreRequest(
        ANN, "talk", "served", 1, ToolCallKey(turn, index), arguments_hash, "What is free?",
        "en-GB",
        NOON_MS + 20_000, "run-1",
    )  # fmt: skip


def _claim(stores: Stores, request: CoreRequest) -> None:
    stores.calls.claim(request, now_ms=NOON_MS, until_ms=NOON_MS + 25_000)


def _answer(stores: Stores, request: CoreRequest, answer: CoreAnswer) -> None:
    _claim(stores, request)
    stores.calls.begin_tool("talk", request.key, request.arguments_hash, _BOOKING)
    stores.calls.finish(
        "talk",
        Exchange(
            request.key, request.arguments_hash, request.question, answer, _MODEL_MESSAGES,
            NOON_MS + 9_000,
        ),
    )  # fmt: skip


def _succeed(stores: Stores) -> None:
    _open(stores, "new")
    stores.sessions.elect_waker("new", NOON_MS)
    for session, ended in (("released", False), ("ended", True)):
        _open(stores, session, conversation=session)
        _serve(stores, session)
        stores.sessions.release_lease(session, epoch=1, cursor=4, ended=ended)
    stores.connections.end_session(ANN, "ended")
    stores.connections.set_session_expiry(
        ANN,
        "released",
        connection_id="connection-of-released",
        expires_at_ms=NOON_MS + 30_000,
    )


def _run_the_desk(stores: Stores, client: "DynamoDBClient", names: TableNames) -> None:
    rules = default_rules(ZoneInfo("Europe/London"))
    desk = DeskTable(desk=DynamoTable(client, names.desk), default_rules=rules)
    desk.write_rules(rules)
    slot = desk.rules().slots(DESK_DAY)[2]
    stores.desk.book(ANN, slot, reason="check-up", booked_at_ms=NOON_MS)
    first, second = desk.rules().slots(DESK_DAY)[4:6]
    stores.desk.book("limited", first, reason="vaccination", booked_at_ms=NOON_MS)
    stores.desk.move("limited", first, second, moved_at_ms=NOON_MS)
    # Operators write these by hand.
    limits = encode_all({"max_talk_s_per_day": 900, "max_usd_per_day": Decimal("1.50")})
    DynamoTable(client, names.memory).put({**keys.profile("limited"), **limits})


def _forget(stores: Stores) -> None:
    _open(stores, "erased", user=BEN, conversation="of-ben")
    begun = stores.erasures.begin(BEN, now_ms=NOON_MS)
    stores.erasures.end_session("erased")
    # Version 0.1.0 has no such kind, and the two lists are compared by their length.
    kinds = [kind for kind in ItemKind if kind is not ItemKind.TOOL_RECORDS]
    pending = [StoredItem(kind, "live", "session#erased", kind.value) for kind in kinds]
    stores.erasures.advance(begun, pending=pending, settles_at_ms=NOON_MS + 60_000)
    stores.erasures.advance(stores.erasures.begin(CEM, now_ms=NOON_MS), finished_at_ms=NOON_MS + 9)


def _forget_a_conversation(stores: Stores, client: "DynamoDBClient", names: TableNames) -> None:
    # As ``_open`` would write it, without all else that that writes.
    header = {"created_at_ms": NOON_MS, "updated_at_ms": NOON_MS, "turn_count": 0, "version": 0}
    place = keys.header(ANN, "forgotten")
    DynamoTable(client, names.memory).put({**place, **encode_all(header)})
    stores.erasures.begin(ANN, now_ms=NOON_MS, conversation_id="forgotten")


def _keep_for_a_while(stores: Stores) -> None:
    _open(stores, "kept", user="kim", conversation="kept")
    _serve(stores, "kept")
    turn = Turn(1, "kept", NOON_MS, NOON_MS + 1_000, "Hello.", "Good morning.")
    stores.writer.commit_turn(TurnCommit("kim", "kept", "kept", 1, turn, 2, NOON_MS + 1_000))
    stores.summaries.fold_summary(SummaryFold("kim", "kept", 0, 1, "Kim said hello."))
    request = replace(_request(1, 1), user_id="kim", conversation_id="kept", session_id="kept")
    _claim(stores, request)
