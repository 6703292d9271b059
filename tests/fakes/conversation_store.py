from collections.abc import Sequence
from dataclasses import replace

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import turn_attributes
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.conversation.conversation import Conversation, Memory, Turn, title_from
from repartee.domain.conversation.history_budget import newest_within
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.errors import (
    ConversationErased,
    ConversationTaken,
    LeaseLost,
    UserErased,
)
from repartee.domain.session.state import TurnAmendment, TurnCommit
from repartee.domain.users.preferences import Profile
from tests.fakes.tables import FakeTables


class FakeConversationStore:
    """Conversations in memory: the ports of the reader and of both writers."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def load_memory(self, user_id: str, conversation_id: str, *, max_characters: int) -> Memory:
        with self._tables.lock:
            header = self._tables.shown_header(user_id, conversation_id)
            turns: list[Turn] = []
            if header is not None and max_characters > 0:
                through = header.summary_through
                turns = [one for one in self._turns(conversation_id) if one.number > through]
            return Memory(
                header or Conversation(user_id, conversation_id, "", 0, 0),
                self._tables.profiles.get(user_id, Profile(user_id)),
                newest_within(turns, max_characters),
            )

    def _turns(self, conversation_id: str) -> list[Turn]:
        turns = self._tables.turns.get(conversation_id, {})
        return [
            turns[number]
            for number in sorted(turns)
            if self._tables.is_kept("turn", conversation_id, number)
        ]

    def load_header(self, user_id: str, conversation_id: str) -> Conversation | None:
        with self._tables.lock:
            return self._tables.shown_header(user_id, conversation_id)

    def list_conversations(
        self, user_id: str, *, limit: int, before: str | None = None
    ) -> Sequence[Conversation]:
        with self._tables.lock:
            mine = [
                header
                for user, conversation_id in self._tables.conversations
                if user == user_id
                and (before is None or conversation_id < before)
                and (header := self._tables.shown_header(user, conversation_id)) is not None
            ]
        mine.sort(key=lambda header: header.conversation_id, reverse=True)
        return [replace(header, summary="", summary_through=0) for header in mine[:limit]]

    def list_turns(
        self, user_id: str, conversation_id: str, *, after: int, limit: int
    ) -> Sequence[Turn] | None:
        with self._tables.lock:
            if self._tables.shown_header(user_id, conversation_id) is None:
                return None
            return [turn for turn in self._turns(conversation_id) if turn.number > after][:limit]

    def commit_turn(self, commit: TurnCommit) -> None:
        tables, turn = self._tables, commit.turn
        # The fake refuses items that are too large for a table.
        check_size({**keys.turn(commit.conversation_id, turn.number), **turn_attributes(turn)})
        with tables.lock:
            if tables.is_erased(commit.user_id):
                raise UserErased(commit.user_id)
            turns = tables.turns.setdefault(commit.conversation_id, {})
            if turns.get(turn.number) == turn:
                return
            header = tables.conversations.get((commit.user_id, commit.conversation_id))
            if (commit.user_id, commit.conversation_id) in tables.erasures:
                raise ConversationErased(commit.conversation_id)
            if header is None:
                raise ConversationTaken(commit.conversation_id)
            superseded = header.superseded_session_ids
            if header.live_session_id == commit.session_id:
                superseded = ()
            elif commit.session_id not in superseded or header.turn_count != turn.number - 1:
                raise ConversationTaken(commit.conversation_id)
            state = tables.states.get(commit.session_id)
            if state is None or state.epoch != commit.epoch:
                raise LeaseLost(commit.session_id)
            if turn.number in turns or header.turn_count != turn.number - 1:
                raise LeaseLost(commit.session_id)
            turns[turn.number] = turn
            place = ("turn", commit.conversation_id, turn.number)
            tables.expire(place, tables.retention.ends_at_s(commit.committed_at_ms))
            tables.renew_header(commit.user_id, commit.conversation_id, commit.committed_at_ms)
            tables.conversations[commit.user_id, commit.conversation_id] = replace(
                header,
                title=header.title or title_from(turn.heard),
                turn_count=turn.number,
                version=header.version + 1,
                superseded_session_ids=superseded,
                updated_at_ms=commit.committed_at_ms,
            )
            tables.states[commit.session_id] = replace(
                state,
                cursor=commit.cursor,
                taken=commit.taken or state.taken,
                pending_calls=commit.pending_calls,
                undelivered=commit.undelivered,
                talk_ms=state.talk_ms + turn.talk_ms,
                cost_usd=state.cost_usd + commit.uncounted_bill.cost_usd,
            )
            day, bill = utc_day(commit.committed_at_ms), commit.uncounted_bill
            used = DayUsage(day, 1, turn.talk_ms, bill.usage, bill.cost_usd)
            tables.count(commit.user_id, used, commit.committed_at_ms)

    def amend_turn(self, amendment: TurnAmendment) -> bool:
        tables, turn = self._tables, amendment.turn
        with tables.lock:
            if tables.is_erased(amendment.user_id):
                raise UserErased(amendment.user_id)
            state = tables.states.get(amendment.session_id)
            if state is None or state.epoch != amendment.epoch:
                raise LeaseLost(amendment.session_id)
            place = amendment.user_id, amendment.conversation_id
            header = tables.conversations.get(place)
            turns = tables.turns.get(amendment.conversation_id, {})
            stored = turns.get(turn.number)
            if header is None or stored is None or stored.session_id != amendment.session_id:
                return False
            is_shortened = stored.is_shortened or turn.is_shortened
            turns[turn.number] = replace(
                stored, heard=turn.heard, said=turn.said, is_shortened=is_shortened
            )
            title = header.title or title_from(turn.heard)
            tables.conversations[place] = replace(header, title=title)
            return True

    def fold_summary(self, fold: SummaryFold) -> bool:
        check_size(encode_all({"summary": fold.summary}))
        place = fold.user_id, fold.conversation_id
        with self._tables.lock:
            if self._tables.is_erased(fold.user_id):
                raise UserErased(fold.user_id)
            header = self._tables.conversations.get(place)
            if header is None:
                return False
            is_kept = self._tables.is_kept("summary", fold.conversation_id)
            if fold.read_through != (header.summary_through if is_kept else 0):
                return False
            if header.turn_count < fold.through:
                return False
            self._tables.conversations[place] = replace(
                header, summary=fold.summary, summary_through=fold.through
            )
            ends_at_s = self._tables.retention.ends_at_s(self._tables.clock.now_ms())
            self._tables.expire(("summary", fold.conversation_id), ends_at_s)
            return True
