from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.errors import StoreUnavailable


class FakeSummaryRequests:
    """Records requests for summaries and carries none out.

    Attributes:
        failing: Runs cannot be queued.
    """

    def __init__(self) -> None:
        self.requests: list[SummaryRequest] = []
        self.failing = False

    def ask(self, request: SummaryRequest) -> None:
        if self.failing:
            raise StoreUnavailable("the test makes the queue fail")
        self.requests.append(request)
