"""Many runs on one stack."""

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
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
# A worker that has nothing to do leaves soon, so that a run may wait for it.
LINGER_S = 3
# Any so many runs in a row inject every kind.
FULL_ROUND = 14


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


async def hold_campaign(
    seeds: Sequence[int], source: Path = PROJECT, folder: Path | None = None
) -> Verdict:
    """Hold a run for each seed and tell of it as it goes."""
    folder = folder or FOLDER / time.strftime(f"campaign-%Y%m%d-%H%M%S-{os.getpid()}")
    tables = TableFaults()
    results: list[RunResult] = []
    wanted: set[Kind] = set()
    async with running_stack(options_for(folder, tables, source)) as stack:
        if stack.simulator is None:
            raise RuntimeError("chaos needs the Gemini simulator")
        await FrontDesk(stack).seed()
        async with GeminiControl(stack.simulator) as control:
            theatre = Theatre(stack, tables, control, folder)
            for seed in seeds:
                plan = plan_run(seed)
                wanted |= plan.kinds
                results.append(await play(theatre, plan))
                for line in _told(results[-1], folder):
                    print(line, flush=True)
    return Verdict(results, frozenset(Kind) if len(seeds) >= FULL_ROUND else frozenset(wanted))


def _told(result: RunResult, folder: Path) -> Iterator[str]:
    faults = ", ".join(f"{count} {kind}" for kind, count in result.happened.items())
    verdict = "BROKEN" if result.broken else "held"
    missed = f"; moment never came: {', '.join(sorted(result.missed))}" if result.missed else ""
    yield f"seed {result.seed}: {verdict} in {result.seconds:.1f} s, {faults}{missed}"
    for text in result.broken:
        yield f"    {text}"
    if result.broken:
        yield f"    replay: python -m local.chaos --runs 1 --seed {result.seed}"
        yield f"    kept: {folder / f'seed-{result.seed}'}"
