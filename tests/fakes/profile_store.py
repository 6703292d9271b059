from repartee.domain.errors import UserErased
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.fakes.tables import FakeTables


class FakeProfileStore:
    """Preferences in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def load(self, user_id: str) -> Profile:
        with self._tables.lock:
            return self._tables.profiles.get(user_id, Profile(user_id))

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        with self._tables.lock:
            if self._tables.is_erased(user_id):
                raise UserErased(user_id)
            stored = self.load(user_id)
            if replaces is not None and replaces.applied_to(stored) != stored:
                return stored
            changed = changes.applied_to(stored)
            if changes:
                self._tables.profiles[user_id] = changed
            return changed
