from repartee.domain.errors import StoreUnavailable
from repartee.ports.workers import WakeRequest


class FakeWorkerPool:
    """Records wakes and starts no worker.

    Attributes:
        failing: Invocations cannot be queued.
    """

    def __init__(self) -> None:
        self.wakes: list[WakeRequest] = []
        self.failing = False

    def wake(self, request: WakeRequest) -> None:
        if self.failing:
            raise StoreUnavailable("the test makes the pool fail")
        self.wakes.append(request)
