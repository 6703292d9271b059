"""Measures the memory of compute per connected, silent user: Repartee and a naive server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.process_memory import ProcessMemory, memory_of
from bench.report import RESULTS, Report, Table, print_now
from bench.speech.naive_client import NaiveServer
from bench.statistics import slope
from local.calls.opening import open_voice_call
from local.calls.utterances import ask
from local.demo.front_desk import FrontDesk
from local.lambdas.hosting_types import EnvironmentInfo
from local.stack import Stack, StackOptions, running_stack
from repartee_client.access import HttpApiClient, get_token

# One of them needs a tool, so that the agent has a history too.
TURNS = ("hello my name is robert", "what are your opening hours on friday", "what is my name")
WORKER = "StreamAgentFunction"
# The number of users who talk concurrently to build their histories, and of workers.
CONCURRENT_TALKS = 4
LINGER_S = 1
POOL = {
    "AuthorizerFunction": 1,
    "ConnectFunction": 1,
    "MessageFunction": 2,
    "DisconnectFunction": 1,
    "HttpApiFunction": 1,
    "CoreAgentFunction": 2,
    WORKER: CONCURRENT_TALKS,
}
_TURN_TIMEOUT_S = 60.0
_QUIET_TIMEOUT_S = 60.0
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Point:
    """The memory of one server with a number of connected, silent users."""

    users: int
    memory: ProcessMemory


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of one server, by rising number of users.

    Attributes:
        before: The memory before the first user.
        after: The memory after the last user has left.
    """

    name: str
    before: ProcessMemory
    points: tuple[Point, ...]
    after: ProcessMemory

    @property
    def kib_per_user(self) -> float:
        """The memory of one more user: the slope through the points."""
        return slope([(point.users, point.memory.pss_kib) for point in self.points])


async def measure_process_memory(user_counts: Sequence[int]) -> Report:
    """Measure both servers in sequence with the same numbers of users.

    Args:
        user_counts: The numbers of connected users to measure; rising, two or more.
    """
    options = StackOptions(
        run_directory=RESULTS / time.strftime("process-%Y%m%d-%H%M%S"),
        port_base=None,
        gemini_pace="instant",
        environment={"LINGER_S": str(LINGER_S)},
        prewarm=POOL,
        # The pool is as large for one user as for all of them.
        max_environments=POOL,
    )
    async with running_stack(options) as stack:
        await FrontDesk(stack).seed()
        print_now(f"process: the naive server, {', '.join(map(str, user_counts))} users ...")
        naive = await _naive(stack, user_counts)
        print_now("process: Repartee, the same users ...")
        repartee, serving_kib = await _repartee(stack, user_counts)
    return _report(naive, repartee, serving_kib)


async def _naive(stack: Stack, user_counts: Sequence[int]) -> Curve:
    async with NaiveServer.started(stack) as server, contextlib.AsyncExitStack() as users:
        before = memory_of([server.pid])

        async def connect_user(_number: int) -> None:
            user = await users.enter_async_context(server.connected())
            for text in TURNS:
                await user.ask(text)

        points = []
        async for count in _rising(user_counts, connect_user):
            points.append(Point(count, memory_of([server.pid])))
        await users.aclose()
        return Curve("naive server", before, tuple(points), memory_of([server.pid]))


async def _repartee(stack: Stack, user_counts: Sequence[int]) -> tuple[Curve, float]:
    """Measure Repartee; return also the memory of one worker that serves a session."""
    before = _all_functions(stack)
    serving_kib: list[float] = []
    async with contextlib.AsyncExitStack() as users:

        async def connect_user(number: int) -> None:
            await _talk(stack, users, number)
            if serving := [worker.pid for worker in _busy_workers(stack)]:
                serving_kib.append(memory_of(serving).pss_kib / len(serving))

        points = []
        async for count in _rising(user_counts, connect_user):
            await _until_quiet(stack)
            points.append(Point(count, _all_functions(stack)))
    curve = Curve("Repartee, all functions", before, tuple(points), _all_functions(stack))
    return curve, max(serving_kib, default=0.0)


async def _rising(
    user_counts: Sequence[int], connect_user: Callable[[int], Awaitable[None]]
) -> AsyncIterator[int]:
    """Connect users up to each count, and yield the count."""
    turns = asyncio.Semaphore(CONCURRENT_TALKS)

    async def connect(number: int) -> None:
        async with turns:
            await connect_user(number)

    connected = 0
    for wanted in user_counts:
        await asyncio.gather(*(connect(number) for number in range(connected, wanted)))
        connected = wanted
        yield wanted


async def _talk(stack: Stack, users: contextlib.AsyncExitStack, number: int) -> None:
    """Connect one user, hold three turns, and leave the user connected."""
    addresses = stack.addresses
    api = HttpApiClient(addresses.http, await get_token(addresses.issuer, f"user-{number}"))
    call = await users.enter_async_context(open_voice_call((await api.start_session()).url))
    await call.until_ready()
    for text in TURNS:
        await ask(call, text, timeout_s=_TURN_TIMEOUT_S)


def _busy_workers(stack: Stack) -> list[EnvironmentInfo]:
    return [
        environment
        for environment in stack.lambdas.environments(WORKER)
        if environment.state == "busy"
    ]


async def _until_quiet(stack: Stack) -> None:
    """Wait until no worker serves or lingers."""
    async with asyncio.timeout(_QUIET_TIMEOUT_S):
        while _busy_workers(stack):  # noqa: ASYNC110 - the host sends no event
            await asyncio.sleep(_LOOK_EVERY_S)


def _all_functions(stack: Stack) -> ProcessMemory:
    return memory_of(environment.pid for environment in stack.lambdas.environments())


def _report(naive: Curve, repartee: Curve, serving_kib: float) -> Report:
    rows = [
        (
            curve.name,
            f"{curve.before.pss_kib / 1024:.1f}",
            *(f"{point.memory.pss_kib / 1024:.1f}" for point in curve.points),
            f"{curve.after.pss_kib / 1024:.1f}",
            f"{curve.kib_per_user:.0f}",
            str(curve.points[-1].memory.processes),
            f"{curve.points[-1].memory.rss_kib / 1024:.0f}",
        )
        for curve in (naive, repartee)
    ]
    counts = (f"MiB at {point.users}" for point in naive.points)
    table = Table(
        ("server", "MiB before", *counts, "after", "KiB per user", "processes", "RSS MiB"), rows
    )
    return Report(
        "process",
        "PSS of all compute while every user is connected and silent, after three text turns each",
        (table,),
        (
            "KiB per user = slope through the points; RSS counts shared pages in every process.",
            f"Repartee's processes are its warm pool ({CONCURRENT_TALKS} workers), idle: none "
            "serves a session. On Lambda an idle environment is frozen and not billed.",
            f"A worker that serves a talking user holds up to {serving_kib / 1024:.0f} MiB (PSS).",
        ),
        {
            "turns": list(TURNS),
            "talking_at_once": CONCURRENT_TALKS,
            "linger_s": LINGER_S,
            "serving_worker_pss_kib": serving_kib,
            "curves": [
                {"kib_per_user": curve.kib_per_user, "curve": curve} for curve in (naive, repartee)
            ],
        },
    )
