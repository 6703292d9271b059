"""Runs of the local stack with and without faults, and the alarms' states over each of them.

Each run lasts seconds. Its metrics are stretched, so that a second counts as a minute or less, and
all alarms of the transformed template are evaluated on them.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
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
POOL = 5
TALKERS = 4
# The simulator answers sooner, also on a busy machine.
TARGET_MS = 1_200
PARAMETERS = {
    "StageName": "local",
    "StreamAgentConcurrency": str(POOL),
    "FirstAudioTargetMs": str(TARGET_MS),
    # Workers of sessions without a client leave soon.
    "GraceSeconds": "1",
    "LingerSeconds": "5",
}
_LATE_MS = 1_500
_REFUSED_SESSIONS = 11
_MINUTE_MS = 60_000
_AFTERWARDS_MS = 90 * _MINUTE_MS


def template_file(folder: Path) -> Path:
    """Write the template that CloudFormation gets, and return its path."""
    file = folder / "transformed.json"
    file.write_text(json.dumps(transformed((PROJECT / "template.yaml").read_text())))
    return file


@dataclass(frozen=True, slots=True)
class Stretch:
    """How a run's time is stretched.

    Args:
        start_ms: The beginning of the run, in Unix ms.
        factor: The number of seconds for each second of the run.
    """

    start_ms: int
    factor: float

    @classmethod
    def of(cls, minutes: int, start_ms: int) -> "Stretch":
        """Return the stretch with which the time since ``start_ms`` becomes ``minutes``."""
        return cls(start_ms, minutes * _MINUTE_MS / max(_now_ms() - start_ms, 1))


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
            work: Callable[[], Awaitable[Stretch]] = getattr(self, f"_{name}")
            self._done[name] = self.running.run(self._run(work))
        return self._done[name]

    async def _run(self, work: Callable[[], Awaitable[Stretch]]) -> Incident:
        stretch = await work()
        await until(lambda: not self.running.stack.lambdas.in_flight())
        # Output in a pipe reaches the log a few steps later.
        await asyncio.sleep(0.1)
        end_ms = _now_ms()
        metrics = read_run(self.running.stack.run_directory).between(stretch.start_ms, end_ms)
        # The run begins at a full minute of stretched time.
        origin_ms = stretch.start_ms // _MINUTE_MS * _MINUTE_MS
        stretched = metrics.stretched(stretch.start_ms, stretch.factor, to_ms=origin_ms)
        length_ms = round((end_ms - stretch.start_ms) * stretch.factor)
        return Incident(stretched, origin_ms, origin_ms + length_ms + _AFTERWARDS_MS)

    # ---- Without a fault ----

    async def _no_fault(self) -> Stretch:
        """Enough sessions, spoken and typed turns for every floor of samples."""
        async with self._calls(2) as calls:
            # The first turn of a worker takes longer.
            await _say_all(calls, 1)
            start_ms = _now_ms()
            await _say_all(calls, 9)
            stretch = Stretch.of(3, start_ms)
        await self._ask()
        await self._health(4)
        return stretch

    # ---- Faults ----

    async def _refused_key(self) -> Stretch:
        """Gemini refuses the key; one session after the other takes a stretched minute each."""
        async with self._key("bad-key"):
            # The first session of a worker takes longer.
            await self._try_to_talk(10)
            await until(lambda: not self.running.stack.lambdas.in_flight())
            start_ms = _now_ms()
            for _ in range(_REFUSED_SESSIONS):
                await self._try_to_talk(10)
            return Stretch.of(_REFUSED_SESSIONS, start_ms)

    async def _closed_door(self) -> Stretch:
        """``connect`` finds no free concurrency."""
        start_ms = _now_ms()
        with self._throttled("ConnectFunction"):
            for _ in range(4):
                await self._try_to_talk()
        return Stretch.of(1, start_ms)

    async def _failing_tables(self) -> Stretch:
        """The tables throttle every request of clients that connect."""
        # A ticket needs no table.
        tickets = [
            await (await self.running.api_of(new_user("refused"))).start_session() for _ in range(4)
        ]
        start_ms = _now_ms()
        with self._throttled_tables():
            async with asyncio.TaskGroup() as group:
                for ticket in tickets:
                    group.create_task(_refused(ticket.url))
        return Stretch.of(1, start_ms)

    async def _failing_messages(self) -> Stretch:
        """The tables throttle every request of a connected client."""
        ticket = await (await self.running.api_of(new_user("alarm"))).start_session()
        async with open_voice_call(ticket.url) as call:
            await call.until_ready()
            start_ms, before = _now_ms(), self._troubles()
            with self._throttled_tables():
                for _ in range(4):
                    call.session.text("hello", now_ms())
                    call.flush()
                await until(lambda: self._troubles() >= before + 4)
            return Stretch.of(1, start_ms)

    def _troubles(self) -> int:
        """Return how many troubles ``message`` has counted."""
        return self.running.stack.log_path("MessageFunction").read_text().count('"Troubles":')

    async def _closed_api(self) -> Stretch:
        """``http_api`` finds no free concurrency."""
        start_ms = _now_ms()
        with self._throttled("HttpApiFunction"):
            await self._health(4)
        return Stretch.of(1, start_ms)

    async def _broken_workers(self) -> Stretch:
        """Workers end with an error at once."""
        async with self._changed(WORKER, LINGER_S="none"):
            start_ms = _now_ms()
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(self._try_to_talk())
        return Stretch.of(1, start_ms)

    async def _late_replies(self) -> Stretch:
        """Most workers of the pool talk, and Gemini answers late."""
        async with self._gemini() as gemini, self._calls(TALKERS) as calls:
            await _say_all(calls, 1)
            await gemini.order(kind="late_reply", count=100, delay_ms=_LATE_MS)
            start_ms = _now_ms()
            await _say_all(calls, 5)
            await gemini.clear()
            return Stretch.of(3, start_ms)

    async def _lost_questions(self) -> Stretch:
        """``core_agent`` finds no free concurrency."""
        start_ms = _now_ms()
        with self._throttled("CoreAgentFunction"):
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(self._ask())
        return Stretch.of(3, start_ms)

    async def _high_prices(self) -> Stretch:
        """A turn costs thousands of USD."""
        prices = "gemini-3.8-live=900000/900000/900000/900000"
        start_ms = _now_ms()
        variables = {"MODEL_PRICES": prices, "MAX_USD_PER_DAY": "0"}
        async with self._changed(WORKER, **variables), self._calls(1) as calls:
            await _say_all(calls, 1)
        return Stretch.of(1, start_ms)

    # ---- What they are made of ----

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[VoiceCall]:
        api = await self.running.api_of(new_user("alarm"))
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            yield call
            await call.hang_up()

    @contextlib.asynccontextmanager
    async def _calls(self, count: int) -> AsyncIterator[list[VoiceCall]]:
        async with contextlib.AsyncExitStack() as entered:
            calls = [await entered.enter_async_context(self._call()) for _ in range(count)]
            for call in calls:
                await call.until_ready()
            yield calls

    async def _ask(self) -> None:
        async with self._call() as call:
            await ask(call, recordings("second_user")[1].wav.with_suffix(".txt").read_text())

    async def _try_to_talk(self, timeout_s: float = 1) -> None:
        with contextlib.suppress(VoiceClientError, ExceptionGroup):
            async with self._call() as call:
                await ask(call, "hello", timeout_s=timeout_s)

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
        await lambdas.prewarm({function: 3})
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

    @contextlib.contextmanager
    def _throttled_tables(self) -> Iterator[None]:
        self.tables.use(1, TableRule(TableFault.THROTTLED, 1.0, at_most=1_000))
        try:
            yield
        finally:
            self.tables.use(1)

    def _gemini(self) -> GeminiControl:
        assert self.running.stack.simulator is not None
        return GeminiControl(self.running.stack.simulator)


def _now_ms() -> int:
    return int(SystemTimers().now_s() * 1000)


async def _say_all(calls: Sequence[VoiceCall], utterances: int) -> None:
    speech = read_wav(recordings("pizzeria")[0].wav)

    async def speak(call: VoiceCall) -> None:
        for _ in range(utterances):
            await say(call, speech, pace=Pace.FAST)

    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(speak(call))


async def _refused(url: str) -> None:
    with contextlib.suppress(VoiceClientError):
        async with open_voice_call(url) as call:
            await call.until_ready()
