"""What a run left behind at three places: with the client, at Gemini's side, in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.gemini.live.records import read_events, read_record
from local.hosting.aws_resources import dynamodb_client
from local.stack import Stack
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import header_from, turn_from
from repartee.adapters.dynamodb.sessions.items import state_from
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.session.state import SessionState
from repartee_client.turn_collector import TurnRecord
from tests.chaos.judgement.replays import LeaseRecord

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class SaidUtterance:
    """What the user said.

    Attributes:
        words: The words spoken.
        pcm: All audio that was to be sent for it, without the silence around it.
        is_accepted: The session took responsibility for all of it.
        skip_reported_in_turn: The turn which tells that nobody could hear it any more, since its
            session was
            given up before it was remembered; None for any other.
        is_cut_off: Another device took over before it was answered.
    """

    words: str
    pcm: bytes
    is_accepted: bool
    skip_reported_in_turn: int | None = None
    is_cut_off: bool = False

    @property
    def must_be_recorded(self) -> bool:
        """Whether some turn must hold its words."""
        return self.is_accepted and self.skip_reported_in_turn is None


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
    """What the tables hold of the conversation; None where nothing is.

    Attributes:
        states: Of its sessions, in order.
    """

    turns: Sequence[Turn]
    header: Conversation | None
    states: Sequence[SessionState | None]

    @property
    def is_over(self) -> bool:
        """Whether every session was closed."""
        return all(state is not None and state.ended for state in self.states)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the oracle looks at.

    Attributes:
        failure: What ended the talk before its time, "" when nothing did.
        ends: How each session should have ended, and why the client was told that it did.
        client_turns: The turns as the client has them in the end.
        barged_in: Turns that were cut while the user spoke.
        cut_off: Turns that were not over when another device took over.
        turned_away: Those of them whose client could not be told how they ended.
        out_of_turn: What the client was to hear too late or too early.
        lines_lost: How often a connection ended before its session did.
        lines_broken: How often the campaign saw to that.
        stale_frames_accepted: Frames of a worker with a successor that the client took in.
        stale_writes: What such a worker wrote.
        leases: What the workers recorded.
    """

    failure: str
    ends: Sequence[tuple[str, str]]
    utterances: Sequence[SaidUtterance]
    client_turns: Sequence[TurnRecord]
    barged_in: frozenset[int]
    cut_off: frozenset[int]
    turned_away: frozenset[int]
    out_of_turn: Sequence[str]
    lines_lost: int
    lines_broken: int
    stale_frames_accepted: int
    stale_writes: Sequence[str]
    live: Sequence[LiveRecord]
    tables: TableRecord
    bookings: Sequence[Booking]
    leases: Sequence[LeaseRecord]


def is_concatenation_of[T: (bytes, list[str])](whole: T, parts: Sequence[T]) -> bool:
    """Whether some parts, one after the other, are just this."""
    for first in range(len(parts)):
        joined = whole[:0]
        for part in parts[first:]:
            joined = joined + part
            if len(joined) >= len(whole):
                break
        if joined == whole:
            return True
    return False


def read_live(folder: Path) -> LiveRecord:
    """Read the record of one connection of the simulator."""
    recorded = read_record(folder)
    return LiveRecord(folder.name, recorded.heard, recorded.replies, read_events(folder))


def table_client(stack: Stack) -> "DynamoDBClient":
    """A client of the tables themselves, past the faults."""
    return dynamodb_client(stack.addresses.dynamodb)


def read_tables(
    client: "DynamoDBClient",
    tables: Mapping[str, str],
    *,
    user: str,
    conversation_id: str,
    session_ids: Sequence[str],
) -> TableRecord:
    """Read a conversation; ``tables`` are names by logical id. Blocking: use a thread."""
    memory, live = (DynamoTable(client, tables[name]) for name in ("MemoryTable", "LiveTable"))
    turns = memory.query(
        keys.conversation(conversation_id),
        first=keys.turn_sort(0),
        last=keys.turn_sort(keys.MAX_TURN),
    )
    header = memory.get(keys.header(user, conversation_id))
    states = [(one, live.get(keys.state(one))) for one in session_ids]
    return TableRecord(
        [turn_from(item) for item in turns],
        None if header is None else header_from(user, header),
        [None if state is None else state_from(one, state) for one, state in states],
    )
