"""What the Lambda host runs, and what an invocation gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from local.template.model import Function

MAX_SYNC_PAYLOAD_BYTES = 6 * 1024 * 1024
MAX_EVENT_PAYLOAD_BYTES = 1024 * 1024

EnvironmentState = Literal["starting", "idle", "busy", "ended"]


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What an invocation returned.

    Args:
        payload: The handler's answer as JSON, or an error object.
        function_error: "Unhandled" where the handler failed, else None.
    """

    payload: bytes
    function_error: str | None = None


class Invoker(Protocol):
    """Calls functions and waits for their answers."""

    async def invoke(self, function: str, payload: bytes) -> InvocationResult:
        """Run ``function`` (its logical id) with a JSON event.

        Raises:
            ThrottledError: No concurrency is left for it.
            UnknownFunctionError: There is no such function.
        """


class ThrottledError(RuntimeError):
    """The function's reserved concurrency is used up."""


class UnknownFunctionError(LookupError):
    """No function has that name."""


class UnknownEnvironmentError(LookupError):
    """No environment has that id, or it has ended."""


class InitFailedError(RuntimeError):
    """A function's environment ended before it was ready; the message carries its error."""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """Where a function's code lies.

    Args:
        task_root: The working directory, ``LAMBDA_TASK_ROOT``.
        python_path: Folders put on ``PYTHONPATH``, first wins.
    """

    task_root: Path
    python_path: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class HostedFunction:
    """A function of the template with what this machine adds.

    Args:
        function: As the template says.
        code: Where it lies.
        extra_environment: Variables that AWS or this machine adds to the template's.
        max_environments: Processes at most; more invocations than that wait in a queue.
        time_scale: How many seconds its timeout and its remaining time pass in one.
    """

    function: Function
    code: FunctionCode
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    max_environments: int = 10
    time_scale: float = 1.0

    @property
    def timeout_s(self) -> float:
        """Seconds that an invocation may really take."""
        return self.function.timeout_s / self.time_scale


@dataclass(frozen=True, slots=True)
class InvocationReport:
    """Measurements of one invocation; ``init_ms`` is there for an environment's first one."""

    function: str
    request_id: str
    environment_id: str
    duration_ms: float
    init_ms: float | None
    max_memory_mb: float
    error: str | None


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """One environment as the control operations show it."""

    environment_id: str
    function: str
    pid: int
    state: EnvironmentState
    init_ms: float | None
    invocations: int
