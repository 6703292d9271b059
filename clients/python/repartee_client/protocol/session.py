"""The client's side of one session, without sockets, clock or tasks.

Pass it received frames and the user's actions, send the frames that ``outgoing`` returns, and call
``outgoing`` again at ``next_deadline_ms``. All times are ms of one monotonic clock.
"""

from collections.abc import Collection

from repartee_client.events import (
    Closed,
    Interrupted,
    NoSpeech,
    Problem,
    Ready,
    Refused,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    TurnEnded,
    TurnRestarted,
)
from repartee_client.protocol.decoding import decode_server_message
from repartee_client.protocol.encoding import encode_ack, encode_ping
from repartee_client.protocol.frames import (
    Accepted,
    AcceptedBefore,
    Answer,
    Busy,
    Frame,
    Missing,
    NumberedFrame,
    Undelivered,
)
from repartee_client.protocol.inbox import ClientInbox
from repartee_client.protocol.messages import (
    SPEECH_HEARD,
    STOP,
    Audio,
    Bye,
    Hello,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Stop,
    Text,
)
from repartee_client.protocol.outbox import ClientOutbox
from repartee_client.protocol.playback import Playback, Speaker

ACK_EVERY_MS = 500
"""The longest delay of an acknowledgement while a reply plays.

When the user interrupts the reply, the server remembers only the acknowledged part of it.
"""
SILENT_ACK_AFTER_MS = 3_000
"""The delay of an acknowledgement at other times: it is not urgent and costs one message."""
WAITING_PING_AFTER_MS = 1_000
"""The interval of pings while an answer or the acceptance of input is outstanding."""
RESEND_HELLO_AFTER_MS = 3_000
"""Longer than a cold start of the message function, which answers a repeated ``hello`` too."""
RESEND_UNDELIVERED_AFTER_MS = 1_000
"""The wait after API Gateway rejected a message because of throttling."""
RESEND_REFUSED_AFTER_MS = 1_000
"""The wait after the server refused a message because too many were in flight."""
IDLE_PING_AFTER_MS = 8 * 60 * 1_000
"""API Gateway closes a connection without traffic after 10 minutes."""
_FATAL = ("too_many_errors", "protocol_unknown")
# Turns are numbered from 1.
_NO_TURN = 0
_FEATURES = (STOP, SPEECH_HEARD)


def common_features(features: Collection[str]) -> tuple[str, ...]:
    """Return the features of the server that this client lists in its ``hello``."""
    return tuple(name for name in _FEATURES if name in features)


