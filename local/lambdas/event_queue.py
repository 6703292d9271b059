"""The queue of asynchronous invocations: retries, duplicates and on-failure messages."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from local.cloudwatch.aws_metrics import LambdaMetrics
from local.hosting.timers import Timers, within
from local.lambdas.environment import Invocation
from local.lambdas.hosting_types import InvocationResult, ThrottledError
from local.template.model import Function

Condition = Literal["RetriesExhausted", "EventAgeExceeded"]
SendFailure = Callable[[str, str], Awaitable[None]]
"""Sends a message to a destination; the arguments are the destination's ARN and the message."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The behaviour of the queue.

    Args:
        retry_delays_s: The delays before the first and the second retry; AWS waits 1 and 2 minutes.
        throttle_delay_s: The delay after a throttle; AWS backs off from 1 s.
        duplicate_probability: The probability of a second delivery, 0 to 1.
        duplicate_delay_s: The longest delay of the second delivery.
        seed: The seed that selects the events to deliver twice.
    """

    retry_delays_s: tuple[float, ...] = (60.0, 120.0)
    throttle_delay_s: float = 1.0
    duplicate_probability: float = 0.0
    duplicate_delay_s: float = 2.0
    seed: int = 0


class SubmittingPool(Protocol):
    """The methods of a pool that the queue calls."""

    def submit(
        self, request_id: str, payload: bytes, client_context: str | None = None
    ) -> Invocation: ...
    def withdraw(self, invocation: Invocation) -> None: ...


class EventQueue:
    """Delivers Event invocations for all functions.

    Attributes:
        settings: The behaviour; may be replaced while the queue runs.
        duplicate_count: The number of second deliveries so far.
    """

    def __init__(
        self,
        timers: Timers,
        settings: EventSettings,
        send_failure: SendFailure,
        metrics: LambdaMetrics,
    ) -> None:
        self._timers = timers
        self._metrics = metrics
        self.settings = settings
        self.duplicate_count = 0
        self._send_failure = send_failure
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted: dict[str, int] = {}

    def accept(
        self, function: Function, pool: SubmittingPool, request_id: str, payload: bytes
    ) -> None:
        """Accept an event; its caller gets no further information about it."""
        number = self._accepted.get(function.logical_id, 0)
        self._accepted[function.logical_id] = number + 1
        self._metrics.event_received(function.name)
        self._spawn(self._deliver(function, pool, request_id, payload))
        # Seeded by function and number, so that a run can be repeated.
        chance = random.Random(f"{self.settings.seed}/{function.logical_id}/{number}")  # noqa: S311
        if chance.random() < self.settings.duplicate_probability:
            delay_s = chance.uniform(0, self.settings.duplicate_delay_s)
            self._spawn(self._deliver_again(function, pool, request_id, payload, delay_s))

    @property
    def undelivered(self) -> int:
        """The number of events whose delivery has not ended."""
        return len(self._tasks)

    async def close(self) -> None:
        """Drop all events that are not delivered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_again(
        self,
        function: Function,
        pool: SubmittingPool,
        request_id: str,
        payload: bytes,
        delay_s: float,
    ) -> None:
        await self._timers.sleep(delay_s)
        self.duplicate_count += 1
        await self._deliver(function, pool, request_id, payload)

    async def _deliver(
        self,
        function: Function,
        pool: SubmittingPool,
        request_id: str,
        payload: bytes,
    ) -> None:
        config = function.event_invoke
        queued_at_s = self._timers.now_s()
        give_up_at_s = queued_at_s + config.maximum_event_age_s
        result: InvocationResult | None = None
        attempts = 0
        while True:
            left_s = give_up_at_s - self._timers.now_s()
            if left_s <= 0:
                await self._give_up(
                    function, request_id, payload, "EventAgeExceeded", attempts, result
                )
                return
            try:
                result = await self._attempt(
                    function, pool, request_id, payload, left_s, queued_at_s
                )
            except ThrottledError:
                await self._timers.sleep(min(self.settings.throttle_delay_s, left_s))
                continue
            except TimeoutError:
                continue
            attempts += 1
            if result.function_error is None:
                return
            if attempts > config.maximum_retry_attempts:
                await self._give_up(
                    function, request_id, payload, "RetriesExhausted", attempts, result
                )
                return
            delays = self.settings.retry_delays_s
            await self._timers.sleep(delays[min(attempts, len(delays)) - 1])

    async def _attempt(
        self,
        function: Function,
        pool: SubmittingPool,
        request_id: str,
        payload: bytes,
        left_s: float,
        queued_at_s: float,
    ) -> InvocationResult:
        invocation = pool.submit(request_id, payload)
        started: set[asyncio.Future[object]] = {
            asyncio.ensure_future(invocation.assigned),
            asyncio.ensure_future(asyncio.shield(invocation.result)),
        }
        try:
            # A failed init ends the invocation before an environment takes it.
            await within(
                self._timers,
                left_s,
                asyncio.wait(started, return_when=asyncio.FIRST_COMPLETED),
            )
        except TimeoutError:
            pool.withdraw(invocation)
            raise
        age_ms = (self._timers.now_s() - queued_at_s) * 1000
        self._metrics.event_started(function.name, age_ms)
        return await invocation.result

    async def _give_up(
        self,
        function: Function,
        request_id: str,
        payload: bytes,
        condition: Condition,
        attempts: int,
        result: InvocationResult | None,
    ) -> None:
        self._metrics.event_dropped(function.name)
        destination = function.event_invoke.on_failure_arn
        if destination is None:
            return
        now = datetime.fromtimestamp(self._timers.now_s(), UTC)
        message: dict[str, object] = {
            "version": "1.0",
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": request_id,
                "functionArn": f"{function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "requestPayload": json.loads(payload or b"null"),
        }
        if result is not None:
            message["responseContext"] = {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": result.function_error,
            }
            message["responsePayload"] = json.loads(result.payload or b"null")
        try:
            await self._send_failure(destination, json.dumps(message))
        except Exception:
            self._metrics.delivery_failed(function.name)
            raise
