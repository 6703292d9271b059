"""``python -m tests.chaos --runs N --seed S``: hunt for lost words, doubled memory, hung sessions.

Run ``i`` has the seed ``S + i``: ``--runs 1 --seed`` with a failed run's seed plays it again. What
goes wrong and at which moment follows from the seed; how processes interleave does not.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from local.hosting.ports import PortInUseError
from local.hosting.processes import ChildFailedError
from local.hosting.services import NotInstalledError
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
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error


def _at_least_one(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is too few: give 1 or more")
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
        help="a project folder whose functions and layers are run (default: this one)",
    )
    parser.add_argument(
        "--lanes",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="runs held side by side, on a stack each (default: 1, for true silences)",
    )
    parser.add_argument(
        "--model",
        help="Gemini's live model, whose rules the simulator follows (default: the template's)",
    )
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    campaign = Campaign(
        seeds, options.source.resolve(), lanes=options.lanes, live_model=options.model
    )
    status = 0
    try:
        asyncio.run(campaign.hold())
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
