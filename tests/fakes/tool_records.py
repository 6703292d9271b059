from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from repartee.adapters.dynamodb.item_size import MAX_ITEM_BYTES
from repartee.domain.errors import ItemTooLarge, RecordUnreadable, UserErased
from repartee.ports.tool_records import MAX_RECORD_ID_BYTES
from tests.fakes.tables import FakeTables


class FakeToolRecords[Record: BaseModel]:
    """Records in memory."""

    def __init__(self, tables: FakeTables, kind: str, model: type[Record]) -> None:
        self._tables = tables
        self._kind = kind
        self._model = model

    def find(self, user_id: str, record_id: str) -> Record | None:
        return self.all(user_id).get(record_id)

    def all(self, user_id: str) -> Mapping[str, Record]:
        with self._tables.lock:
            stored = sorted(self._tables.tool_records.items())
        try:
            return {
                record_id: self._model.model_validate_json(record_json)
                for (user, kind, record_id), record_json in stored
                if (user, kind) == (user_id, self._kind)
            }
        except ValidationError:
            raise RecordUnreadable(self._kind) from None

    def put(self, user_id: str, record_id: str, record: Record) -> None:
        with self._tables.lock:
            if self._tables.is_erased(user_id):
                raise UserErased(user_id)
            record_json = record.model_dump_json()
            for name, value, limit in (
                ("record_id", record_id, MAX_RECORD_ID_BYTES),
                ("record_json", record_json, MAX_ITEM_BYTES),
            ):
                if len(value.encode()) > limit:
                    raise ItemTooLarge(name, len(value.encode()), limit)
            self._tables.tool_records[user_id, self._kind, record_id] = record_json

    def remove(self, user_id: str, record_id: str) -> None:
        with self._tables.lock:
            self._tables.tool_records.pop((user_id, self._kind, record_id), None)
