"""``python -m tests.chaos --runs N --seed S``: test conversations under faults.

Run ``i`` has the seed ``S + i``, so ``--runs 1 --seed SEED`` repeats a failed run. The seed
determines the faults and their moments, but not how processes interleave.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from local.hosting.ports import PortInUseError
from local.hosting.processes import ChildFailedError
from local.hosting.programs import NotInstalledError
from local.lambdas.hosting_types import InitFailedError
from local.stack import PROJECT
from local.template.intrinsics import TemplateError
from tests.chaos.campaign import Campaign

NOT_STARTED = (
    PortInUseError,
    NotInstalledError,
    ChildFailedError,
    InitFailedError,
    TemplateError,
)
_STOPPED_BY_SIGNAL = 130


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error


def _at_least_one(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return number


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=_at_least_one, default=15)
    parser.add_argument("--seed", type=_whole, default=1)
    parser.add_argument(
        "--source",
        type=Path,
        default=PROJECT,
        metavar="DIR",
        help="the project folder with the functions and layers to run (default: this one)",
    )
    parser.add_argument(
        "--lanes",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="how many runs are played in parallel, each on its own stack (default: 1, which is "
        "necessary to measure silences)",
    )
    parser.add_argument(
        "--model",
        help="the live model whose rules the simulator follows (default: the template's)",
    )
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    campaign = Campaign(
        seeds, options.source.resolve(), lanes=options.lanes, live_model=options.model
    )
    status = 0
    try:
        asyncio.run(campaign.run())
    except KeyboardInterrupt:
        status = _STOPPED_BY_SIGNAL
    except NOT_STARTED as error:
        print(f"the stack did not start: {error}", file=sys.stderr)
        return 1
    print()
    for line in campaign.verdict.lines():
        print(line)
    return status or (0 if campaign.verdict.passed else 1)


if __name__ == "__main__":
    sys.exit(main())
