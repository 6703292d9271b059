"""The Lambda host: pools of real runtime processes behind Lambda's interfaces."""

import asyncio
import signal
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from local.cloudwatch.aws_metrics import AwsMetrics, LambdaMetrics
from local.hosting.timers import SystemTimers, Timers
from local.lambdas.code_changes import CodeChange, CodeReloader
from local.lambdas.environment import Environment, FunctionLog, Invocation
from local.lambdas.environment_pool import EnvironmentPool
from local.lambdas.event_queue import EventQueue, EventSettings, SendFailure
from local.lambdas.hosting_types import (
    EnvironmentInfo,
    HostedFunction,
    InvocationReport,
    InvocationResult,
    UnknownEnvironmentError,
    UnknownFunctionError,
)
from local.lambdas.runtime_api import RuntimeApi

_REPORTS_KEPT = 10_000
_SAMPLE_S = 1.0


type WatchEvent = Callable[[str, bytes], Awaitable[None]]
"""A callback for Event invocations, with the function's logical id and the payload."""


async def _ignore_event(_function: str, _payload: bytes) -> None:
    """Do nothing; the default watcher."""


async def _drop(_destination_arn: str, _message: str) -> None:
    """Drop a failure message; the default where no destination is served."""


class LambdaHost:
    """Runs functions; an async context manager that kills every environment at its end.

    Args:
        functions: The functions to run.
        log_directory: The folder for ``<logical id>.log`` with a function's output and reports.
        timers: The clock for timeouts, retries and ages.
        events: The delivery of Event invocations.
        send_failure: Sends messages to on-failure destinations.
        code_changed: Called when source files were edited; later invocations run the new code.
            None looks for no changes.
        restart_paths: Files and folders whose changes are reported and have no effect.
        metrics: Counts what Lambda would publish.

    Attributes:
        watch_event: Called with each Event invocation that the Invoke API has accepted; the
            caller gets its answer after the callback returns.
    """

    def __init__(
        self,
        functions: Iterable[HostedFunction],
        log_directory: Path,
        *,
        timers: Timers | None = None,
        events: EventSettings | None = None,
        send_failure: SendFailure = _drop,
        code_changed: Callable[[CodeChange], None] | None = None,
        restart_paths: Collection[Path] = (),
        metrics: AwsMetrics | None = None,
    ) -> None:
        functions = tuple(functions)
        log_directory.mkdir(parents=True, exist_ok=True)
        self._timers = timers = timers or SystemTimers()
        self._metrics = LambdaMetrics(metrics or AwsMetrics())
        self._sampling: asyncio.Task[None] | None = None
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
                self._replace_outdated,
                self._metrics,
            )
            for hosted in functions
        }
        self._names = {pool.hosted.function.name: name for name, pool in self._pools.items()}
        self.events = EventQueue(timers, events or EventSettings(), send_failure, self._metrics)
        self._environment_number = 0
        self._reloader = code_changed and CodeReloader(
            (hosted.code for hosted in functions), restart_paths, timers, code_changed
        )

    async def __aenter__(self) -> "LambdaHost":
        await self._runtime_api.start()
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
        await self.events.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        await self._runtime_api.close()

    def resolve(self, name_or_arn: str) -> str:
        """Return a function's logical id for a name, ARN or partial ARN, with or without version.

        Raises:
            UnknownFunctionError: There is no such function.
        """
        parts = name_or_arn.split(":")
        name = parts[parts.index("function") + 1] if "function" in parts else parts[0]
        if name in self._pools:
            return name
        if name not in self._names:
            raise UnknownFunctionError(name)
        return self._names[name]

    async def invoke(self, function: str, payload: bytes) -> InvocationResult:
        """Run a function and wait for its answer (see ``Invoker``)."""
        # A caller that stops waiting does not stop the function.
        return await asyncio.shield(self.submit(function, payload).result)

    def submit(
        self, function: str, payload: bytes, client_context: str | None = None
    ) -> Invocation:
        """Submit an event to a function; the future ``result`` gets the answer."""
        return self._pool(function).submit(str(uuid.uuid4()), payload, client_context)

    def invoke_event(self, function: str, payload: bytes) -> str:
        """Queue an Event invocation; return its request id."""
        pool = self._pool(function)
        request_id = str(uuid.uuid4())
        self.events.accept(pool.hosted.function, pool, request_id, payload)
        return request_id

    async def prewarm(self, counts: Mapping[str, int], *, at_once: int = 2) -> None:
        """Start environments before their first invocation.

        Args:
            counts: The number of environments by logical id.
            at_once: The number of inits that run concurrently; each needs a core.

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
        """Return the existing environments of one function or of all."""
        pools = self._pools.values() if function is None else [self._pool(function)]
        return [environment.info() for pool in pools for environment in pool.environments]

    def in_flight(self) -> int:
        """Return the number of invocations that run or wait, undelivered events included."""
        return self.events.undelivered + sum(pool.in_flight for pool in self._pools.values())

    def override_timeout(self, function: str, timeout_s: float | None) -> None:
        """Report another timeout to later invocations; None reports the real one."""
        self._pool(function).timeout_override_s = timeout_s

    def set_concurrency(self, function: str, concurrency: int | None) -> None:
        """Limit the concurrent invocations; None restores the template's limit."""
        pool = self._pool(function)
        reserved = pool.hosted.function.reserved_concurrency
        pool.concurrency = reserved if concurrency is None else concurrency

    def change_variables(self, function: str, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Change a function's variables, as Lambda's UpdateFunctionConfiguration does.

        Running invocations finish. Later ones get new environments with the new variables.

        Returns:
            The previous variables.
        """
        return self._pool(function).change_variables(variables)

    async def kill(self, environment_id: str) -> None:
        """Kill an environment (SIGKILL) and wait for its end."""
        await self._environment(environment_id).child.kill()

    def stop(self, environment_id: str) -> None:
        """Freeze an environment (SIGSTOP)."""
        self._environment(environment_id).child.signal(signal.SIGSTOP)

    def resume(self, environment_id: str) -> None:
        """Continue a frozen environment (SIGCONT)."""
        self._environment(environment_id).child.signal(signal.SIGCONT)

    def _pool(self, function: str) -> EnvironmentPool:
        return self._pools[self.resolve(function)]

    def _environment(self, environment_id: str) -> Environment:
        for pool in self._pools.values():
            for environment in pool.environments:
                if environment.environment_id == environment_id:
                    return environment
        raise UnknownEnvironmentError(environment_id)

    async def _sample(self) -> None:
        """Record the concurrency each second, because a worker may start nothing for minutes."""
        while True:
            await asyncio.sleep(_SAMPLE_S)
            self._metrics.sample()

    def _replace_outdated(self) -> None:
        if self._reloader is not None:
            self._reloader.replace_outdated(self._pools.values())

    def _became_idle(self, environment: Environment) -> None:
        self._pools[environment.hosted.function.logical_id].became_idle()

    async def _start_environment(self, hosted: HostedFunction, log: FunctionLog) -> Environment:
        self._environment_number += 1
        environment_id = f"{hosted.function.logical_id}-{self._environment_number}"
        return await self._runtime_api.serve(
            lambda address: Environment.start(environment_id, hosted, address, log)
        )
