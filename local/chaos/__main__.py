"""``python -m local.chaos --runs N --seed S``: hunt for lost words, doubled memory, hung sessions.

Run ``i`` has the seed ``S + i``: ``--runs 1 --seed`` with a failed run's seed plays it again. What
goes wrong and at which moment follows from the seed; how processes interleave does not.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from local.chaos.campaign import hold_campaign
from local.stack import PROJECT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--source",
        type=Path,
        default=PROJECT,
        metavar="DIR",
        help="a project folder whose functions and layers are run (default: this one)",
    )
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.runs)
    verdict = asyncio.run(hold_campaign(seeds, options.source.resolve()))
    print()
    for line in verdict.lines():
        print(line)
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
