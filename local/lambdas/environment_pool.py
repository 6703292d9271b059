"""The environments of one function, and the invocations that wait for them."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from local.cloudwatch.aws_metrics import LambdaMetrics
from local.hosting.timers import Timers, within
from local.lambdas.environment import Environment, FunctionLog, Invocation, error_payload
from local.lambdas.hosting_types import (
    HostedFunction,
    InitFailedError,
    InvocationReport,
    InvocationResult,
    ThrottledError,
)

StartEnvironment = Callable[[HostedFunction, FunctionLog], Awaitable[Environment]]


class EnvironmentPool:
    """Scales one function up to its maximum of environments; further invocations wait.

    Attributes:
        timeout_override_s: The timeout that functions see; None for the real one.
        concurrency: The largest number of invocations in flight; None for no limit. The initial
            value is the template's reserved concurrency.
    """

    def __init__(
        self,
        hosted: HostedFunction,
        log: FunctionLog,
        timers: Timers,
        start_environment: StartEnvironment,
        environment_ended: Callable[[Environment], Awaitable[None]],
        reported: Callable[[InvocationReport], None],
        before_invocation: Callable[[], None],
        metrics: LambdaMetrics,
    ) -> None:
        self.hosted = hosted
        self.environments: list[Environment] = []
        self.timeout_override_s: float | None = None
        self.concurrency: int | None = hosted.function.reserved_concurrency
        self._log = log
        self._timers = timers
        self._start_environment = start_environment
        self._environment_ended = environment_ended
        self._reported = reported
        self._before_invocation = before_invocation
        self._metrics = metrics
        self._pending: deque[Invocation] = deque()
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """The number of running and waiting invocations."""
        return self.running + len(self._pending)

    @property
    def running(self) -> int:
        """The number of running invocations."""
        return sum(environment.current is not None for environment in self.environments)

    def submit(
        self, request_id: str, payload: bytes, client_context: str | None = None
    ) -> Invocation:
        """Submit an event; the future ``result`` gets the answer.

        Raises:
            ThrottledError: The reserved concurrency is used up.
        """
        self._before_invocation()
        if self.concurrency is not None and self.in_flight >= self.concurrency:
            self._metrics.throttled(self.hosted.function.name)
            raise ThrottledError(self.hosted.function.logical_id)
        loop = asyncio.get_running_loop()
        invocation = Invocation(
            request_id, payload, loop.create_future(), loop.create_future(), client_context
        )
        self._count(invocation)
        self._pending.append(invocation)
        self._dispatch()
        return invocation

    def withdraw(self, invocation: Invocation) -> None:
        """Withdraw an invocation that no environment has taken."""
        if invocation in self._pending:
            self._pending.remove(invocation)
            invocation.result.cancel()

    def _count(self, invocation: Invocation) -> None:
        function = self.hosted.function.name
        started_at_ms = self._metrics.started(function)

        def count_end(result: asyncio.Future[InvocationResult]) -> None:
            if result.cancelled():
                self._metrics.withdrawn(function)
            else:
                is_error = result.result().function_error is not None
                self._metrics.finished(function, started_at_ms, is_error=is_error)

        invocation.result.add_done_callback(count_end)

    async def prewarm(self, count: int) -> None:
        """Start environments until ``count`` are ready, up to the maximum.

        Raises:
            InitFailedError: An environment ended during its init.
        """
        wanted = min(count, self.hosted.max_environments)
        missing = wanted - len(self.environments) - self._starting
        coming = [e for e in self.environments if e.state == "starting"]
        coming += await asyncio.gather(*(self._begin() for _ in range(missing)))
        for environment in coming:
            await environment.ready

    def change_variables(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Set the variables of later environments; the present ones get no further invocation.

        Returns:
            The previous variables.
        """
        function = self.hosted.function
        self.hosted = replace(self.hosted, function=replace(function, environment=variables))
        self._dispatch()
        return function.environment

    def renew(self) -> None:
        """Use new environments for later invocations; the present ones get none."""
        # ``_dispatch`` ends idle environments whose ``hosted`` is another object.
        self.hosted = replace(self.hosted)
        self._dispatch()

    async def close(self) -> None:
        """Kill every environment and wait for all of them."""
        self._closed = True
        await asyncio.gather(*(environment.child.kill() for environment in self.environments))
        while self._tasks:
            await asyncio.wait(self._tasks)
        for invocation in self._pending:
            invocation.result.cancel()
        self._log.close()

    def became_idle(self) -> None:
        """Assign waiting invocations after an environment has asked for work."""
        self._dispatch()

    def _dispatch(self) -> None:
        # The last used environment comes first, so that spare ones stay unused.
        idle = [e for e in reversed(self.environments) if e.state == "idle"]
        for outdated in [e for e in idle if e.hosted is not self.hosted]:
            idle.remove(outdated)
            outdated.end()
            self._spawn(outdated.child.kill())
        while self._pending and idle:
            environment, invocation = idle.pop(0), self._pending.popleft()
            timeout_s = self.timeout_override_s or self.hosted.timeout_s
            invocation.deadline_ms = int((self._timers.now_s() + timeout_s) * 1000)
            environment.assign(invocation)
            self._spawn(self._run(environment, invocation))
        # An environment that has answered soon asks for more work.
        coming = sum(
            e.state == "starting" or (e.state == "busy" and e.current is None)
            for e in self.environments
        )
        total = len(self.environments) + self._starting
        room = self.hosted.max_environments - total
        for _ in range(min(len(self._pending) - coming - self._starting, room)):
            self._spawn(self._start_ignoring_errors(self._begin()))

    def _spawn(self, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            await work

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_ignoring_errors(self, start: Awaitable[Environment]) -> None:
        try:
            await start
        except OSError as error:
            self._fail_oldest_invocation(error_payload("Runtime.InvalidEntrypoint", str(error)))

    def _begin(self) -> Coroutine[Any, Any, Environment]:
        # Counted before the task runs, because the next decision depends on the count.
        self._starting += 1
        return self._start()

    async def _start(self) -> Environment:
        try:
            environment = await self._start_environment(self.hosted, self._log)
        finally:
            self._starting -= 1
        # The future may have no reader; the waiting invocation gets the error of a failed init.
        environment.ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        self.environments.append(environment)
        self._spawn(self._watch(environment))
        if self._closed:
            await environment.child.kill()
        return environment

    async def _watch(self, environment: Environment) -> None:
        """Wait for the end of the process and report it to its invocation and the pool."""
        status = await environment.child.process.wait()
        if environment.pump is not None:
            await environment.pump
        was_starting = environment.state == "starting"
        environment.end()
        await self._environment_ended(environment)
        if environment in self.environments:
            self.environments.remove(environment)
        how = f"signal: {-status}" if status < 0 else f"exit status {status}"
        message = f"Error: Runtime exited with error: {how}"
        if environment.current is not None and not environment.current.result.done():
            body = error_payload(
                "Runtime.ExitError", f"RequestId: {environment.current.request_id} {message}"
            )
            environment.current.result.set_result(InvocationResult(body, "Unhandled"))
        if was_starting:
            body = environment.init_error or error_payload("Runtime.ExitError", message)
            if not environment.ready.done():
                environment.ready.set_exception(InitFailedError(body.decode(errors="replace")))
            self._fail_oldest_invocation(body)
        if not self._closed:
            self._dispatch()

    def _fail_oldest_invocation(self, body: bytes) -> None:
        if self._pending:
            invocation = self._pending.popleft()
            if not invocation.result.done():
                invocation.result.set_result(InvocationResult(body, "Unhandled"))

    async def _run(self, environment: Environment, invocation: Invocation) -> None:
        """Enforce the timeout of an assigned invocation, and report the result."""
        function = environment.hosted.function
        started_at_s, started_at_ms = time.monotonic(), int(self._timers.now_s() * 1000)
        init_ms = environment.init_ms if environment.invocations == 1 else None
        try:
            result = await within(
                self._timers, environment.hosted.timeout_s, asyncio.shield(invocation.result)
            )
        except TimeoutError:
            result = InvocationResult(
                error_payload(
                    "Sandbox.Timedout",
                    f"RequestId: {invocation.request_id} Error: "
                    f"Task timed out after {function.timeout_s:.2f} seconds",
                ),
                "Unhandled",
            )
            environment.finish(invocation.request_id, result)
            await environment.child.kill()
        duration_ms = (time.monotonic() - started_at_s) * 1000
        self._metrics.measured(function.name, started_at_ms, duration_ms)
        self._report(environment, invocation.request_id, duration_ms, init_ms, result)

    def _report(
        self,
        environment: Environment,
        request_id: str,
        duration_ms: float,
        init_ms: float | None,
        result: InvocationResult,
    ) -> None:
        report = InvocationReport(
            function=environment.hosted.function.logical_id,
            request_id=request_id,
            environment_id=environment.environment_id,
            duration_ms=duration_ms,
            init_ms=init_ms,
            max_memory_mb=environment.max_memory_mb(),
            error=result.function_error,
        )
        fields = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {duration_ms:.2f} ms",
            f"Memory Size: {environment.hosted.function.memory_mb} MB",
            f"Max Memory Used: {report.max_memory_mb:.0f} MB",
        ]
        if init_ms is not None:
            fields.append(f"Init Duration: {init_ms:.2f} ms")
        self._log.write(("\t".join(fields) + "\n").encode())
        self._reported(report)
