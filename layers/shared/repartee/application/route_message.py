"""Take one client message: put it into its session's mailbox, and see that somebody reads it.

API Gateway calls this concurrently and in no order, so nothing is kept between calls.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from repartee.application.leave_notice import leave_notice
from repartee.domain.caller import Caller
from repartee.domain.errors import BadInput, ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.messages import Acknowledged, Numbered, OutputPosition
from repartee.domain.session_state import SessionState
from repartee.domain.wire import (
    MAX_SEQ,
    AckModel,
    AudioModel,
    Busy,
    ClientModel,
    HelloModel,
    PingModel,
    Pong,
    Ready,
    ReconnectSoon,
    Rejected,
    Reply,
    encode_reply,
    parse_client_message,
    to_message,
)
from repartee.ports.client_channel import ClientChannel
from repartee.ports.clock import Clock
from repartee.ports.connection_store import ConnectionStore
from repartee.ports.mailbox import Mailbox
from repartee.ports.session_store import SessionStore
from repartee.ports.worker import WakeRequest, WorkerPool

# The next wake can be tried when the window of the last election is over (SessionStore).
WAKE_RETRY_MS = 3_000
# A throttled table: the adapter has used up its own, shorter retries.
STORE_RETRY_MS = 1_000
# API Gateway's quota, which cannot be raised (developer guide, WebSocket quotas).
CONNECTION_S = 7_200
# The last eighth, 15 min: longer than the 8 min between the pings of a client that is silent.
REMINDED_PART = 0.125
REMIND_EVERY_CHUNKS = 50
# On one connection; a client with a fault in each message is told often enough what it is.
MAX_REFUSALS = 20


class Trouble(StrEnum):
    """What kept a message from going the whole way; the client has been told how to go on."""

    MAILBOX_FAILED = "mailbox_failed"
    STATE_FAILED = "state_failed"
    WAKE_FAILED = "wake_failed"
    WAKE_UNSERVED = "wake_unserved"
    REPLY_FAILED = "reply_failed"
    COUNT_FAILED = "count_failed"


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a message.

    Attributes:
        kind: The message's type, empty when it could not be read.
        rejected: Code of the error that the client was sent, empty when there was none.
        woke: Whether a worker was asked for.
        troubles: In the order in which they came up.
    """

    kind: str
    rejected: str
    woke: bool
    troubles: tuple[Trouble, ...]


@dataclass(frozen=True, slots=True)
class MessageRouter:
    """Routes the messages of any session; one per process, without state of its own.

    Attributes:
        chunk_ms: How much audio clients are asked to put into one message.
        grace_s: For how long clients are told that they may come back.
        prewarm: Whether ``hello`` wakes a worker, before the user has said anything.
        connection_s: How long API Gateway lets a connection live.
    """

    mailbox: Mailbox
    sessions: SessionStore
    connections: ConnectionStore
    channel: ClientChannel
    workers: WorkerPool
    clock: Clock
    chunk_ms: int
    grace_s: int
    prewarm: bool
    connection_s: int = CONNECTION_S

    def route(self, caller: Caller, text: str | None) -> Routed:
        """Take one frame; every failure that the client can mend is answered, none is raised.

        ``text`` is None when the frame was not text.
        """
        return _Routing(self, caller).run(text)


