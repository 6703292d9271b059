from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from repartee.domain.errors import RecordUnreadable, UserErased
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
            place = user_id, self._kind, record_id
            self._tables.tool_records[place] = record.model_dump_json()

    def remove(self, user_id: str, record_id: str) -> None:
        with self._tables.lock:
            self._tables.tool_records.pop((user_id, self._kind, record_id), None)
