"""The evidence of a run: from the client, the Gemini simulator and the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.calls.turn_collector import TurnRecord
from local.gemini.live.records import read_events, read_record
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import header_from, turn_from
from repartee.adapters.dynamodb.sessions.items import state_from
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.session.state import SessionState
from tests.chaos.judgement.replays import LeaseRecord

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class SaidUtterance:
    """An utterance of the user.

    Attributes:
        words: The spoken words.
        pcm: The audio without the silence around it.
        is_accepted: Whether the worker accepted all of it.
        skip_reported_in_turn: The turn that reports the utterance as skipped, because its session
            was given up before the utterance was in memory; None for any other.
        is_cut_off: Whether another device took over before the utterance was answered.
    """

    words: str
    pcm: bytes
    is_accepted: bool
    skip_reported_in_turn: int | None = None
    is_cut_off: bool = False

    @property
    def must_be_recorded(self) -> bool:
        """Whether a turn must contain the words."""
        return self.is_accepted and self.skip_reported_in_turn is None


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """The simulator's record of one Live session.

    Attributes:
        name: The name of the connection.
        heard: All received audio, in order.
        replies: The audio of each reply with audio, in order.
        events: The recorded events.
    """

    name: str
    heard: bytes
    replies: tuple[bytes, ...]
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The conversation in the tables; None stands for a missing item.

    Attributes:
        turns: The turns, in order.
        header: The conversation's header.
        states: The states of its sessions, in order.
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
    """The input of the oracle.

    Attributes:
        failure: What ended the conversation early; "" if nothing did.
        ends: For each session, the expected reason of its end and the reason that the client got.
        utterances: The user's utterances, in order.
        client_turns: The turns of the client.
        barged_in: Turns that were interrupted while the user spoke, or that the user stopped.
        cut_off: Turns that had not ended when another device took over.
        turned_away: The cut-off turns of a client that could not reconnect to get their end.
        out_of_turn: Audio that the client got too late or too early.
        lines_lost: How often a connection ended before its session.
        lines_broken: How often the campaign broke a connection.
        stale_frames_accepted: Frames of replaced workers that the client accepted.
        stale_writes: Writes of replaced workers.
        live: The Live sessions, in order.
        tables: The conversation in the tables.
        bookings: The user's bookings.
        leases: The recordings of the workers.
        greeting: The words of an agent that greets first.
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
    greeting: str = ""


def is_concatenation_of[T: (bytes, list[str])](whole: T, parts: Sequence[T]) -> bool:
    """Return whether ``whole`` is a concatenation of consecutive parts."""
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
    """Read the simulator's record of one connection."""
    recorded = read_record(folder)
    return LiveRecord(folder.name, recorded.heard, recorded.replies, read_events(folder))


def read_tables(
    client: "DynamoDBClient",
    tables: Mapping[str, str],
    *,
    user: str,
    conversation_id: str,
    session_ids: Sequence[str],
) -> TableRecord:
    """Read a conversation; ``tables`` are names by logical id. The call blocks."""
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
