"""Issues a ticket for a new session, or for one that the client comes back to."""

from dataclasses import dataclass

from repartee.application.answers.check_limits import LimitChecker
from repartee.application.connections.session_cap import SessionCap
from repartee.domain.conversation.conversation import Memory
from repartee.domain.errors import ConversationUnknown, ReparteeError, UserErased
from repartee.domain.protocol.ticket import TICKET_LIFETIME_MS, Ticket
from repartee.ports.conversations import ConversationReader
from repartee.ports.runtime import Clock, IdSource, TicketSigner
from repartee.ports.service import CallSwitch
from repartee.ports.sessions import SessionStore

NEW_CONVERSATION = "new"


class SessionUnknown(ReparteeError):
    """The user has no session with this id in this conversation."""


class CallsAreStopped(ReparteeError):
    """The operator has stopped all calls."""


class SessionEnded(ReparteeError):
    """The session has ended; its conversation can be continued in a new session."""


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A ticket and its signed text.

    Attributes:
        token: The signed ticket.
    """

    ticket: Ticket
    token: str


@dataclass(frozen=True, slots=True)
class SessionStarter:
    """Issues tickets. Limits are checked here early; ``$connect`` enforces them."""

    reader: ConversationReader
    sessions: SessionStore
    signer: TicketSigner
    ids: IdSource
    clock: Clock
    cap: SessionCap
    limits: LimitChecker
    switch: CallSwitch

    def start(
        self, user_id: str, *, conversation_id: str | None = None, session_id: str | None = None
    ) -> StartedSession:
        """Return a ticket for a new session, or for ``session_id`` on a new connection.

        A ``conversation_id`` of None continues the latest one, ``"new"`` starts one.

        Raises:
            ConversationUnknown: There is no such conversation of this user.
            SessionUnknown: There is no such session of this user and conversation.
            SessionEnded: That session has ended.
            TooManySessions: The user has as many sessions as allowed.
            DailyLimitReached: The user or the deployment has reached a daily limit. This does not
                apply to a ``session_id``: the session itself informs the user.
            CallsAreStopped: The operator has stopped all calls.
            UserErased: The user's data is erased.
            StoreUnavailable: A table failed beyond the retries.
        """
        now_ms = self.clock.now_ms()
        if session_id is None:
            self._check_switch()
            conversation_id = self._conversation(user_id, conversation_id, now_ms)
            memory = self._memory(user_id, conversation_id)
            self.limits.check(memory.profile)
            replaced = memory.conversation.live_session_id
            # The new session replaces the conversation's own one, which therefore does not count.
            self.cap.check(user_id, replaced)
            session_id = self.ids.new_id(now_ms)
        else:
            # A client whose session was ended by the stop learns that first.
            conversation_id = self._conversation_of(user_id, session_id, conversation_id)
            self._check_switch()
            self._memory(user_id, conversation_id)
            self.cap.check(user_id, session_id)
        ticket = Ticket(
            ticket_id=self.ids.new_id(now_ms),
            user_id=user_id,
            session_id=session_id,
            conversation_id=conversation_id,
            expires_at_ms=now_ms + TICKET_LIFETIME_MS,
        )
        return StartedSession(ticket, self.signer.issue(ticket))

    def _check_switch(self) -> None:
        if self.switch.is_stopped():
            raise CallsAreStopped("the operator has stopped all calls")

    def _conversation(self, user_id: str, wanted: str | None, now_ms: int) -> str:
        if wanted is None:
            latest = self.reader.list_conversations(user_id, limit=1)
            return latest[0].conversation_id if latest else self.ids.new_id(now_ms)
        if wanted == NEW_CONVERSATION:
            return self.ids.new_id(now_ms)
        if self.reader.list_turns(user_id, wanted, after=0, limit=1) is None:
            raise ConversationUnknown("not one of the user's conversations")
        return wanted

    def _conversation_of(self, user_id: str, session_id: str, wanted: str | None) -> str:
        state = self.sessions.load(session_id)
        if state is None or state.user_id != user_id:
            raise SessionUnknown("not a session of this user and conversation")
        if wanted is not None and wanted != state.conversation_id:
            raise SessionUnknown("not a session of this user and conversation")
        if state.ended:
            raise SessionEnded("the session was closed for good")
        return state.conversation_id

    def _memory(self, user_id: str, conversation_id: str) -> Memory:
        memory = self.reader.load_memory(user_id, conversation_id, max_characters=0)
        if memory.profile.erased_at_ms is not None:
            raise UserErased("the user asked to be forgotten")
        return memory
