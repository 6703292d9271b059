"""Keeps the session's current connection, and makes the work for the client lane."""

from dataclasses import dataclass, field

from repartee.domain.protocol.frames import Accepted
from repartee.domain.protocol.messages import Acknowledged, Hello, Numbered
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.effects import ClientEffect, CloseConnection, PostFrame
from repartee.domain.session.state import NO_CONNECTION, Connected

# An `accepted` frame for each message would double the cost of listening. A client may have 25
# messages of 200 ms in flight, so it does not wait for these frames.
ACCEPTED_EVERY_MS = 600
ACCEPTED_EVERY_MESSAGES = 5


@dataclass(frozen=True, slots=True)
class Attachment:
    """The changes that follow from a ``hello``.

    Attributes:
        is_new: Whether the connection, its client's features or whether it marks speech changed.
        is_output_lost: Whether the client lacks output that is no longer buffered.
    """

    is_new: bool
    is_output_lost: bool


@dataclass(slots=True)
class ClientLink:
    """The client and its current connection. Only this class makes work for the client lane.

    Attributes:
        outbox: The session's output.
        connection_id: The current connection, None without one.
        accepted_through: The last input number that was reported to the client as accepted.
        marks_speech: Whether the client marks where speech begins and ends.
        features: The features that the client lists.
        newest: The newest connection that said hello, as far as this worker knows.
        detached_at_ms: When the last connection ended, None while there is one.
    """

    outbox: Outbox
    connection_id: str | None
    accepted_through: int
    marks_speech: bool = False
    newest: Connected = NO_CONNECTION
    features: tuple[str, ...] = ()
    detached_at_ms: int | None = None
    _accepted_at_ms: int = 0
    _last_hello_seq: int = -1
    _played: tuple[int, int] = (0, 0)
    _played_at_seq: int = 0
    _is_playback_reported: bool = False
    _playable: dict[int, int] = field(default_factory=dict)
    _work: list[ClientEffect] = field(default_factory=list)

    def attach(self, numbered: Numbered, hello: Hello) -> Attachment | None:
        """Make the connection of a ``hello`` the current one, unless a newer one said hello.

        Returns:
            The changes, None if the ``hello`` is obsolete.
        """
        connection = Connected(hello.connected_at_ms, numbered.connection_id)
        # If it is not known when the connection was opened, the number of the hello decides.
        is_known = connection.at_ms > 0
        if is_known and connection < self.newest:
            return None
        is_newer = is_known and connection > self.newest
        if not is_newer and numbered.seq <= self._last_hello_seq:
            return None
        self.newest, self._last_hello_seq = connection, numbered.seq
        self.detached_at_ms = None
        is_same_connection = numbered.connection_id == self.connection_id
        before = (self.connection_id, self.marks_speech, self.features)
        self.connection_id, self.marks_speech = numbered.connection_id, hello.marks_speech
        self.features = hello.features
        is_new = before != (self.connection_id, self.marks_speech, self.features)
        if is_same_connection and hello.resume_from is None:
            return Attachment(is_new, is_output_lost=False)
        return Attachment(is_new, is_output_lost=not self.outbox.resume(hello.resume_from))

    def start(self, now_ms: int) -> None:
        """Start serving; a session without a connection counts as detached from now on."""
        if self.connection_id is None:
            self.detached_at_ms = now_ms

    def detach(self, connection_id: str, now_ms: int) -> bool:
        """Note that a connection closed; return False if it is not the current one."""
        if connection_id != self.connection_id:
            return False
        self.connection_id = None
        self.detached_at_ms = now_ms
        return True

    def acknowledge(self, ack: Acknowledged) -> bool:
        """Apply an ``ack``; return False if it names output that was never posted.

        The played time is ignored if a newer ``ack`` has been applied, or if it exceeds the audio
        that was posted.
        """
        if not self.outbox.may_have_received(ack.received):
            return False
        self.outbox.acknowledge(ack.received)
        epoch, seq = ack.received.epoch, ack.received.seq
        is_old = epoch != self.outbox.epoch or seq < self._played_at_seq
        if is_old:
            self._is_playback_reported |= ack.played_ms is not None
        elif ack.played_ms is None:
            self._is_playback_reported = False
        elif ack.played_ms <= self.outbox.posted_ms(ack.turn):
            self._is_playback_reported = True
            is_same = (seq, ack.turn) == (self._played_at_seq, self._played[0])
            self._played = (ack.turn, max(ack.played_ms, self._played[1] if is_same else 0))
            self._played_at_seq = seq
        return True

    def reset_playback(self, turn: int) -> None:
        """Forget how much of a turn the client has played, because the turn restarts."""
        self._played = (0, 0)
        self._played_at_seq = self.outbox.last_seq + 1
        self._playable.pop(turn, None)
        self.outbox.forget_posted(turn)

    def interrupt(self, turn: int, now_ms: int) -> None:
        """Make the client stop playing a turn's reply, and drop the rest of its audio."""
        self._playable[turn] = self.outbox.playable_ms(turn, now_ms)
        self.outbox.interrupt(turn)

    def played_ms(self, turn: int) -> int:
        """Return how many ms of an interrupted reply the user has heard.

        If the client does not report it, this is an estimate from the times of the posts.
        """
        played_turn, played_ms = self._played
        known_ms = played_ms if played_turn == turn else 0
        return (
            known_ms if self._is_playback_reported else max(known_ms, self._playable.get(turn, 0))
        )

    def report_accepted(self, through: int, now_ms: int, *, is_urgent: bool) -> None:
        """Report to the client which input is accepted, at most every ``ACCEPTED_EVERY_MS``.

        Args:
            through: The last accepted input number.
            now_ms: The present.
            is_urgent: Whether to report at once.
        """
        unreported = through - self.accepted_through
        if unreported <= 0:
            self._accepted_at_ms = now_ms
            return
        is_due = now_ms >= self._accepted_at_ms + ACCEPTED_EVERY_MS
        if is_urgent or is_due or unreported >= ACCEPTED_EVERY_MESSAGES:
            self.outbox.offer(Accepted(through))
            self.accepted_through = through
            self._accepted_at_ms = now_ms

    def post_next(self, now_ms: int) -> None:
        """Post the next frame if one is due and there is a connection."""
        if self.connection_id is not None and (numbered := self.outbox.next_post(now_ms)):
            self._work.append(PostFrame(self.connection_id, numbered))

    def close_connection(self) -> None:
        """Close the current connection after all earlier posts."""
        if self.connection_id is not None:
            self._work.append(CloseConnection(self.connection_id))

    def take_work(self) -> tuple[ClientEffect, ...]:
        """Return the work since the last call, in order."""
        if not self._work:
            return ()
        work, self._work = tuple(self._work), []
        return work

    def next_deadline_ms(self, through: int) -> int | None:
        """Return when the next post or report becomes due."""
        paused_until_ms = self.outbox.next_deadline_ms()
        report_at_ms = self._accepted_at_ms + ACCEPTED_EVERY_MS
        deadlines = [
            paused_until_ms,
            report_at_ms if through > self.accepted_through else None,
        ]
        return min([one for one in deadlines if one is not None], default=None)