class ClientSession:
    """The protocol state machine of one client.

    Args:
        marks_speech: See the attribute.
        speaker: Plays the replies; without it their playing is simulated.

    Attributes:
        marks_speech: Whether ``hello`` says that the client marks all speech.
        features: What ``hello`` lists: the features that both this client and the server have.
        ready: The server's answer to the newest ``hello``; None until it arrives.
        closed: The session's last frame; None until it arrives.
        refusal: The refusal after which the call cannot go on; None until it arrives.
        is_leaving: Whether the client has hung up.
        outbox: The client's messages and their acceptance.
        playback: The reply audio that the user has heard.
    """

    def __init__(self, features: Collection[str] = (), speaker: Speaker | None = None) -> None:
        self.marks_speech = "marks_speech" in features
        self.features = common_features(features)
        self.ready: Ready | None = None
        self.closed: Closed | None = None
        self.refusal: Refused | None = None
        self.outbox = ClientOutbox()
        self.playback = Playback(speaker)
        self._inbox = ClientInbox()
        self._waiting_since_ms: float | None = None
        self._open_tools = 0
        self._greeting_turn: int | None = None
        self._last_request_place = 0
        self.is_leaving = False
        self._last_frame_ms = 0.0
        self._last_sent_ms = 0.0
        self._last_waiting_ping_ms = 0.0
        self._hello_sent_at_ms: float | None = None
        self._max_in_flight = 0
        self._ack_at_ms: float | None = None

    @property
    def is_waiting_for_answer(self) -> bool:
        """Whether the user's latest utterance or text is not answered completely."""
        return self._waiting_since_ms is not None

    # Actions of the user and of the connection.

    def connected(self, now_ms: float) -> None:
        """Queue ``hello`` for a connection that has just opened, the first one or a later one."""
        self.ready = None
        self._last_sent_ms = self._hello_sent_at_ms = now_ms
        position = self._inbox.position
        self.outbox.reconnected(now_ms)
        resume_from = position if position.seq else None
        self.outbox.put(Hello(resume_from, self.marks_speech, features=self.features))

    def speech_start(self) -> int:
        return self.outbox.put(SpeechStart())

    def audio(self, pcm: bytes) -> int:
        return self.outbox.put(Audio(pcm))

    def speech_end(self, now_ms: float) -> int:
        return self._request(self.outbox.put(SpeechEnd()), now_ms)

    def text(self, text: str, now_ms: float) -> int:
        return self._request(self.outbox.put(Text(text)), now_ms)

    def stop(self, now_ms: float) -> None:
        """Stop the reply at once; a server without the feature ``stop`` gets no message."""
        if self.playback.turn != _NO_TURN:
            self.playback.stop(self.playback.turn, now_ms)
            self._acknowledge_by(now_ms)
        if STOP in self.features:
            self.outbox.put(Stop())

    def bye(self) -> int:
        self.is_leaving = True
        return self.outbox.put(Bye())

    def _request(self, place: int, now_ms: float) -> int:
        self._last_request_place = place
        self._waiting_since_ms = now_ms
        return place

    # Received frames.

    def receive(self, text: str, now_ms: float) -> list[Frame | Answer]:
        """Process one text frame; return the frames and replies that are now in order.

        Frames of a replaced worker are dropped.

        Raises:
            BadServerMessageError: The text is not a message of the protocol.
        """
        message = decode_server_message(text)
        match message:
            case None:
                return []
            case NumberedFrame():
                before = self._inbox.position
                frames = self._inbox.put(message)
                for frame in frames:
                    self._apply(frame, now_ms)
                    if isinstance(frame, Problem):
                        self._recover(frame, now_ms)
                if self._inbox.position not in (before, OutputPosition(message.epoch, 0)):
                    self._last_frame_ms = now_ms
                    is_playing = not self.playback.is_silent(now_ms)
                    self._acknowledge_by(
                        now_ms + (ACK_EVERY_MS if is_playing else SILENT_ACK_AFTER_MS)
                    )
                return list(frames)
            case Ready():
                self._on_ready(message)
            case Busy(retry_after_ms=wait_ms, seq=int(seq)):
                self.outbox.resend_later(seq, now_ms + wait_ms)
            case AcceptedBefore(through=through):
                self.outbox.accepted(through)
            case Refused():
                self._recover(message, now_ms)
            case Undelivered():
                self.outbox.resend_all(now_ms + RESEND_UNDELIVERED_AFTER_MS)
                return []
            case _:
                pass
        return [message]

    def _on_ready(self, ready: Ready) -> None:
        if ready.next_seq is not None:
            self.outbox.renumber_from(ready.next_seq)
        if ready.output_kept:
            self._inbox.join()
        self.ready = ready
        self._max_in_flight = ready.max_in_flight
        self.outbox.open(ready.max_in_flight)

    def _recover(self, error: Refused | Problem, now_ms: float) -> None:
        match error:
            case (
                Refused(code="seq_taken", seq=int(seq), next_seq=int(next_seq))
                | Problem(code="seq_taken", refused_seq=int(seq), next_seq=int(next_seq))
            ):
                self.outbox.resend_renumbered(seq, next_seq, now_ms)
            case Refused(code="hello_first"):
                self.ready, self._hello_sent_at_ms = None, now_ms
                self.outbox.reconnected(now_ms)
                self.outbox.resend_hello()
            case Refused(retryable=True, seq=seq):
                if seq is not None:
                    self.outbox.resend_later(seq, now_ms + RESEND_REFUSED_AFTER_MS)
            case Refused(seq=int(seq)) if error.code not in _FATAL and self.outbox.drop(seq):
                # The worker skips the number of the refused message.
                place = self._last_request_place
                if place and self.outbox.is_within(place, seq):
                    self._waiting_since_ms = None
            case Refused() if self.closed is None:
                self.refusal = error
            case _:
                pass

    def _apply(self, frame: Frame, now_ms: float) -> None:  # noqa: C901 - one case for each frame
        match frame:
            case Accepted(through=through):
                self.outbox.accepted(through)
            case Missing(first_seq=first, last_seq=last):
                if self.ready is None and self._max_in_flight:
                    # ``ready`` was lost, but the worker has the ``hello`` and waits for input.
                    self.outbox.open(self._max_in_flight)
                self.outbox.resend_range(first, last, now_ms)
            case ReplyAudio(turn=turn, pcm=pcm):
                if self._greeting_turn is None:
                    self._greeting_turn = turn
                self.playback.arrived(turn, pcm, now_ms)
            case Interrupted(turn=turn):
                self.playback.stop(turn, now_ms)
                self._acknowledge_by(now_ms)
            case TurnRestarted(turn=turn):
                self.playback.restart(turn, now_ms)
                if self._greeting_turn == turn:
                    self._greeting_turn = None
                self._open_tools = 0
            case ToolUsed(phase=phase):
                # A later turn without input may speak the result, and is no greeting.
                self._greeting_turn = self._greeting_turn or _NO_TURN
                self._open_tools = max(0, self._open_tools + (1 if phase == "started" else -1))
                self._waiting_since_ms = self._waiting_since_ms or now_ms
            case ReplyLost():
                # A later turn without input may repeat the reply, and is no greeting.
                self._greeting_turn = self._greeting_turn or _NO_TURN
            case TurnEnded():
                self._acknowledge_by(now_ms)
                # A turn that began before the user's latest request does not answer it. Nor does
                # the agent's greeting, which is the first reply and has no input.
                is_greeting = frame.turn == self._greeting_turn and frame.first_audio_ms is None
                is_accepted = self.outbox.accepted_through >= self._last_request_place
                is_answered = is_accepted and not is_greeting
                if is_answered and not self._open_tools:
                    self._waiting_since_ms = None
            case Problem(code="no_answer"):
                # The turn that ends next was given up, so it is no greeting.
                self._greeting_turn = None
            case NoSpeech(through=through):
                place = self._last_request_place
                is_latest = not place or self.outbox.is_within(place, through)
                if is_latest and not self._open_tools:
                    self._waiting_since_ms = None
            case Closed():
                self.closed = frame
                self._waiting_since_ms = None
                self._acknowledge_by(now_ms)
            case _:
                pass

    # Frames to send.

    def outgoing(self, now_ms: float) -> list[str]:
        """Return the text frames to send now, in order; each is returned once."""
        if (hello_at_ms := self._resend_hello_at_ms()) is not None and hello_at_ms <= now_ms:
            self._hello_sent_at_ms = now_ms
            self.outbox.resend_hello()
        texts = self.outbox.due(now_ms)
        if self.ready and self._ack_at_ms is not None and self._ack_at_ms <= now_ms:
            texts.append(self._ack(now_ms))
        if texts:
            self._last_sent_ms = now_ms
        if (ping_at_ms := self._waiting_ping_at_ms()) is not None and ping_at_ms <= now_ms:
            self._last_waiting_ping_ms = self._last_sent_ms = now_ms
            texts.append(encode_ping(owed=True))
        elif self.ready and now_ms >= self._last_sent_ms + IDLE_PING_AFTER_MS:
            self._last_sent_ms = now_ms
            texts.append(encode_ping(owed=False))
        return texts

    def next_deadline_ms(self) -> float | None:
        """Return when to call ``outgoing`` again if nothing else happens; None for never."""
        deadlines = [self._waiting_ping_at_ms(), self._resend_hello_at_ms()]
        if self.ready:
            deadlines += [
                self.outbox.next_deadline_ms(),
                self._last_sent_ms + IDLE_PING_AFTER_MS,
            ]
            deadlines.append(self._ack_at_ms)
        return min((at for at in deadlines if at is not None), default=None)

    def _resend_hello_at_ms(self) -> float | None:
        if self.ready is not None or self._hello_sent_at_ms is None:
            return None
        return self._hello_sent_at_ms + RESEND_HELLO_AFTER_MS

    def _waiting_ping_at_ms(self) -> float | None:
        if self.ready is None or self.closed is not None:
            return None
        if self._waiting_since_ms is not None:
            since_ms = self._waiting_since_ms
        elif self.is_leaving:
            since_ms = self._last_sent_ms
        elif (unaccepted_since_ms := self.outbox.unaccepted_since_ms) is not None:
            # The worker may have died before it read the message; a ping wakes another worker.
            since_ms = unaccepted_since_ms
        else:
            return None
        return (
            max(since_ms, self._last_frame_ms, self._last_waiting_ping_ms) + WAITING_PING_AFTER_MS
        )

    def _acknowledge_by(self, at_ms: float) -> None:
        self._ack_at_ms = at_ms if self._ack_at_ms is None else min(at_ms, self._ack_at_ms)

    def _ack(self, now_ms: float) -> str:
        self._ack_at_ms = None
        turn = self.playback.turn
        return encode_ack(self._inbox.position, turn, self.playback.played_ms(turn, now_ms))
