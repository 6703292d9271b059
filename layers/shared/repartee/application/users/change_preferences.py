"""Changes a user's preferences, also in the sessions that are open."""

from dataclasses import dataclass

from repartee.application.connections.deliver_notice import SessionNotifier
from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.users.preferences import PreferenceChanges, Profile
from repartee.ports.runtime import Clock
from repartee.ports.users import ProfileStore


@dataclass(frozen=True, slots=True)
class ChangedPreferences:
    """A change that is stored.

    Attributes:
        profile: The profile after the change.
        is_every_session_notified: False if a session has possibly no notice. Such a session gets
            the change with its next worker.
    """

    profile: Profile
    is_every_session_notified: bool


@dataclass(frozen=True, slots=True)
class PreferenceChanger:
    """Stores changes and notifies the user's sessions."""

    profiles: ProfileStore
    notifier: SessionNotifier
    clock: Clock

    def change(self, user_id: str, changes: PreferenceChanges) -> ChangedPreferences:
        """Change the preferences that ``changes`` names and no others.

        Raises:
            StoreUnavailable: The change could not be stored.
            UserErased: The user's data is erased.
        """
        profile = self.profiles.change(user_id, changes)
        if not changes:
            return ChangedPreferences(profile, True)
        # The notice follows the change: a worker that loads the profile from now on needs none.
        notice = PreferencesChanged(changes, self.clock.now_ms())
        return ChangedPreferences(profile, self.notifier.notify(user_id, notice))
