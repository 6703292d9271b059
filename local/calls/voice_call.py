"""A call that collects its turns."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from websockets.asyncio.client import ClientConnection

from local.calls.turn_collector import TurnCollector
from repartee_client.call import Call
from repartee_client.protocol.frames import Answer, Frame
from repartee_client.protocol.session import ClientSession
from repartee_client.transport import CLOSED_WITHIN_S, CallObserver, now_ms

type EventListener = Callable[[float, Frame | Answer], None]


class VoiceCall(Call):
    """A call that nobody iterates over.

    Attributes:
        replies: The received turns.
        opened_at_ms: When the call was created, by ``now_ms``.
    """

    def __init__(
        self,
        open_line: Callable[[], Awaitable[ClientConnection]],
        *,
        listener: EventListener | None = None,
        observer: CallObserver | None = None,
        features: Collection[str] = (),
        reconnect_for_s: float = 0.0,
        closed_within_s: float = CLOSED_WITHIN_S,
    ) -> None:
        super().__init__(
            open_line,
            ClientSession(features),
            observer=observer,
            reconnect_for_s=reconnect_for_s,
            closed_within_s=closed_within_s,
        )
        self.replies = TurnCollector()
        self.opened_at_ms = now_ms()
        self._listener = listener

    def take(self, messages: Sequence[Frame | Answer]) -> None:
        at_ms = now_ms()
        self.replies.take(messages, at_ms)
        if self._listener is not None:
            for message in messages:
                self._listener(at_ms, message)
        super().take(messages)
