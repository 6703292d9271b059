"""Change how a user is spoken to, in the sessions that run too."""

from dataclasses import dataclass

from repartee.application.connections.deliver_notice import notify_sessions
from repartee.domain.conversation.conversation import Profile
from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.users.preferences import PreferenceChanges
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore
from repartee.ports.users import ProfileStore


@dataclass(frozen=True, slots=True)
class ChangedPreferences:
    """A change that is stored.

    Attributes:
        profile: As it is now.
        is_every_session_notified: False when a session may not have been told: it has the change
            with its next
            worker.
    """

    profile: Profile
    is_every_session_notified: bool


@dataclass(frozen=True, slots=True)
class PreferenceChanger:
    """Stores changes and tells the user's sessions."""

    profiles: ProfileStore
    connections: ConnectionStore
    mailbox: Mailbox
    sessions: SessionStore
    clock: Clock

    def change(self, user_id: str, changes: PreferenceChanges) -> ChangedPreferences:
        """Change what ``changes`` names and nothing else.

        Nobody is woken: a session without a worker loads the profile when it gets one.

        Raises:
            StoreUnavailable: The change could not be stored.
            UserErased: Nothing is kept of this user any more.
        """
        profile = self.profiles.change(user_id, changes)
        is_every_session_notified = self._notify_sessions(user_id, changes) if changes else True
        return ChangedPreferences(profile, is_every_session_notified)

    def _notify_sessions(self, user_id: str, changes: PreferenceChanges) -> bool:
        # Not before it is stored: who loads the profile from now on finds the change there.
        now_ms = self.clock.now_ms()
        return notify_sessions(
            user_id,
            PreferencesChanged(changes, now_ms),
            connections=self.connections,
            mailbox=self.mailbox,
            sessions=self.sessions,
            now_ms=now_ms,
        )
