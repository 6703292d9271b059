"""Runs of the local stack with and without faults, and the alarms' states over each of them.

Each run lasts seconds. Its metrics are stretched, so that a second counts as a minute or less, and
all alarms of the transformed template are evaluated on them.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import boto3

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, ask, say
from local.calls.voice_call import VoiceCall
from local.cloudwatch.alarms import AlarmHistory, AlarmState, MetricAlarm
from local.cloudwatch.metric_store import MetricStore
from local.cloudwatch.run_metrics import read_run
from local.cloudwatch.template_alarms import read_alarms
from local.hosting.aws_resources import client_options
from local.hosting.table_faults import TableFault, TableFaultProxy, TableRule
from local.hosting.timers import SystemTimers
from local.stack import PROJECT
from repartee_client.errors import VoiceClientError
from repartee_client.recordings import read_wav
from repartee_client.transport import now_ms
from tests.build.sam_transform import transformed
from tests.chaos.faults.gemini_control import GeminiControl
from tests.fakes.functions import until
from tests.integration.running import RunningStack, new_user, recordings

WORKER = "StreamAgentFunction"
POOL = 6
TALKERS = 5
# The simulator answers sooner, also on a busy machine.
TARGET_MS = 2_000
PARAMETERS = {
    "StageName": "local",
    "StreamAgentConcurrency": str(POOL),
    "FirstAudioTargetMs": str(TARGET_MS),
    # Workers of sessions without a client leave soon.
    "GraceSeconds": "1",
    "LingerSeconds": "2",
}
_LATE_MS = 2_500
_MINUTE_MS = 60_000
_AFTERWARDS_MS = 90 * _MINUTE_MS


def template_file(folder: Path) -> Path:
    """Write the template that CloudFormation gets, and return its path."""
    file = folder / "transformed.json"
    file.write_text(json.dumps(transformed((PROJECT / "template.yaml").read_text())))
    return file


@dataclass(frozen=True, slots=True)
class Incident:
    """A finished run.

    Args:
        metrics: Its metrics, stretched.
        start_ms: Its first minute.
        end_ms: An hour and a half after its end, in stretched time.
    """

    metrics: MetricStore
    start_ms: int
    end_ms: int

    def history(self, alarm: MetricAlarm) -> AlarmHistory:
        """Return the states of an alarm that nothing had happened to before."""
        before = AlarmHistory(alarm, AlarmState.OK)
        return before.run(self.metrics, self.start_ms, self.end_ms)


@dataclass(slots=True)
class Incidents:
    """Runs each incident once, when a test first asks for it.

    Args:
        running: The stack, with ``PARAMETERS``.
        tables: The faults of its tables.
        template: The transformed template.
    """

    running: RunningStack
    tables: TableFaultProxy
    template: Path
    _done: dict[str, Incident] = field(default_factory=dict)

    def alarms(self, template: Path | None = None) -> Mapping[str, MetricAlarm]:
        """Return the alarms of the transformed template, or of a changed copy."""
        return read_alarms(template or self.template, PARAMETERS)

    def of(self, name: str) -> Incident:
        """Return an incident: ``no_fault`` or one of the faults below."""
        if name not in self._done:
            work: Callable[[], Awaitable[float]] = getattr(self, f"_{name}")
            self._done[name] = self.running.run(self._run(work))
        return self._done[name]

    async def _run(self, work: Callable[[], Awaitable[float]]) -> Incident:
        start_ms = _now_ms()
        factor = await work()
        await until(lambda: not self.running.stack.lambdas.in_flight())
        # Output in a pipe reaches the log a few steps later.
        await asyncio.sleep(0.1)
        end_ms = _now_ms()
        metrics = read_run(self.running.stack.run_directory).between(start_ms, end_ms)
        origin_ms = start_ms // _MINUTE_MS * _MINUTE_MS
        # The run begins at a full minute of stretched time.
        moved = metrics.stretched(start_ms, factor, to_ms=origin_ms)
        length_ms = round((end_ms - start_ms) * factor)
        return Incident(moved, origin_ms, origin_ms + length_ms + _AFTERWARDS_MS)

    # ---- Without a fault ----

    async def _no_fault(self) -> float:
        """Enough sessions, spoken and typed turns for every floor of samples."""
        started_at_ms = _now_ms()
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(self._talk(3))
        await self._ask()
        await self._health(4)
        return _as_minutes(3, started_at_ms)

    # ---- Faults. Each returns how many stretched seconds one second is. ----

    async def _refused_key(self) -> float:
        """Gemini refuses the key; one session begins in each stretched minute."""
        async with self._key("bad-key"), asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(self._try_to_talk())
                await asyncio.sleep(0.5)
        return 120

    async def _closed_door(self) -> float:
        """``connect`` finds no free concurrency."""
        with self._throttled("ConnectFunction"):
            for _ in range(4):
                await self._try_to_talk()
        return 60

    async def _failing_tables(self) -> float:
        """The tables throttle every request."""
        # A ticket needs no table.
        tickets = [
            await (await self.running.api_of(new_user("refused"))).start_session() for _ in range(4)
        ]
        self.tables.use(1, TableRule(TableFault.THROTTLED, 1.0, at_most=1_000))
        try:
            async with asyncio.TaskGroup() as group:
                for ticket in tickets:
                    group.create_task(_refused(ticket.url))
        finally:
            self.tables.use(1)
        return 60

    async def _failing_messages(self) -> float:
        """The tables throttle every request of connected clients."""
        ticket = await (await self.running.api_of(new_user("alarm"))).start_session()
        async with open_voice_call(ticket.url) as call:
            await call.until_ready()
            self.tables.use(1, TableRule(TableFault.THROTTLED, 1.0, at_most=1_000))
            try:
                for _ in range(4):
                    call.session.text("hello", now_ms())
                    call.flush()
                await asyncio.sleep(2)
            finally:
                self.tables.use(1)
        return 60

    async def _closed_api(self) -> float:
        """``http_api`` finds no free concurrency."""
        with self._throttled("HttpApiFunction"):
            await self._health(4)
        return 60

    async def _broken_workers(self) -> float:
        """Workers end with an error at once."""
        async with self._changed(WORKER, LINGER_S="none"), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(self._try_to_talk())
        return 60

    async def _late_replies(self) -> float:
        """Most workers of the pool talk, and Gemini answers late."""
        started_at_ms = _now_ms()
        async with self._gemini() as gemini:
            await gemini.order(kind="late_reply", count=100, delay_ms=_LATE_MS)
            async with asyncio.TaskGroup() as group:
                for _ in range(TALKERS):
                    group.create_task(self._talk(4))
            await gemini.clear()
        return _as_minutes(3, started_at_ms)

    async def _lost_questions(self) -> float:
        """``core_agent`` finds no free concurrency."""
        with self._throttled("CoreAgentFunction"):
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(self._ask())
        return 60

    async def _high_prices(self) -> float:
        """A turn costs thousands of USD."""
        prices = "gemini-3.8-live=900000/900000/900000/900000"
        async with self._changed(WORKER, MODEL_PRICES=prices, MAX_USD_PER_DAY="0"):
            await self._talk(1)
        return 60

    # ---- What they are made of ----

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[VoiceCall]:
        api = await self.running.api_of(new_user("alarm"))
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            yield call
            await call.hang_up()

    async def _talk(self, utterances: int) -> None:
        speech = read_wav(recordings("pizzeria")[0].wav)
        async with self._call() as call:
            for _ in range(utterances):
                await say(call, speech, pace=Pace.FAST)

    async def _ask(self) -> None:
        async with self._call() as call:
            await ask(call, recordings("second_user")[1].wav.with_suffix(".txt").read_text())

    async def _try_to_talk(self) -> None:
        with contextlib.suppress(VoiceClientError, ExceptionGroup):
            async with self._call() as call:
                await ask(call, "hello", timeout_s=1)

    async def _health(self, count: int) -> None:
        url = f"{self.running.stack.addresses.http}/health"
        async with aiohttp.ClientSession() as client:
            for _ in range(count):
                async with client.get(url) as response:
                    await response.read()

    @contextlib.contextmanager
    def _throttled(self, function: str) -> Iterator[None]:
        lambdas = self.running.stack.lambdas
        lambdas.set_concurrency(function, 0)
        try:
            yield
        finally:
            lambdas.set_concurrency(function, None)

    @contextlib.asynccontextmanager
    async def _changed(self, function: str, **variables: str) -> AsyncIterator[None]:
        lambdas = self.running.stack.lambdas
        usual = self.running.stack.application.functions[function].environment
        lambdas.change_variables(function, {**usual, **variables})
        try:
            yield
            # A waiting invocation would run with the usual variables.
            await until(lambda: not lambdas.in_flight())
        finally:
            lambdas.change_variables(function, usual)

    @contextlib.asynccontextmanager
    async def _key(self, key: str) -> AsyncIterator[None]:
        """Store another Gemini key, which new workers read."""
        stack = self.running.stack
        secrets = boto3.session.Session().client(
            "secretsmanager", **client_options(stack.addresses.aws)
        )
        secret = stack.resources.secret_arns["GeminiKeySecret"]
        usual = secrets.get_secret_value(SecretId=secret)["SecretString"]

        async def put(value: str) -> None:
            await asyncio.to_thread(secrets.put_secret_value, SecretId=secret, SecretString=value)

        await put(key)
        try:
            async with self._changed(WORKER):
                yield
        finally:
            await put(usual)

    def _gemini(self) -> GeminiControl:
        assert self.running.stack.simulator is not None
        return GeminiControl(self.running.stack.simulator)


def _now_ms() -> int:
    return int(SystemTimers().now_s() * 1000)


def _as_minutes(minutes: int, started_at_ms: int) -> float:
    """Return the factor with which the time since ``started_at_ms`` becomes ``minutes``."""
    return minutes * _MINUTE_MS / (_now_ms() - started_at_ms)


async def _refused(url: str) -> None:
    with contextlib.suppress(VoiceClientError):
        async with open_voice_call(url) as call:
            await call.until_ready()

