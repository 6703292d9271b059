"""The Lambda host: pools of real runtime processes behind Lambda's own interfaces."""

import asyncio
import signal
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from local.hosting.timers import SystemTimers, Timers
from local.lambdas.environment import Environment, FunctionLog, Invocation
from local.lambdas.event_queue import EventQueue, EventSettings, SendFailure
from local.lambdas.hosting_types import (
    EnvironmentInfo,
    HostedFunction,
    InvocationReport,
    InvocationResult,
    UnknownEnvironmentError,
    UnknownFunctionError,
)
from local.lambdas.pool import EnvironmentPool
from local.lambdas.runtime_api import RuntimeApi

_REPORTS_KEPT = 10_000


type WatchEvent = Callable[[str, bytes], Awaitable[None]]
"""Takes a function's logical id and the payload of an Event invocation."""


async def _ignore_event(_function: str, _payload: bytes) -> None:
    """Nobody looks on."""


async def _drop(_destination_arn: str, _message: str) -> None:
    """Where failures go when nothing serves destinations."""


class LambdaHost:
    """Runs functions. ``async with`` it; leaving kills every environment.

    Args:
        functions: What to run.
        log_directory: Gets ``<logical id>.log`` per function: what it printed, and report lines.
        timers: Time for timeouts, retries and ages.
        events: How Event invocations are delivered.
        send_failure: Where messages for on-failure destinations go.

    Attributes:
        watch_event: Sees each Event invocation that came over the Invoke API and was taken over;
            who invoked is told once it returns.
    """

    def __init__(
        self,
        functions: Iterable[HostedFunction],
        log_directory: Path,
        *,
        timers: Timers | None = None,
        events: EventSettings | None = None,
        send_failure: SendFailure = _drop,
    ) -> None:
        log_directory.mkdir(parents=True, exist_ok=True)
        timers = timers or SystemTimers()
        self.reports: deque[InvocationReport] = deque(maxlen=_REPORTS_KEPT)
        self.watch_event: WatchEvent = _ignore_event
        self._runtime_api = RuntimeApi(self._became_idle)
        self._pools: dict[str, EnvironmentPool] = {
            hosted.function.logical_id: EnvironmentPool(
                hosted,
                FunctionLog(log_directory / f"{hosted.function.logical_id}.log"),
                timers,
                self._start_environment,
                self._runtime_api.forget,
                self.reports.append,
            )
            for hosted in functions
        }
        self._names = {
            pool.hosted.function.arn.rsplit(":", 1)[-1]: name for name, pool in self._pools.items()
        }
        self.events = EventQueue(timers, events or EventSettings(), send_failure)
        self._environment_number = 0

    async def __aenter__(self) -> "LambdaHost":
        await self._runtime_api.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.events.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        await self._runtime_api.close()

    def resolve(self, name_or_arn: str) -> str:
        """The logical id of a function given by name, ARN or partial ARN, with or without version.

        Raises:
            UnknownFunctionError: There is none.
        """
        parts = name_or_arn.split(":")
        name = parts[parts.index("function") + 1] if "function" in parts else parts[0]
        if name in self._pools:
            return name
        if name not in self._names:
            raise UnknownFunctionError(name)
        return self._names[name]

    async def invoke(
        self, function: str, payload: bytes, client_context: str | None = None
    ) -> InvocationResult:
        """Run a function and wait for its answer (see ``Invoker``)."""
        # A caller that stops waiting does not stop the function.
        return await asyncio.shield(self.submit(function, payload, client_context).result)

    def submit(
        self, function: str, payload: bytes, client_context: str | None = None
    ) -> Invocation:
        """Hand an event to a function at once; ``result`` is its answer to come."""
        return self._pool(function).submit(str(uuid.uuid4()), payload, client_context)

    def invoke_event(self, function: str, payload: bytes) -> str:
        """Queue an Event invocation; return its request id."""
        pool = self._pool(function)
        request_id = str(uuid.uuid4())
        self.events.accept(pool.hosted.function, pool, request_id, payload)
        return request_id

    async def prewarm(self, counts: Mapping[str, int], *, at_once: int = 2) -> None:
        """Start environments before they are needed.

        Args:
            counts: How many per function, by logical id.
            at_once: Inits that run side by side; each wants a core.

        Raises:
            InitFailedError: An environment ended during its init.
        """
        turns = asyncio.Semaphore(at_once)

        async def one(pool: EnvironmentPool, count: int) -> None:
            async with turns:
                await pool.prewarm(count)

        await asyncio.gather(
            *(
                one(self._pool(function), number + 1)
                for function, count in counts.items()
                for number in range(count)
            )
        )

    def environments(self, function: str | None = None) -> Sequence[EnvironmentInfo]:
        """The environments that exist, of one function or of all."""
        pools = self._pools.values() if function is None else [self._pool(function)]
        return [environment.info() for pool in pools for environment in pool.environments]

    def override_timeout(self, function: str, timeout_s: float | None) -> None:
        """Let later invocations believe in another timeout; None lets them know their own."""
        self._pool(function).timeout_override_s = timeout_s

    def set_concurrency(self, function: str, concurrency: int | None) -> None:
        """Take so many invocations at a time from now on; None gives the template's number back."""
        pool = self._pool(function)
        reserved = pool.hosted.function.reserved_concurrency
        pool.concurrency = reserved if concurrency is None else concurrency

    def change_variables(self, function: str, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Run a function with other variables, as Lambda's UpdateFunctionConfiguration does.

        What runs goes on to its end. Nothing more is run with the variables from before.

        Returns:
            The variables from before.
        """
        return self._pool(function).change_variables(variables)

    async def kill(self, environment_id: str) -> None:
        """``kill -9`` an environment and wait until it is gone."""
        await self._environment(environment_id).child.kill()

    def stop(self, environment_id: str) -> None:
        """Freeze an environment where it stands (SIGSTOP)."""
        self._environment(environment_id).child.signal(signal.SIGSTOP)

    def resume(self, environment_id: str) -> None:
        """Let a frozen environment go on (SIGCONT)."""
        self._environment(environment_id).child.signal(signal.SIGCONT)

    def _pool(self, function: str) -> EnvironmentPool:
        return self._pools[self.resolve(function)]

    def _environment(self, environment_id: str) -> Environment:
        for pool in self._pools.values():
            for environment in pool.environments:
                if environment.environment_id == environment_id:
                    return environment
        raise UnknownEnvironmentError(environment_id)

    def _became_idle(self, environment: Environment) -> None:
        self._pools[environment.hosted.function.logical_id].became_idle()

    async def _start_environment(self, hosted: HostedFunction, log: FunctionLog) -> Environment:
        self._environment_number += 1
        environment_id = f"{hosted.function.logical_id}-{self._environment_number}"
        return await self._runtime_api.serve(
            lambda address: Environment.start(environment_id, hosted, address, log)
        )
