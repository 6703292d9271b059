from typing import Protocol

from repartee.domain.conversation.conversation import Profile
from repartee.domain.users.preferences import PreferenceChanges


class ProfileStore(Protocol):
    """Keeps users' preferences.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load(self, user_id: str) -> Profile:
        """Return the user's profile, an empty one where nothing was ever set."""
        ...

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        """Change what ``changes`` names and nothing else; return the profile as it is then.

        With ``replaces``, nothing changes unless these are still the stored values.

        Raises:
            UserErased: The user's tombstone is set.
        """
        ...
