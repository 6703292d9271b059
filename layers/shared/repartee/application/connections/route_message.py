"""Routes one client message: puts it into its session's mailbox and wakes a worker if needed.

API Gateway calls this concurrently and in no order, so no state is kept between calls.
"""

from dataclasses import dataclass, replace

from repartee.application.connections.admission import (
    InputNumbers,
    connection_problem,
    load_open_state,
)
from repartee.application.connections.answer_hello import answer_hello
from repartee.application.connections.client_answers import ClientAnswers, Trouble
from repartee.application.connections.wake_worker import Waker
from repartee.domain.errors import BadInput, StoreUnavailable, UnusableMessage
from repartee.domain.protocol.answers import AcceptedBefore, Pong, Ready, ReconnectSoon
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Hello,
    Numbered,
    ParsedMessage,
    Ping,
    Sequenced,
)
from repartee.domain.protocol.recent_input import NumberUse
from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.domain.session.state import Connected, SessionState
from repartee.ports.clients import ClientChannel, MessageParser
from repartee.ports.runtime import Clock
from repartee.ports.sessions import Appended, ConnectionStore, Mailbox, SessionStore
from repartee.ports.workers import WorkerPool

# The client waits this long for a throttled table, after the adapter's own, shorter retries.
STORE_RETRY_MS = 1_000
# API Gateway's quota, which cannot be raised (developer guide, WebSocket quotas).
MAX_CONNECTION_S = 7_200
# A share of an eighth is 15 min. A silent client pings every 8 min, so it gets the warning in time.
EXPIRY_WARNING_SHARE = 0.125
EXPIRY_WARNING_EVERY_CHUNKS = 50


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """The result of routing a message.

    Attributes:
        kind: The message's type, "" if it could not be read.
        rejected: The code of the error that was posted to the client, "" for none.
        woke: Whether a worker was requested.
        troubles: The troubles, in the order in which they occurred.
    """

    kind: str
    rejected: str
    woke: bool
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class MessageRouter:
    """Routes the messages of all sessions; one per process, without state.

    Attributes:
        chunk_ms: How much audio clients are asked to put into one message.
        max_in_flight: How many numbered messages of a client may wait to be accepted.
        grace_s: How long clients may come back; ``ready`` reports it.
        prewarm: Whether ``hello`` wakes a worker, before the user has said anything.
        traced: Whether a wake has a trace context.
    """

    mailbox: Mailbox
    sessions: SessionStore
    connections: ConnectionStore
    parse: MessageParser
    channel: ClientChannel
    workers: WorkerPool
    clock: Clock
    chunk_ms: int
    max_in_flight: int
    grace_s: int
    prewarm: bool
    traced: bool = False

    def route(self, caller: ConnectionIdentity, text: str | None) -> RoutingResult:
        """Route one frame; failures that the client can correct are answered and not raised.

        ``text`` is None if the frame is not text.
        """
        return _Routing(self, caller).run(text)


