"""Many runs on one stack."""

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.chaos.gemini_control import GeminiControl
from local.chaos.plan import Kind, plan_run
from local.chaos.report import Verdict
from local.chaos.run import RunResult, play
from local.chaos.table_faults import TableFaults
from local.chaos.theatre import Theatre
from local.lambdas.model import Code
from local.stack import PREWARM, PROJECT, StackOptions, running_stack
from local.stack_options import MAX_ENVIRONMENTS
from local.talker.desk import FrontDesk

FOLDER = PROJECT / ".local" / "chaos"
# Short enough for a run to wait until its worker has left, and longer than a busy laptop takes to
# recognise an utterance: it is also how long a worker waits for a model that does not answer.
LINGER_S = 8
# Any so many runs in a row inject every kind.
FULL_ROUND = 16


def _new_folder() -> Path:
    return FOLDER / time.strftime(f"campaign-%Y%m%d-%H%M%S-{os.getpid()}")


def options_for(folder: Path, tables: TableFaults, source: Path) -> StackOptions:
    """The stack of a campaign: free ports, answers at once, a faulty line to the tables.

    The functions run from a copy, so that an edit during the campaign changes nothing.
    """
    copy = folder / "source"
    for part in ("functions", "layers/shared"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / part, copy / part, ignore=ignore, dirs_exist_ok=True)
    code = Code(copy / "functions", (copy / "functions", copy / "layers" / "shared"))
    return StackOptions(
        run_directory=folder,
        port_base=None,
        gemini_pace="instant",
        environment={"LINGER_S": str(LINGER_S)},
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
    """A run for each seed, one after the other, each by a user of its own.

    Args:
        seeds: What is to be run.
        source: The project folder whose functions and layers are run.
        folder: Gets data and logs, and ``seed-N`` for each run that broke a promise.
    """

    seeds: Sequence[int]
    source: Path = PROJECT
    folder: Path = field(default_factory=_new_folder)
    _results: list[RunResult] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """On the runs so far."""
        seeds = [result.seed for result in self._results]
        planned = frozenset[Kind]().union(*(plan_run(seed).kinds for seed in seeds))
        return Verdict(self._results, frozenset(Kind) if len(seeds) >= FULL_ROUND else planned)

    async def hold(self) -> Verdict:
        """Hold all runs and tell of each as it ends.

        Raises:
            PortInUseError: As ``running_stack`` does, and whatever else that raises.
        """
        tables = TableFaults()
        async with running_stack(options_for(self.folder, tables, self.source)) as stack:
            if stack.simulator is None:
                raise RuntimeError("chaos needs the Gemini simulator")
            await FrontDesk(stack).seed()
            async with GeminiControl(stack.simulator) as control:
                theatre = Theatre(stack, tables, control, self.folder)
                for seed in self.seeds:
                    result = await play(theatre, plan_run(seed))
                    self._results.append(result)
                    for line in _told(result, self.folder):
                        print(line, flush=True)
        return self.verdict


def _told(result: RunResult, folder: Path) -> Iterator[str]:
    faults = ", ".join(f"{count} {kind}" for kind, count in result.happened.items())
    verdict = "BROKEN" if result.broken else "held"
    missed = f"; moment never came: {', '.join(sorted(result.missed))}" if result.missed else ""
    yield f"seed {result.seed}: {verdict} in {result.seconds:.1f} s, {faults}{missed}"
    for gap in result.gaps:
        yield f"    {gap.ms:.0f} ms: {gap.kind}"
    for text in result.broken:
        yield f"    {text}"
    if result.broken:
        yield f"    replay: python -m local.chaos --runs 1 --seed {result.seed}"
        yield f"    kept: {folder / f'seed-{result.seed}'}"
