from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversation_items import header_from, profile_from, turn_from
from repartee.adapters.dynamodb.reads import get, query
from repartee.domain.conversation import Conversation, Memory, Profile, Turn

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


class DynamoConversationReader:
    """Reads conversations from MemoryTable; only a header under its user leads to the turns."""

    def __init__(self, client: "DynamoDBClient", *, memory_table: str) -> None:
        self._client = client
        self._table = memory_table

    def load_memory(self, user_id: str, conversation_id: str, *, max_turns: int) -> Memory:
        """Return header, profile and the last ``max_turns`` turns, oldest first."""
        profile_item = get(self._client, self._table, keys.profile(user_id))
        profile = profile_from(user_id, profile_item) if profile_item else Profile(user_id)
        header = get(self._client, self._table, keys.header(user_id, conversation_id))
        if header is None:
            return Memory(Conversation(user_id, conversation_id, "", 0, 0), profile, ())
        turns = self._turns(conversation_id, 0, max_turns, backwards=True)
        return Memory(header_from(user_id, header), profile, tuple(reversed(turns)))

    def _turns(
        self, conversation_id: str, after: int, limit: int, *, backwards: bool = False
    ) -> list[Turn]:
        if limit <= 0 or after >= keys.MAX_TURN:
            return []
        items = query(
            self._client,
            self._table,
            keys.conversation(conversation_id),
            first=keys.turn_sort(after + 1),
            last=keys.turn_sort(keys.MAX_TURN),
            backwards=backwards,
            page_size=limit,
        )
        return [turn_from(item) for item in islice(items, limit)]

    def list_conversations(self, user_id: str, *, limit: int) -> Sequence[Conversation]:
        """Return the user's conversations, the newest id first."""
        items = query(
            self._client,
            self._table,
            keys.user(user_id),
            first=keys.CONVERSATION_PREFIX,
            last=keys.CONVERSATIONS_END,
            backwards=True,
            page_size=limit,
        )
        return [header_from(user_id, item) for item in islice(items, limit)]

    def list_turns(
        self, user_id: str, conversation_id: str, *, after: int, limit: int
    ) -> Sequence[Turn] | None:
        """Return turns numbered above ``after`` in order; None when the user has no such one."""
        if get(self._client, self._table, keys.header(user_id, conversation_id)) is None:
            return None
        return self._turns(conversation_id, after, limit)
