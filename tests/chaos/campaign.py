"""Plays many runs on one stack, or in parallel on several."""

import asyncio
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.demo.front_desk import FrontDesk
from local.hosting.table_faults import TableFaultProxy
from local.lambdas.hosting_types import FunctionCode
from local.stack import PREWARM, PROJECT, StackOptions, running_stack
from local.stack.options import MAX_ENVIRONMENTS
from repartee.config import DEFAULT_PERSONA
from tests.chaos.campaign_context import GREETER, CampaignContext
from tests.chaos.faults.gemini_control import GeminiControl
from tests.chaos.plan.generator import FULL_ROUND, plan_run
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.report import Verdict
from tests.chaos.run import play
from tests.chaos.run_result import RunResult

FOLDER = PROJECT / ".local" / "chaos"
# Short enough for a run to wait until its worker has left. It is also the time that a worker waits
# for a model that does not answer, so it is longer than the recognition of an utterance on a busy
# machine.
LINGER_S = 8
# A worker hands over between turns from 90 s before its end, and during a turn 20 s before. No turn
# of a run takes the 70 s in between, so the campaign's copy of the functions starts later.
HAND_OVER_MS = 21_500
_HAND_OVER = re.compile(r"^HAND_OVER_MS = [\d_]+$", re.MULTILINE)
_SESSION_CORE = Path("layers/shared/repartee/domain/session")
_PERSONAS = Path("layers/shared/repartee/personas")


def _new_folder() -> Path:
    return FOLDER / time.strftime(f"campaign-%Y%m%d-%H%M%S-{os.getpid()}")


def copy_source(source: Path, copy: Path) -> None:
    """Copy the functions, so that edits of the source do not affect the campaign.

    The copy has a persona more, which speaks first.

    Raises:
        ValueError: The code does not define ``HAND_OVER_MS`` exactly once.
    """
    for part in ("functions", "layers/shared"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / part, copy / part, ignore=ignore, dirs_exist_ok=True)
    count = 0
    for module in (copy / _SESSION_CORE).rglob("*.py"):
        text, replaced = _HAND_OVER.subn(f"HAND_OVER_MS = {HAND_OVER_MS}", module.read_text())
        if replaced:
            module.write_text(text)
        count += replaced
    personas = copy / _PERSONAS
    usual = (personas / f"{DEFAULT_PERSONA}.yaml").read_text()
    (personas / f"{GREETER}.yaml").write_text(f"{usual}\nspeaks_first: true\n")
    if count != 1:
        raise ValueError(f"{_SESSION_CORE} sets HAND_OVER_MS {count} times")


def options_for(
    folder: Path, tables: TableFaultProxy, copy: Path, live_model: str | None = None
) -> StackOptions:
    """Return the options of a campaign's stack."""
    code = FunctionCode(copy / "functions", (copy / "functions", copy / "layers" / "shared"))
    return StackOptions(
        run_directory=folder,
        port_base=None,
        gemini_pace="instant",
        parameters={} if live_model is None else {"GeminiLiveModel": live_model},
        environment={"LINGER_S": str(LINGER_S), "RECORD_SESSIONS": "events"},
        code=dict.fromkeys(_functions(), code),
        prewarm=PREWARM,
        max_environments=MAX_ENVIRONMENTS,
        table_faults=tables,
    )


def _functions() -> list[str]:
    template = (PROJECT / "template.yaml").read_text()
    return re.findall(r"^  (\w+Function):$", template, re.MULTILINE)


@dataclass(slots=True)
class Campaign:
    """One run for each seed, each with its own user.

    Args:
        seeds: The seeds of the runs.
        lanes: How many runs are played in parallel, each on its own stack. The measured silences
            are valid for one lane only.
        source: The project folder with the functions and layers to run.
        folder: The folder for data and logs, and ``seed-N`` for each failed run.
        live_model: The live model; None for the template's.
    """

    seeds: Sequence[int]
    source: Path = PROJECT
    folder: Path = field(default_factory=_new_folder)
    lanes: int = 1
    live_model: str | None = None
    _results: list[RunResult] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the runs so far."""
        seeds = [result.seed for result in self._results]
        planned = frozenset[FaultKind]().union(*(plan_run(seed).kinds for seed in seeds))
        return Verdict(
            sorted(self._results, key=lambda result: result.seed),
            frozenset(FaultKind) if len(seeds) >= FULL_ROUND else planned,
        )

    async def run(self) -> Verdict:
        """Play all runs, and print the result of each when it ends.

        Raises:
            PortInUseError: See ``running_stack``, whose other errors are raised too.
        """
        copy_source(self.source, self.folder / "source")
        waiting = deque(self.seeds)
        lanes = range(1, min(self.lanes, len(waiting)) + 1)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    folder = self.folder if len(lanes) == 1 else self.folder / f"lane-{lane}"
                    group.create_task(self._run_lane(folder, waiting))
        except BaseExceptionGroup as errors:
            # The first failure cancelled the other lanes.
            raise errors.exceptions[0] from None
        return self.verdict

    async def _run_lane(self, folder: Path, waiting: deque[int]) -> None:
        tables = TableFaultProxy()
        options = options_for(folder, tables, self.folder / "source", self.live_model)
        async with running_stack(options) as stack:
            if stack.simulator is None:
                raise RuntimeError("chaos needs the Gemini simulator")
            await FrontDesk(stack).seed()
            async with GeminiControl(stack.simulator) as control:
                context = CampaignContext(stack, tables, control, self.folder)
                while waiting:
                    result = await play(context, plan_run(waiting.popleft()))
                    self._results.append(result)
                    for line in describe_result(result, self.folder, self.live_model):
                        print(line, flush=True)


def describe_result(
    result: RunResult, folder: Path, live_model: str | None = None
) -> Iterator[str]:
    """Return the lines about a run; those of a failed run include the command that repeats it."""
    faults = ", ".join(f"{count} {kind}" for kind, count in result.happened.items())
    verdict = f"{'FAILED' if result.broken else 'passed'} in {result.seconds:.1f} s"
    missed = f"; did not occur: {', '.join(sorted(result.missed))}" if result.missed else ""
    yield f"seed {result.seed}: {verdict}, {result.turns} turns, {faults}{missed}"
    for gap in result.gaps:
        yield f"    silence of {gap.ms:.0f} ms: {gap.kind}"
    for text in result.broken:
        yield f"    {text}"
    if result.broken:
        model = f" MODEL={live_model}" if live_model else ""
        yield f"    repeat: make chaos RUNS=1 SEED={result.seed}{model}"
        yield f"    kept: {folder / f'seed-{result.seed}'}"
