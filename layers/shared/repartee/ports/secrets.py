from typing import Protocol


class Secrets(Protocol):
    """Hands out secrets, kept for the life of the process."""

    def get(self, secret_id: str) -> str:
        """Return the secret's text.

        Raises:
            StoreUnavailable: The service failed beyond the retries.
        """
        ...