class _Routing:
    """The routing of one message."""

    def __init__(self, router: MessageRouter, caller: ConnectionIdentity):
        self._router = router
        self._caller = caller
        self._connection = Connected(caller.connected_at_ms, caller.connection_id)
        self._kind = ""
        self._answers = ClientAnswers(router.channel, router.connections, caller)
        self._waker = Waker(
            router.sessions, router.workers, router.clock, caller, self._answers, router.traced
        )

    def run(self, text: str | None) -> RoutingResult:
        answers = self._answers
        try:
            message = self._router.parse(text)
        except UnusableMessage as problem:
            self._kind = problem.kind
            answers.reject(problem, problem.seq)
        else:
            self._kind = message.kind
            self._route(message)
        return RoutingResult(
            self._kind, answers.rejected, self._waker.woke, tuple(answers.troubles)
        )

    def _route(self, message: ParsedMessage) -> None:
        content = message.content
        try:
            self._dispatch(content)
            self._warn_if_expiring(content)
        except BadInput as problem:
            seq = content.seq if isinstance(content, Sequenced) else None
            self._answers.reject(problem, seq)

    def _dispatch(self, content: Sequenced | Acknowledged | Ping) -> None:
        match content:
            case Acknowledged():
                self._acknowledge(content)
            case Ping(owed=owed):
                self._answer_ping(owed)
            case Sequenced(seq=seq, message=message):
                if isinstance(message, Hello):
                    message = replace(message, connected_at_ms=self._connection.at_ms)
                now_ms = self._router.clock.now_ms()
                numbered = Numbered(seq, message, self._caller.connection_id, now_ms)
                if isinstance(message, Hello):
                    self._answer_hello(numbered, message)
                else:
                    self._store_message(numbered)

    def _acknowledge(self, notice: Acknowledged) -> None:
        """Leave an ``ack``; ``deliver_notice`` explains why the write comes before the read."""
        session_id, mailbox = self._caller.session_id, self._router.mailbox
        try:
            notice_id = mailbox.notify(session_id, notice, now_ms=self._router.clock.now_ms())
            state = self._router.sessions.load(session_id)
            is_over = state is None or state.ended
            problem = None if state is None else connection_problem(state, self._connection)
            is_possible = state is not None and notice.received.epoch <= state.epoch
            if is_over or problem is not None or not is_possible:
                mailbox.delete(session_id, (), (notice_id,))
        except StoreUnavailable:
            # The next ack includes this one, so the client does not repeat it.
            self._answers.troubles.append(Trouble.MAILBOX_FAILED)
            return
        if problem is not None and not is_over:
            raise problem

    def _answer_ping(self, owed: bool) -> None:
        try:
            state = load_open_state(self._router.sessions, self._caller.session_id)
        except StoreUnavailable:
            self._answers.busy(Trouble.STATE_FAILED, STORE_RETRY_MS)
            return
        if (problem := connection_problem(state, self._connection)) is not None:
            raise problem
        self._answers.post(Pong(state.is_lease_held(self._router.clock.now_ms())))
        if owed and not self._waker.is_served(state) and self._has_work(state):
            self._waker.wake()

    def _has_work(self, state: SessionState) -> bool:
        """Return whether a worker would have work.

        ``owed`` alone does not show it: a client that does not know ``no_speech`` waits forever for
        a reply to a cough. A message that comes after this check wakes a worker itself.
        """
        if state.needs_worker:
            return True
        try:
            return InputNumbers(self._router.mailbox, self._caller.session_id).is_any_unread(state)
        except StoreUnavailable:
            return True

    def _store_message(self, numbered: Numbered) -> None:
        session_id = self._caller.session_id
        try:
            appended = self._router.mailbox.append(session_id, numbered)
        except StoreUnavailable:
            self._answers.busy(Trouble.MAILBOX_FAILED, STORE_RETRY_MS, seq=numbered.seq)
            return
        is_unread = is_read = False
        try:
            state = load_open_state(self._router.sessions, session_id)
            is_read = True
            if (problem := connection_problem(state, self._connection)) is not None:
                raise problem
            use = InputNumbers(self._router.mailbox, session_id).use_of(numbered, appended, state)
            is_unread = numbered.seq > state.cursor
        except StoreUnavailable:
            # The message is not refused only because the state cannot be read.
            is_unread = not is_read and appended is not Appended.TAKEN
            lost_seq = None if is_unread else numbered.seq
            self._answers.busy(Trouble.STATE_FAILED, STORE_RETRY_MS, seq=lost_seq)
            return
        finally:
            if appended is Appended.KEPT and not is_unread:
                self._retract_message(numbered)
        if use is NumberUse.FORGOTTEN:
            self._answers.post(AcceptedBefore(state.cursor))
        # A late duplicate of a consumed message does not start a worker.
        if is_unread and not self._waker.is_served(state):
            self._waker.wake()

    def _answer_hello(self, numbered: Numbered, hello: Hello) -> None:
        caller = self._caller
        try:
            welcome = answer_hello(
                caller.session_id,
                numbered,
                hello,
                mailbox=self._router.mailbox,
                sessions=self._router.sessions,
            )
        except StoreUnavailable:
            self._answers.busy(Trouble.STATE_FAILED, STORE_RETRY_MS, seq=numbered.seq)
            return
        state, position = welcome.state, hello.resume_from
        is_served = self._waker.is_served(state)
        is_held = state.is_lease_held(self._router.clock.now_ms())
        self._answers.post(
            Ready(
                session_id=caller.session_id,
                conversation_id=caller.conversation_id,
                chunk_ms=self._router.chunk_ms,
                max_in_flight=self._router.max_in_flight,
                grace_s=self._router.grace_s,
                next_seq=welcome.next_seq,
                output_kept=is_held and (position is None or position.epoch == state.epoch),
            )
        )
        if self._router.prewarm and not is_served:
            self._waker.wake()
        if welcome.replaced_connection_id is not None:
            self._answers.supersede(welcome.replaced_connection_id)

    def _retract_message(self, numbered: Numbered) -> None:
        """Delete a message that has no reader; ``deliver_notice`` explains why it was written."""
        try:
            self._router.mailbox.retract_message(self._caller.session_id, numbered)
        except StoreUnavailable:
            self._answers.troubles.append(Trouble.MAILBOX_FAILED)

    def _warn_if_expiring(self, content: Sequenced | Acknowledged | Ping) -> None:
        """Warn a client whose connection API Gateway will soon close; rarely during audio."""
        match content:
            case Acknowledged():
                is_quiet = True
            case Sequenced(seq=seq, message=Audio()):
                is_quiet = seq % EXPIRY_WARNING_EVERY_CHUNKS != 0
            case _:
                is_quiet = False
        age_ms = self._router.clock.now_ms() - self._caller.connected_at_ms
        left_s = MAX_CONNECTION_S - age_ms // 1000
        if not is_quiet and 0 < left_s <= MAX_CONNECTION_S * EXPIRY_WARNING_SHARE:
            self._answers.post(ReconnectSoon(left_s))
