from dataclasses import asdict
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversation_items import profile_from
from repartee.adapters.dynamodb.reads import get
from repartee.adapters.dynamodb.retries import Backoff, ConditionFailed, write_one
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.conversation import Profile
from repartee.domain.errors import UserErased
from repartee.domain.preferences import PreferenceChanges

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import UpdateItemInputTypeDef


class DynamoProfileStore:
    """Preferences in MemoryTable, changed one attribute at a time."""

    def __init__(
        self, client: "DynamoDBClient", *, memory_table: str, backoff: Backoff | None = None
    ) -> None:
        self._client = client
        self._table = memory_table
        self._backoff = backoff or Backoff()

    def load(self, user_id: str) -> Profile:
        """Return the user's profile, an empty one where nothing was ever set."""
        item = get(self._client, self._table, keys.profile(user_id))
        return profile_from(user_id, item) if item else Profile(user_id)

    def change(self, user_id: str, changes: PreferenceChanges) -> Profile:
        """Change what ``changes`` names and nothing else; return the profile as it is then.

        Raises:
            UserErased: The user's tombstone is set.
        """
        # What is left alone is not written, so two writers cannot undo each other's changes.
        wanted = {name: value for name, value in asdict(changes).items() if value is not None}
        if not wanted:
            profile = self.load(user_id)
            if profile.erased_at_ms is not None:
                raise UserErased(user_id)
            return profile
        settled = {name: value for name, value in wanted.items() if value}
        parts = []
        if settled:
            parts.append("SET " + ", ".join(f"#{name} = :{name}" for name in settled))
        if unsettled := wanted.keys() - settled.keys():
            parts.append("REMOVE " + ", ".join(f"#{name}" for name in sorted(unsettled)))
        request: UpdateItemInputTypeDef = {
            "TableName": self._table,
            "Key": keys.profile(user_id),
            "UpdateExpression": " ".join(parts),
            "ConditionExpression": "attribute_not_exists(erased_at_ms)",
            "ExpressionAttributeNames": {f"#{name}": name for name in wanted},
            "ReturnValues": "ALL_NEW",
        }
        if settled:
            values = encode_all({f":{name}": value for name, value in settled.items()})
            request["ExpressionAttributeValues"] = values
        try:
            written = write_one(lambda: self._client.update_item(**request), self._backoff)
        except ConditionFailed:
            raise UserErased(user_id) from None
        return profile_from(user_id, written["Attributes"])
