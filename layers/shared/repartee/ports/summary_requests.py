from typing import Protocol

from repartee.domain.conversation.summary import SummaryRequest


class SummaryRequests(Protocol):
    """Has conversations summed up while they go on."""

    def ask(self, request: SummaryRequest) -> None:
        """Queue a run; returning does not mean that it is done, or will be.

        Raises:
            StoreUnavailable: The run could not be queued.
        """
        ...
