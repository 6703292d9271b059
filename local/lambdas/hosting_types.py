"""The types of the Lambda host: hosted functions, invocation results and errors."""

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
    """The result of an invocation.

    Args:
        payload: The handler's answer as JSON, or an error object.
        function_error: "Unhandled" if the handler failed, else None.
    """

    payload: bytes
    function_error: str | None = None


class Invoker(Protocol):
    """Calls functions and waits for their answers."""

    async def invoke(self, function: str, payload: bytes) -> InvocationResult:
        """Run ``function`` (its logical id) with a JSON event.

        Raises:
            ThrottledError: The function's reserved concurrency is used up.
            UnknownFunctionError: There is no such function.
        """


class ThrottledError(RuntimeError):
    """The function's reserved concurrency is used up."""


class UnknownFunctionError(LookupError):
    """No function has that name."""


class UnknownEnvironmentError(LookupError):
    """No environment has that id, or it has ended."""


class InitFailedError(RuntimeError):
    """A function's environment ended before it was ready; the message holds its error."""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """The location of a function's code.

    Args:
        task_root: The working directory, ``LAMBDA_TASK_ROOT``.
        python_path: The folders of ``PYTHONPATH``, in order of precedence.
    """

    task_root: Path
    python_path: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class HostedFunction:
    """A function of the template and its settings on this machine.

    Args:
        function: The function as the template defines it.
        code: The location of its code.
        extra_environment: Variables in addition to the template's.
        max_environments: The largest number of processes; further invocations wait in a queue.
        time_scale: The factor by which its timeout and remaining time pass faster.
    """

    function: Function
    code: FunctionCode
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    max_environments: int = 10
    time_scale: float = 1.0

    @property
    def timeout_s(self) -> float:
        """The real time that an invocation has."""
        return self.function.timeout_s / self.time_scale


@dataclass(frozen=True, slots=True)
class InvocationReport:
    """Measurements of one invocation; only an environment's first one has ``init_ms``."""

    function: str
    request_id: str
    environment_id: str
    duration_ms: float
    init_ms: float | None
    max_memory_mb: float
    error: str | None


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """One environment, as the control operations report it."""

    environment_id: str
    function: str
    pid: int
    state: EnvironmentState
    init_ms: float | None
    invocations: int
