from dataclasses import dataclass

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import profile_from
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import NOT_ERASED
from repartee.domain.errors import UserErased
from repartee.domain.users.preferences import PreferenceChanges, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoProfileStore:
    """Preferences in MemoryTable, changed one attribute at a time."""

    memory: DynamoTable

    def load(self, user_id: str) -> Profile:
        """Return the user's profile, an empty one if no preference was ever set."""
        item = self.memory.get(keys.profile(user_id))
        return profile_from(user_id, item) if item else Profile(user_id)

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        """Change the preferences in ``changes`` and no others; return the changed profile.

        With ``replaces``, nothing changes unless these are still the stored values.

        Raises:
            UserErased: The user's tombstone is set.
        """
        # Only named preferences are written, so two writers cannot undo each other's changes.
        wanted = changes.named()
        if not wanted:
            return self._load_kept(user_id)
        settled = {name: value for name, value in wanted.items() if value}
        parts = []
        if settled:
            parts.append("SET " + ", ".join(f"#{name} = :{name}" for name in settled))
        if unsettled := wanted.keys() - settled.keys():
            parts.append("REMOVE " + ", ".join(f"#{name}" for name in sorted(unsettled)))
        before = {} if replaces is None else replaces.named()
        unchanged = [f"#{name} = :old_{name}" for name in before]
        try:
            item = self.memory.update(
                keys.profile(user_id),
                " ".join(parts),
                encode_all(
                    {f":{name}": value for name, value in settled.items()}
                    | {f":old_{name}": value for name, value in before.items()}
                ),
                condition=" AND ".join((NOT_ERASED, *unchanged)),
                names={f"#{name}": name for name in (*wanted, *before)},
            )
        except ConditionFailed:
            return self._load_kept(user_id)
        return profile_from(user_id, item)

    def _load_kept(self, user_id: str) -> Profile:
        profile = self.load(user_id)
        if profile.erased_at_ms is not None:
            raise UserErased(user_id)
        return profile
