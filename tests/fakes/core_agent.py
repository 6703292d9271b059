import threading
from collections import deque
from collections.abc import Iterable

from repartee.domain.errors import CoreAgentFailed
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest

_PATIENCE_S = 10.0


class FakeCoreAgent:
    """Answers from a script, in order; the last entry answers all later questions too.

    Attributes:
        requests: The questions.
        may_answer: Clear it to hold answers back until it is set.
    """

    def __init__(self, script: Iterable[CoreAnswer | CoreAgentFailed]) -> None:
        self._script = deque(script)
        self.requests: list[CoreRequest] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ask(self, request: CoreRequest) -> CoreAnswer:
        self.requests.append(request)
        if not self.may_answer.wait(_PATIENCE_S):
            raise CoreAgentFailed("the test never set may_answer", retryable=True)
        scripted = self._script.popleft() if len(self._script) > 1 else self._script[0]
        if isinstance(scripted, CoreAgentFailed):
            raise scripted
        return scripted
