"""Ports of the runtime: clock, ids, secrets, tickets, log."""

from collections.abc import Mapping
from typing import Protocol

from repartee.domain.protocol.ticket import Ticket


class Clock(Protocol):
    """Reads the time; tests set it by hand."""

    def now_ms(self) -> int:
        """Return Unix time in ms, for values that other processes read."""
        ...

    def monotonic_ms(self) -> int:
        """Return ms on a clock that never jumps, for deadlines inside one process."""
        ...


class IdSource(Protocol):
    """Makes ids that are unique and cannot be guessed."""

    def new_id(self, now_ms: int) -> str:
        """Return 26 characters that sort by ``now_ms``, with 80 random bits (a ULID)."""
        ...


class Secrets(Protocol):
    """Reads secrets, and keeps their values for some minutes.

    A value that cannot be read again stays, with a warning in the log. Both methods raise
    ``StoreUnavailable`` when the service fails and no value is known.
    """

    def get(self, secret_id: str) -> str:
        """Return the text of the secret's current version, at most 5 minutes old."""
        ...

    def versions(self, secret_id: str) -> tuple[str, ...]:
        """Return the texts of the current and the previous version, at most a minute old.

        There is no previous version before the first rotation.
        """
        ...


class TicketSigner(Protocol):
    """Signs tickets and verifies signed tickets.

    Both methods raise ``StoreUnavailable`` when the key cannot be fetched.
    """

    def issue(self, ticket: Ticket) -> str:
        """Return the signed ticket, in characters that need no encoding in a URL's query."""
        ...

    def verify(self, token: str, *, now_ms: int) -> Ticket:
        """Return the ticket that was signed.

        Raises:
            TicketRefused: ``malformed``, ``forged``, ``expired`` or ``wrong_audience``.
        """
        ...


class Log(Protocol):
    """Writes structured log lines: constant messages, values in keys."""

    def info(self, message: str, /, *, extra: Mapping[str, object]) -> None:
        """Log an expected event."""
        ...

    def warning(self, message: str, /, *, extra: Mapping[str, object]) -> None:
        """Log an event that an operator may want to look at."""
        ...
