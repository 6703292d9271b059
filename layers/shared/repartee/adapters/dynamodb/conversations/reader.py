from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import header_from, profile_from, turn_from
from repartee.adapters.dynamodb.expiry import is_header_kept, is_kept
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Conversation, Memory, Turn
from repartee.domain.conversation.history_budget import prompt_characters
from repartee.domain.users.preferences import Profile
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item


# A budget of 2,000 tokens usually holds fewer turns, of two short sentences each.
_PAGE_TURNS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoConversationReader:
    """Reads conversations from MemoryTable; only a header under its user leads to the turns."""

    memory: DynamoTable
    clock: Clock

    def load_memory(self, user_id: str, conversation_id: str, *, max_characters: int) -> Memory:
        """Return header, profile and the newest turns that the summary does not cover.

        It takes two round trips: one for header, summary and profile, one for the turns. The turns
        are read from the newest on, a page at a time, until the room is used up.
        """
        profile_item, *parts = self.memory.get_all(
            (keys.profile(user_id), *self._parts(user_id, conversation_id))
        )
        profile = profile_from(user_id, profile_item) if profile_item else Profile(user_id)
        header = self._header(user_id, *parts)
        if header is None:
            return Memory(Conversation(user_id, conversation_id, "", 0, 0), profile, ())
        return Memory(header, profile, self._newest(header, max_characters))

    def _newest(self, header: Conversation, max_characters: int) -> tuple[Turn, ...]:
        if max_characters <= 0 or header.turn_count <= header.summary_through:
            return ()
        items = self.memory.query(
            keys.conversation(header.conversation_id),
            first=keys.turn_sort(header.summary_through + 1),
            last=keys.turn_sort(header.turn_count),
            backwards=True,
            page_size=_PAGE_TURNS,
        )
        now_ms = self.clock.now_ms()
        newest: list[Turn] = []
        left = max_characters
        for turn in (turn_from(item) for item in items if is_kept(item, now_ms)):
            left -= prompt_characters([turn])
            if left < 0 and newest:
                break
            newest.append(turn)
        return tuple(reversed(newest))

    def _turns(self, conversation_id: str, after: int, limit: int) -> list[Turn]:
        if limit <= 0 or after >= keys.MAX_TURN:
            return []
        items = self.memory.query(
            keys.conversation(conversation_id),
            first=keys.turn_sort(after + 1),
            last=keys.turn_sort(keys.MAX_TURN),
            page_size=limit,
        )
        now_ms = self.clock.now_ms()
        kept = (item for item in items if is_kept(item, now_ms))
        return [turn_from(item) for item in islice(kept, limit)]

    def load_header(self, user_id: str, conversation_id: str) -> Conversation | None:
        """Return the header with its summary, None if the user has no such conversation."""
        wanted = self._parts(user_id, conversation_id)
        return self._header(user_id, *self.memory.get_all(wanted))

    def _header(
        self, user_id: str, item: "Item | None", summary: "Item | None"
    ) -> Conversation | None:
        now_ms = self.clock.now_ms()
        if item is None or not is_header_kept(item, now_ms):
            return None
        return header_from(user_id, item, summary if summary and is_kept(summary, now_ms) else None)

    def _parts(self, user_id: str, conversation_id: str) -> "tuple[Item, Item]":
        return keys.header(user_id, conversation_id), keys.summary(conversation_id)

    def list_conversations(
        self, user_id: str, *, limit: int, before: str | None = None
    ) -> Sequence[Conversation]:
        """Return the user's conversations without summaries, the newest id first."""
        end = keys.CONVERSATIONS_END if before is None else f"{keys.CONVERSATION_PREFIX}{before}"
        items = self.memory.query(
            keys.user(user_id),
            first=keys.CONVERSATION_PREFIX,
            last=end,
            backwards=True,
            # The query also returns the conversation at ``before`` itself.
            page_size=limit if before is None else limit + 1,
        )
        now_ms = self.clock.now_ms()
        kept = (item for item in items if item["sk"]["S"] < end and is_header_kept(item, now_ms))
        return [header_from(user_id, item) for item in islice(kept, limit)]

    def list_turns(
        self, user_id: str, conversation_id: str, *, after: int, limit: int
    ) -> Sequence[Turn] | None:
        """Return turns numbered above ``after`` in order; None for no conversation of the user."""
        header = self.memory.get(keys.header(user_id, conversation_id))
        if header is None or not is_header_kept(header, self.clock.now_ms()):
            return None
        return self._turns(conversation_id, after, limit)
