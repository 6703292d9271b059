"""Measures cold starts of every function with the real runtime client, one at a time."""

import json
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.report import RESULTS, Report, Table, print_now
from bench.statistics import Summary
from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import FunctionCode, HostedFunction
from local.stack import PROJECT, Stack, StackOptions, running_stack
from local.stack.wiring import hosted_function
from local.template.model import EventInvokeConfig, Function, function_arn

EMPTY = "EmptyFunction"
_EVENTS = PROJECT / "events"
# The first invocation creates the function's clients; these events need no stored data.
# core_agent has no event, because its first invocation calls Gemini.
FIRST_EVENTS: Mapping[str, dict[str, Any] | Path] = {
    EMPTY: {},
    "AuthorizerFunction": _EVENTS / "authorizer.expired_ticket.json",
    "ConnectFunction": _EVENTS / "connect.new_session.json",
    "MessageFunction": _EVENTS / "message.ping.json",
    "DisconnectFunction": _EVENTS / "disconnect.client_closed.json",
    "HttpApiFunction": _EVENTS / "http_api.health.json",
    "StreamAgentFunction": _EVENTS / "stream_agent.unknown_session.json",
}


@dataclass(frozen=True, slots=True)
class Repeats:
    """The number of starts of each function; without bytecode, starts are slow and vary less."""

    with_bytecode: int = 5
    without_bytecode: int = 1


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One function's starts, in ms.

    Attributes:
        init_ms: The time from the start of the process to its first request for work.
        init_without_bytecode_ms: The same time with only the standard library compiled.
        first_invocation_ms: The duration of the first invocation minus that of the second, for
            functions with an event.
    """

    function: str
    init_ms: tuple[float, ...]
    init_without_bytecode_ms: tuple[float, ...]
    first_invocation_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """One start; ``first_ms`` is the additional time of the first invocation, if there is one."""

    init_ms: float
    first_ms: float | None


async def measure_cold_starts(repeats: Repeats) -> Report:
    """Start every function of the template, and an empty one, several times."""
    options = StackOptions(
        run_directory=RESULTS / time.strftime("cold-start-%Y%m%d-%H%M%S"),
        port_base=None,
        gemini=False,
        prewarm={},
    )
    async with running_stack(options) as stack:
        hosted = [_empty(), *_functions(stack)]
        logs = stack.run_directory / "cold"
        # Not counted: this round fills the disk's caches and writes missing bytecode.
        print_now("cold_start: once each, not counted ...")
        await _rounds(hosted, logs, 1)
        print_now("cold_start: with bytecode ...")
        warm = await _rounds(hosted, logs, repeats.with_bytecode)
        print_now("cold_start: without bytecode ...")
        with tempfile.TemporaryDirectory() as folder:
            prefix = _standard_library_bytecode(Path(folder))
            bare = [_without_bytecode(target, prefix) for target in hosted]
            cold = await _rounds(bare, logs, repeats.without_bytecode)
    return _report(
        [
            ColdStart(
                name,
                tuple(start.init_ms for start in warm[name]),
                tuple(start.init_ms for start in cold[name]),
                tuple(start.first_ms for start in warm[name] if start.first_ms is not None),
            )
            for name in warm
        ]
    )


async def _rounds(
    hosted: Sequence[HostedFunction], logs: Path, rounds: int
) -> dict[str, list[Start]]:
    """Start every function once per round, so that load on the machine affects all alike."""
    found: dict[str, list[Start]] = {target.function.logical_id: [] for target in hosted}
    for _ in range(rounds):
        for target in hosted:
            found[target.function.logical_id].append(await _start(target, logs))
    return found


async def _start(hosted: HostedFunction, logs: Path) -> Start:
    name = hosted.function.logical_id
    async with LambdaHost([hosted], logs) as host:
        await host.prewarm({name: 1})
        (environment,) = host.environments(name)
        if environment.init_ms is None:
            raise RuntimeError(f"{name} has no init time")
        return Start(environment.init_ms, await _first_invocation_ms(host, name))


async def _first_invocation_ms(host: LambdaHost, name: str) -> float | None:
    source = FIRST_EVENTS.get(name)
    if source is None:
        return None
    payload = source.read_bytes() if isinstance(source, Path) else json.dumps(source).encode()
    took_ms = []
    for _ in range(2):
        started_s = time.monotonic()
        result = await host.invoke(name, payload)
        if result.function_error is not None:
            raise RuntimeError(f"{name} failed: {result.payload.decode(errors='replace')[:500]}")
        took_ms.append((time.monotonic() - started_s) * 1_000)
    return took_ms[0] - took_ms[1]


def _functions(stack: Stack) -> list[HostedFunction]:
    """Return every function, hosted as the stack hosts it."""
    addresses, options = stack.addresses, StackOptions()
    found = (
        hosted_function(function, options, addresses, tables=addresses.dynamodb, simulator_ca=None)
        for function in stack.application.functions.values()
    )
    return [replace(function, max_environments=1) for function in found]


def _empty() -> HostedFunction:
    folder = PROJECT / "bench" / "baselines" / "empty_function"
    function = Function(
        logical_id=EMPTY,
        arn=function_arn("empty"),
        handler="empty.lambda_handler",
        timeout_s=5,
        memory_mb=256,
        environment={},
        reserved_concurrency=None,
        event_invoke=EventInvokeConfig(),
    )
    return HostedFunction(function, FunctionCode(folder, (folder,)), max_environments=1)


def _without_bytecode(hosted: HostedFunction, prefix: Path) -> HostedFunction:
    environment = {
        **hosted.extra_environment,
        "PYTHONPYCACHEPREFIX": str(prefix),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return replace(hosted, extra_environment=environment)


def _standard_library_bytecode(prefix: Path) -> Path:
    """Fill ``prefix`` so that ``PYTHONPYCACHEPREFIX`` finds only the standard library's bytecode.

    On Lambda the standard library is compiled; packages are compiled only if their layer's build
    does so.

    Returns:
        ``prefix``.
    """
    library = Path(sysconfig.get_path("stdlib"))
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for compiled in library.rglob(f"__pycache__/*{suffix}"):
        if "site-packages" in compiled.parts:
            continue
        folder = prefix / compiled.parent.parent.relative_to("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / compiled.name).symlink_to(compiled)
    return prefix


def _report(found: Sequence[ColdStart]) -> Report:
    empty_ms = Summary.of(found[0].init_ms).p50
    rows = []
    for starts in found:
        init, bare = Summary.of(starts.init_ms), Summary.of(starts.init_without_bytecode_ms)
        first = Summary.of(starts.first_invocation_ms).p50 if starts.first_invocation_ms else None
        rows.append(
            (
                starts.function,
                f"{init.p50:.0f}",
                f"{init.p95:.0f}",
                f"{init.p50 / empty_ms:.1f}",
                f"{bare.p50:.0f}",
                f"{bare.p50 / init.p50:.1f}",
                "" if first is None else f"{first:.0f}",
            )
        )
    table = Table(
        ("function", "init p50", "p95", "x empty", "no bytecode", "ratio", "first call"), rows
    )
    return Report(
        "cold_start",
        "ms from starting a function's process to its first request for work, one at a time",
        (table,),
        (
            "x empty = ratio to a handler that does nothing; first call = additional time of the "
            "first invocation over the second.",
            "Measured on this machine's processor: on Lambda, a started function with 256 MB has "
            "a seventh of a core.",
        ),
        {"functions": found},
    )
