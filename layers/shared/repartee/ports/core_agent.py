from typing import Protocol

from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest


class CoreAgent(Protocol):
    """Answers questions that need data, in another function."""

    def ask(self, request: CoreRequest) -> CoreAnswer:
        """Wait for the answer, at most until the request's deadline.

        Raises:
            CoreAgentFailed: It could not be reached, failed, or took too long.
        """
        ...
