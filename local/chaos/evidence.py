"""What a run left behind at three places: with the client, at Gemini's side, in the tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from local.aws_resources import client_options
from local.stack import Stack
from local.talker.recorded import read_record
from local.talker.replies import TurnRecord
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversation_items import header_from, turn_from
from repartee.adapters.dynamodb.reads import get, query
from repartee.adapters.dynamodb.session_items import state_from
from repartee.domain.conversation import Conversation, Turn
from repartee.domain.desk import Booking
from repartee.domain.session_state import SessionState

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class SaidUtterance:
    """What the user said.

    Attributes:
        words: The words spoken.
        pcm: All audio that was to be sent for it.
        is_accepted: The session took responsibility for all of it.
    """

    words: str
    pcm: bytes
    is_accepted: bool


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """One connection at Gemini's side.

    Attributes:
        heard: All audio that came, as it came.
        replies: The audio of each reply that had any, in order.
        events: What the simulator noted.
    """

    name: str
    heard: bytes
    replies: tuple[bytes, ...]
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TableRecord:
    """What the tables hold of the conversation; None where nothing is."""

    turns: Sequence[Turn]
    header: Conversation | None
    state: SessionState | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the oracle looks at.

    Attributes:
        failure: What ended the talk before its time, "" when nothing did.
        client_turns: The turns as the client has them in the end.
        barged_in: Turns that were cut while the user spoke.
        stale_taken: Frames of a worker with a successor that the client took in.
        stale_writes: What such a worker wrote.
    """

    failure: str
    utterances: Sequence[SaidUtterance]
    client_turns: Sequence[TurnRecord]
    barged_in: frozenset[int]
    stale_taken: int
    stale_writes: Sequence[str]
    live: Sequence[LiveRecord]
    tables: TableRecord
    bookings: Sequence[Booking]


def read_live(folder: Path) -> LiveRecord:
    """Read the record of one connection of the simulator."""
    recorded = read_record(folder)
    lines = (folder / "events.jsonl").read_text().splitlines()
    return LiveRecord(
        folder.name, recorded.heard, recorded.replies, [json.loads(line) for line in lines]
    )


def table_client(stack: Stack) -> "DynamoDBClient":
    """A client of the tables themselves, past the faults."""
    return boto3.session.Session().client("dynamodb", **client_options(stack.addresses.dynamodb))


def read_tables(
    client: "DynamoDBClient",
    tables: Mapping[str, str],
    *,
    user: str,
    conversation_id: str,
    session_id: str,
) -> TableRecord:
    """Read a conversation; ``tables`` are names by logical id. Blocking: use a thread."""
    memory, live = tables["MemoryTable"], tables["LiveTable"]
    turns = query(
        client,
        memory,
        keys.conversation(conversation_id),
        first=keys.turn_sort(0),
        last=keys.turn_sort(keys.MAX_TURN),
    )
    header = get(client, memory, keys.header(user, conversation_id))
    state = get(client, live, keys.state(session_id))
    return TableRecord(
        [turn_from(item) for item in turns],
        None if header is None else header_from(user, header),
        None if state is None else state_from(session_id, state),
    )
