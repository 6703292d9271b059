"""The session's tie to its client: the current connection, what it was sent, what it heard."""

from dataclasses import dataclass, field

from repartee.domain.protocol.frames import Accepted
from repartee.domain.protocol.messages import Acknowledged, Hello, Numbered
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.effects import Effect, PostFrame, SetConnection
from repartee.domain.session.state import NO_CONNECTION, Connected

# A frame for each message would double the cost of listening; a client may have 25 messages of
# 200 ms in flight, so it never waits for this.
ACCEPTED_EVERY_MS = 600
ACCEPTED_EVERY_MESSAGES = 5


@dataclass(slots=True)
class ClientLink:
    """One client, over whichever connection is current.

    Attributes:
        connection_id: The current connection, None while there is none.
        accepted_through: The last input number that the client was told is safe.
        marks_speech: The client marks where speech begins and ends.
        newest: The newest connection that has said hello, as far as this worker knows.
        detached_at_ms: Since when there is no connection, None while there is one.
    """

    outbox: Outbox
    connection_id: str | None
    accepted_through: int
    marks_speech: bool = False
    newest: Connected = NO_CONNECTION
    detached_at_ms: int | None = None
    _accepted_at_ms: int = 0
    _last_hello_seq: int = -1
    _played: tuple[int, int] = (0, 0)
    _played_at_seq: int = 0
    _is_playback_reported: bool = False
    _playable: dict[int, int] = field(default_factory=dict)

    def attach(self, numbered: Numbered, hello: Hello) -> tuple[list[Effect], bool] | None:
        """Make the hello's connection the current one, unless a newer one said hello before.

        Returns:
            What is to be done, and whether output that the client asks for is held no more; None
            where nothing follows from this hello.
        """
        connection = Connected(hello.connected_at_ms, numbered.connection_id)
        # Where it is not known when a connection was opened, the hello's number decides.
        is_known = connection.at_ms > 0
        if is_known and connection < self.newest:
            return None
        is_newer = is_known and connection > self.newest
        if not is_newer and numbered.seq <= self._last_hello_seq:
            return None
        self.newest, self._last_hello_seq = connection, numbered.seq
        self.detached_at_ms = None
        is_same_line = numbered.connection_id == self.connection_id
        before = (self.connection_id, self.marks_speech)
        self.connection_id, self.marks_speech = numbered.connection_id, hello.marks_speech
        effects: list[Effect] = []
        if before != (self.connection_id, self.marks_speech):
            effects.append(SetConnection(self.connection_id, self.marks_speech))
        if is_same_line and hello.resume_from is None:
            return effects, False
        return effects, not self.outbox.resume(hello.resume_from)

    def detach(self, connection_id: str, now_ms: int) -> list[Effect]:
        """Note that a connection is closed; one that is not current any more changes nothing."""
        if connection_id != self.connection_id:
            return []
        self.connection_id = None
        self.detached_at_ms = now_ms
        return [SetConnection(None)]

    def acknowledge(self, ack: Acknowledged) -> bool:
        """Take an ``ack``; return False when it names output that was never posted.

        What an older ``ack`` says of playing changes nothing. Neither does what is more than was
        posted.
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
        """Forget what the client has played of a turn, because the turn starts over."""
        self._played = (0, 0)
        self._played_at_seq = self.outbox.last_seq + 1
        self._playable.pop(turn, None)
        self.outbox.forget_posted(turn)

    def interrupt(self, turn: int, now_ms: int) -> None:
        """Have the client stop playing a turn's reply, of which nothing more is posted."""
        self._playable[turn] = self.outbox.playable_ms(turn, now_ms)
        self.outbox.interrupt(turn)

    def played_ms(self, turn: int) -> int:
        """Return how many ms of an interrupted reply the user has heard.

        Where the client does not say it, this is what it can have played since the posts.
        """
        played_turn, played_ms = self._played
        known_ms = played_ms if played_turn == turn else 0
        return (
            known_ms if self._is_playback_reported else max(known_ms, self._playable.get(turn, 0))
        )

    def report_accepted(self, through: int, now_ms: int, *, is_urgent: bool) -> None:
        """Tell the client, not too often, up to where its input is safe."""
        news = through - self.accepted_through
        if news <= 0:
            self._accepted_at_ms = now_ms
            return
        is_due = now_ms >= self._accepted_at_ms + ACCEPTED_EVERY_MS
        if is_urgent or is_due or news >= ACCEPTED_EVERY_MESSAGES:
            self.outbox.offer(Accepted(through))
            self.accepted_through = through
            self._accepted_at_ms = now_ms

    def next_post(self, now_ms: int) -> PostFrame | None:
        """Return the frame to post now, if there is one and somewhere to post it."""
        if self.connection_id is None:
            return None
        numbered = self.outbox.next_post(now_ms)
        return None if numbered is None else PostFrame(self.connection_id, numbered)

    def next_deadline_ms(self, through: int) -> int | None:
        """Return when a post or a report may be due by time alone."""
        paused_until_ms = self.outbox.next_deadline_ms()
        report_at_ms = self._accepted_at_ms + ACCEPTED_EVERY_MS
        deadlines = [
            paused_until_ms,
            report_at_ms if through > self.accepted_through else None,
        ]
        return min((one for one in deadlines if one is not None), default=None)
