"""Handles the notices that other functions leave in the mailbox."""

from dataclasses import dataclass
from enum import Enum, auto

from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    HelloReceived,
    NoteForgotten,
    Notified,
    Numbered,
    PreferencesChanged,
    Superseded,
)
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.input.messages import MessageIntake
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.tools.answer_watch import AnswerWatch
from repartee.domain.session.tools.preferences import ActivePreferences


class NoticeOutcome(Enum):
    """The consequence of a notice for the whole session."""

    NOTHING = auto()
    RESEED = auto()  # A fresh Live session may serve the user better.
    SUPERSEDED = auto()  # Another session has the conversation.


@dataclass(slots=True)
class NoticeIntake:
    """Dispatches each notice to the component that it concerns."""

    _messages: MessageIntake
    _feed: InputFeed
    _client: ClientLink
    _keeper: MemoryKeeper
    _answer_watch: AnswerWatch
    _preferences: ActivePreferences

    def take(self, notified: Notified, now_ms: int) -> NoticeOutcome:
        """Handle a notice; return its consequence for the whole session."""
        outcome = NoticeOutcome.NOTHING
        match notified.notice:
            case Acknowledged() as ack if self._client.acknowledge(ack):
                self._keeper.acknowledge(ack.received)
                self._answer_watch.note_played(ack.turn, now_ms)
                return outcome
            case HelloReceived(hello=hello, connection_id=connection_id):
                if self._messages.take_hello(Numbered(0, hello, connection_id, 0)):
                    self._feed.apply_hello(hello, connection_id)
            case Detached(connection_id=connection_id):
                self._messages.detach(connection_id, now_ms)
            case PreferencesChanged() as changed:
                if self._preferences.take(changed):
                    outcome = NoticeOutcome.RESEED
            case NoteForgotten(note_id=note_id):
                if self._keeper.forget(note_id):
                    outcome = NoticeOutcome.RESEED
            case Superseded():
                outcome = NoticeOutcome.SUPERSEDED
            case _:
                # The notice is of an unknown kind, written by a later version. Or it acknowledges
                # frames that were never sent; it is deleted because it blocks later ones.
                pass
        self._messages.delete_notice(notified.notice_id)
        return outcome
