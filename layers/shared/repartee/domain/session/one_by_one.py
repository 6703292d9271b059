"""What is said to a model that is behind reaches it one utterance at a time."""

from dataclasses import dataclass

from repartee.domain.messages import Numbered
from repartee.domain.session.turn_ledger import TurnLedger


@dataclass(slots=True)
class OneByOne:
    """Holds an utterance back until the one before it is answered, where the model is behind.

    Both at once would be answered twice, or once, in a turn that cannot tell. The model is behind
    with what was said before it could listen, and with what follows that before the answer to it
    has begun. Times are Unix time in ms.
    """

    _turns: TurnLedger
    _late_until_ms: int | None = None
    _holds_back: bool = False
    _is_behind: bool = False

    def listen(self, now_ms: int) -> None:
        """The model listens from now on: what came before is late."""
        if self._late_until_ms is None:
            self._late_until_ms = now_ms

    def forget(self) -> None:
        """The model that was listening is gone."""
        self._late_until_ms = None
        self._is_behind = False

    def must_wait(self, said: Numbered, now_ms: int) -> bool:
        """Tell whether this message, the next of an utterance, is not to be given yet."""
        is_early = self._is_behind and not self._turns.is_replying
        must_wait = (self._is_late(said) or is_early) and self._turns.awaits_reply_before(said.seq)
        if must_wait or self._holds_back:
            # Whatever has come while something waited has waited too.
            self._late_until_ms = max(now_ms, said.received_at_ms + 1)
        self._holds_back = must_wait
        return must_wait

    def end_utterance(self, last: Numbered) -> None:
        """Note that an utterance was given to its end."""
        self._is_behind = self._is_late(last)

    def _is_late(self, numbered: Numbered) -> bool:
        return numbered.received_at_ms < (self._late_until_ms or 0)
