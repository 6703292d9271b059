import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import unless_erased
from repartee.domain.errors import ItemTooLarge, RecordUnreadable, UserErased
from repartee.domain.text.validation_errors import describe_validation_errors
from repartee.ports.tool_records import MAX_RECORD_ID_BYTES

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

# "#" ends the kind in a key.
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class DynamoToolRecords[Record: BaseModel]:
    """Records in MemoryTable, one item each beside their user's profile, as JSON text.

    Attributes:
        kind: Names the records in keys, exports and seed files: a plural in ``snake_case``.
        model: Validates each record.
    """

    memory: DynamoTable
    kind: str
    model: type[Record]

    def __post_init__(self) -> None:
        """Refuse a kind that is not in ``snake_case``: its records would be those of another."""
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"kind {self.kind!r}: use 1 to 64 of a-z, 0-9 and _, a letter first")

    def find(self, user_id: str, record_id: str) -> Record | None:
        """Return the user's record with this id, None if there is none.

        Raises:
            RecordUnreadable: The stored record does not fit the model.
        """
        if _id_bytes(record_id) > MAX_RECORD_ID_BYTES:
            return None
        item = self.memory.get(keys.tool_record(user_id, self.kind, record_id))
        return None if item is None else self._record(item)

    def all(self, user_id: str) -> Mapping[str, Record]:
        """Return the user's records by id, in the order of the ids' characters.

        Raises:
            RecordUnreadable: A stored record does not fit the model.
        """
        first, last = keys.tool_records_of(self.kind)
        items = self.memory.query(keys.user(user_id), first=first, last=last)
        return {keys.kind_and_record_id(item["sk"]["S"])[1]: self._record(item) for item in items}

    def put(self, user_id: str, record_id: str, record: Record) -> None:
        """Store the record, and replace one with the same id.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The id or the record is too large; nothing is written.
        """
        if (id_bytes := _id_bytes(record_id)) > MAX_RECORD_ID_BYTES:
            raise ItemTooLarge("record_id", id_bytes, MAX_RECORD_ID_BYTES)
        item = {
            **keys.tool_record(user_id, self.kind, record_id),
            **encode_all({"record_json": record.model_dump_json()}),
        }
        check_size(item)
        put: TransactWriteItemTypeDef = {"Put": {"TableName": self.memory.name, "Item": item}}
        try:
            self.memory.transact([put, unless_erased(self.memory, user_id)])
        except TransactionRefused:
            raise UserErased(user_id) from None

    def remove(self, user_id: str, record_id: str) -> None:
        """Delete the record, if there is one."""
        if _id_bytes(record_id) <= MAX_RECORD_ID_BYTES:
            self.memory.delete(keys.tool_record(user_id, self.kind, record_id))

    def _record(self, item: "Item") -> Record:
        try:
            return self.model.model_validate_json(item["record_json"]["S"])
        except ValidationError as error:
            raise RecordUnreadable(f"{self.kind}: {describe_validation_errors(error)}") from None


def _id_bytes(record_id: str) -> int:
    return len(record_id.encode(errors="replace"))
