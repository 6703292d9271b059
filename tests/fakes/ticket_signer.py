import base64
import binascii
import json
from dataclasses import asdict

from repartee.domain.errors import StoreUnavailable, TicketRefused
from repartee.domain.protocol.ticket import Ticket


class FakeTicketSigner:
    """Writes tickets as plain text, with the key's name instead of a signature.

    Attributes:
        failing: The key cannot be fetched.
    """

    def __init__(self, key_name: str = "ours", audience: str = "repartee") -> None:
        self._key_name = key_name
        self._audience = audience
        self.failing = False

    def issue(self, ticket: Ticket) -> str:
        if self.failing:
            raise StoreUnavailable("the test makes the signer fail")
        fields = {"ticket": asdict(ticket), "audience": self._audience}
        text = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
        return f"{text}.{self._key_name}"

    def verify(self, token: str, *, now_ms: int) -> Ticket:
        if self.failing:
            raise StoreUnavailable("the test makes the signer fail")
        text, _, key_name = token.rpartition(".")
        try:
            fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            ticket = Ticket(**fields["ticket"])
        except (ValueError, TypeError, KeyError, binascii.Error):
            raise TicketRefused("malformed") from None
        if key_name != self._key_name:
            raise TicketRefused("forged")
        if fields["audience"] != self._audience:
            raise TicketRefused("wrong_audience")
        if now_ms >= ticket.expires_at_ms:
            raise TicketRefused("expired")
        return ticket
