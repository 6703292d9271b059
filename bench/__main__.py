"""``python -m bench [name ...]``: measure Repartee and its baselines, and report the results."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.report import Report, print_error, print_now
from local.hosting.signals import run_until_signal
from local.stack import START_ERRORS
from repartee_client.errors import VoiceClientError

_STOPPED_BY_SIGNAL = 130
_ERRORS = (*START_ERRORS, VoiceClientError, RuntimeError)

type Benchmark = Callable[[], Awaitable[Report]]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line; None stands for the benchmark's default."""

    names: tuple[str, ...]
    quick: bool
    pairs: int | None
    users: tuple[int, ...] | None


def _pair_count(text: str) -> int:
    count = int(text)
    if count < 2:
        raise argparse.ArgumentTypeError("must be at least 2")
    return count


def _user_counts(text: str) -> tuple[int, ...]:
    counts = tuple(int(part) for part in text.split(","))
    if len(counts) < 2 or list(counts) != sorted(set(counts)) or counts[0] < 1:
        raise argparse.ArgumentTypeError("give at least two rising numbers, such as 10,50,200")
    return counts


def parse_arguments(arguments: Sequence[str]) -> Options:
    """Read the command line; invalid arguments end the program with status 2."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"{', '.join(NAMES)}; all of them by default"
    )
    parser.add_argument("--quick", action="store_true", help="take fewer samples")
    parser.add_argument(
        "--pairs", type=_pair_count, help="first_audio: utterances of each kind (8)"
    )
    parser.add_argument(
        "--users", type=_user_counts, help="process: connected users to measure at (10,50,100)"
    )
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no benchmark is named {', '.join(unknown)}: there are {', '.join(NAMES)}")
    return Options(tuple(given.names) or NAMES, given.quick, given.pairs, given.users)


def _benchmark(name: str, options: Options) -> Benchmark:
    # Imported on use: each benchmark has libraries that the others do not need.
    match name:
        case "first_audio":
            from bench.first_audio import measure_first_audio
            from bench.first_audio_results import Plan

            plan = Plan.quick() if options.quick else Plan()
            return lambda: measure_first_audio(plan.with_pairs(options.pairs))
        case "memory":
            from bench.memory import measure_memory
            from bench.memory_results import Plan as MemoryPlan

            memory_plan = MemoryPlan.quick() if options.quick else MemoryPlan()
            return lambda: measure_memory(memory_plan)
        case "process":
            from bench.process import measure_process_memory

            counts = options.users or ((4, 12) if options.quick else (10, 50, 100))
            return lambda: measure_process_memory(counts)
        case "cold_start":
            from bench.cold_start import Repeats, measure_cold_starts

            repeats = Repeats(2, 1) if options.quick else Repeats()
            return lambda: measure_cold_starts(repeats)
        case "hearing":
            from bench.speech.hearing import measure_hearing

            return lambda: measure_hearing(quick=options.quick)
        case _:
            from bench.mailbox import measure_mailbox

            return lambda: measure_mailbox(quick=options.quick)


NAMES = ("first_audio", "memory", "process", "cold_start", "hearing", "mailbox")


async def run(options: Options) -> int:
    """Run the benchmarks in sequence; return status 1 if one of them failed."""
    failed = 0
    for name in options.names:
        try:
            report = await _benchmark(name, options)()
        except _ERRORS as error:
            print_error(f"{name} could not be measured: {type(error).__name__}: {error}")
            failed += 1
            continue
        path = report.write()
        print_now(f"\n{report.text()}\n  all samples: {path}")
    return 1 if failed else 0


def main() -> int:
    """Run the program; return its exit status."""
    status = asyncio.run(run_until_signal(run(parse_arguments(sys.argv[1:]))))
    return _STOPPED_BY_SIGNAL if status is None else status


if __name__ == "__main__":
    sys.exit(main())