class _Routing:
    """One message on its way."""

    def __init__(self, router: MessageRouter, caller: Caller):
        self._to = router
        self._caller = caller
        self._kind = ""
        self._rejected = ""
        self._woke = False
        self._troubles: list[Trouble] = []

    def run(self, text: str | None) -> Routed:
        try:
            if text is None:
                raise BadInput("not_text", "binary frames are not served: send JSON as text")
            model = parse_client_message(text)
            self._kind = model.type
            self._take(model)
            self._mind_age(model)
        except BadInput as problem:
            self._reject(problem, _number_in(text) if text else None)
        return Routed(self._kind, self._rejected, self._woke, tuple(self._troubles))

    def _take(self, model: ClientModel) -> None:
        match model:
            case AckModel(received=received, turn=turn, played_ms=played_ms):
                position = OutputPosition(received.epoch, received.seq)
                self._acknowledge(Acknowledged(position, turn, played_ms))
            case PingModel(owed=owed):
                self._answer_ping(owed)
            case _:
                message = to_message(model)
                now_ms = self._to.clock.now_ms()
                connection_id = self._caller.connection_id
                self._keep(Numbered(model.seq, message, connection_id, now_ms), model)

    def _acknowledge(self, notice: Acknowledged) -> None:
        now_ms = self._to.clock.now_ms()
        try:
            leave_notice(
                self._caller.session_id,
                notice,
                mailbox=self._to.mailbox,
                sessions=self._to.sessions,
                now_ms=now_ms,
            )
        except StoreUnavailable:
            # The next one says all that this one said, so the client need not send it again.
            self._troubles.append(Trouble.MAILBOX_FAILED)

    def _answer_ping(self, owed: bool) -> None:
        try:
            state = self._state()
        except StoreUnavailable:
            self._busy(Trouble.STATE_FAILED, STORE_RETRY_MS)
            return
        now_ms = self._to.clock.now_ms()
        self._post(Pong(state.lease_is_held(now_ms)))
        if owed and not self._is_served(state):
            self._wake()

    def _keep(self, numbered: Numbered, model: ClientModel) -> None:
        try:
            self._to.mailbox.append(self._caller.session_id, numbered)
        except StoreUnavailable:
            self._busy(Trouble.MAILBOX_FAILED, STORE_RETRY_MS, seq=numbered.seq)
            return
        is_hello = isinstance(model, HelloModel)
        try:
            state = self._state()
        except StoreUnavailable:
            if is_hello:
                self._greet()
            self._busy(Trouble.STATE_FAILED, STORE_RETRY_MS)
            return
        except BadInput:
            self._take_back(numbered.seq)
            raise
        if is_hello:
            self._greet()
        # A late duplicate of what a turn has consumed is nobody's reason to start a worker.
        is_unread = numbered.seq > state.cursor
        wanted = is_unread and (self._to.prewarm or not is_hello)
        if wanted and not self._is_served(state):
            self._wake()

    def _take_back(self, seq: int) -> None:
        """Delete what nobody will read; see ``leave_notice`` for why it was written first."""
        try:
            self._to.mailbox.delete(self._caller.session_id, (seq,), ())
        except StoreUnavailable:
            self._troubles.append(Trouble.MAILBOX_FAILED)

    def _state(self) -> SessionState:
        state = self._to.sessions.load(self._caller.session_id)
        if state is None or state.ended:
            raise BadInput("session_ended", "this session is over: get a ticket for a new one")
        return state

    def _is_served(self, state: SessionState) -> bool:
        now_ms = self._to.clock.now_ms()
        return state.lease_is_held(now_ms) and not state.lease_is_expiring(now_ms)

    def _greet(self) -> None:
        self._post(
            Ready(
                session_id=self._caller.session_id,
                conversation_id=self._caller.conversation_id,
                chunk_ms=self._to.chunk_ms,
                grace_s=self._to.grace_s,
            )
        )

    def _wake(self) -> None:
        caller = self._caller
        now_ms = self._to.clock.now_ms()
        try:
            election = self._to.sessions.elect_waker(caller.session_id, now_ms)
            if election.won:
                self._to.workers.wake(
                    WakeRequest(
                        session_id=caller.session_id,
                        user_id=caller.user_id,
                        conversation_id=caller.conversation_id,
                        woken_at_ms=now_ms,
                    )
                )
                self._woke = True
                # Looked at only now, so that no wake waits for it: the session may have been erased
                # since its state was read, and the election has just written for it.
                state = self._to.sessions.load(caller.session_id)
                if state is None or state.ended:
                    self._to.sessions.forget_wake(caller.session_id)
        except StoreUnavailable:
            self._busy(Trouble.WAKE_FAILED, WAKE_RETRY_MS)
            return
        if election.unserved_since_ms is not None:
            self._busy(Trouble.WAKE_UNSERVED, WAKE_RETRY_MS)

    def _busy(self, trouble: Trouble, retry_after_ms: int, *, seq: int | None = None) -> None:
        self._troubles.append(trouble)
        self._post(Busy(retry_after_ms, seq))

    def _mind_age(self, model: ClientModel) -> None:
        """Tell a client whose connection API Gateway will soon close; with audio not each time."""
        is_quiet = isinstance(model, AckModel) or (
            isinstance(model, AudioModel) and model.seq % REMIND_EVERY_CHUNKS
        )
        age_ms = self._to.clock.now_ms() - self._caller.connected_at_ms
        left_s = self._to.connection_s - age_ms // 1000
        if not is_quiet and 0 < left_s <= self._to.connection_s * REMINDED_PART:
            self._post(ReconnectSoon(left_s))

    def _reject(self, problem: BadInput, seq: int | None) -> None:
        self._rejected = problem.code
        self._post(Rejected(problem.code, str(problem), problem.retryable, problem.field, seq))
        # Who goes on talking to a session that is over may not know so yet.
        if problem.code != "session_ended":
            self._count_refusal()

    def _count_refusal(self) -> None:
        connection_id = self._caller.connection_id
        try:
            if self._to.connections.count_refusal(connection_id) < MAX_REFUSALS:
                return
            problem = BadInput(
                "too_many_errors", f"{MAX_REFUSALS} messages were unusable: correct the client"
            )
            self._post(Rejected(problem.code, str(problem), problem.retryable))
            self._to.channel.close(connection_id)
        except StoreUnavailable:
            self._troubles.append(Trouble.COUNT_FAILED)

    def _post(self, reply: Reply) -> None:
        try:
            self._to.channel.post(self._caller.connection_id, encode_reply(reply))
        except ConnectionGone:
            # It left after sending; its session hears so from $disconnect.
            pass
        except (ClientTooSlow, StoreUnavailable):
            self._troubles.append(Trouble.REPLY_FAILED)


def _number_in(text: str) -> int | None:
    """Return the message's number even when the rest of it is wrong, None without a good one."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    seq = fields.get("seq") if isinstance(fields, dict) else None
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= MAX_SEQ:
        return None
    return seq
