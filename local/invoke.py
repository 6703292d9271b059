"""``python -m local.invoke EVENT…``: invoke functions of the running stack with sample events.

EVENT is the name of a file in events/, such as ``http_api.health``; its first part names the
function. Prints each function's answer, and its log lines if the stack runs from this folder. A
command that opens a session replaces the ids in its events, because the sample's ticket opens one
connection only.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports, which take a second, prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from local.hosting.ports import Ports, port_base_or_exit
from local.stack.options import PROJECT
from local.stack.running import RUNNING
from repartee.adapters.ids import UlidSource

EVENTS = {path.stem: path for path in sorted((PROJECT / "events").glob("*.json"))}
SAMPLE_IDS = (
    "4b1f6a3e-9d52-4c1b-8a70-2f0c5c7e9a11",  # user
    "01K9TSV4W0A1C3E5G7J9K2M4N6",  # conversation
    "01K9TSV4W0M3Q5X8Z7B2D4F6H1",  # session
    "01K9TSV4W0T9R7P5N3M1K8H6F4",  # ticket
    "N7qPzd7jIAMCJbA=",  # connection
)
_LEASE_TIMEOUT_S = 5.0
_LOG_TIMEOUT_S = 2.0


def function_of(event: str) -> str:
    """Return the logical id of the function that takes a sample event."""
    folder = event.partition(".")[0]
    return "".join(part.capitalize() for part in folder.split("_")) + "Function"


def payloads_of(events: Sequence[str]) -> list[str]:
    """Return the events' JSON; with new ids if one of them opens a connection."""
    texts = [EVENTS[event].read_text() for event in events]
    if any(event.startswith("connect.") for event in events):
        now_ms = time.time_ns() // 1_000_000
        for sample in SAMPLE_IDS:
            replacement = UlidSource().new_id(now_ms)
            texts = [text.replace(sample, replacement) for text in texts]
    return texts


def invoke(url: str, payload: str) -> tuple[Any, Mapping[str, str]]:
    """Invoke a function; return its answer and the response's headers."""
    with urlopen(Request(url, payload.encode()), timeout=900) as response:  # noqa: S310 - ours
        return json.load(response), response.headers


def invoke_when_leased(url: str, payload: str) -> tuple[Any, Mapping[str, str]]:
    """Invoke core_agent, again while the worker that ``hello`` woke has no lease yet."""
    give_up_at_s = time.monotonic() + _LEASE_TIMEOUT_S
    while True:
        answer, headers = invoke(url, payload)
        if answer.get("status") != "refused" or time.monotonic() > give_up_at_s:
            return answer, headers
        time.sleep(0.2)


def lines_of(log: Path, request_id: str) -> list[str]:
    """Return the lines of one invocation; its report line is the last and may come late."""
    give_up_at_s = time.monotonic() + _LOG_TIMEOUT_S
    while log.exists() and time.monotonic() < give_up_at_s:
        lines: list[str] = []
        for line in log.read_text().splitlines():
            lines.append(line)
            if line.startswith("REPORT "):
                if f"RequestId: {request_id}" in line:
                    return lines
                lines = []
        time.sleep(0.05)
    return []


def parse_arguments() -> tuple[argparse.Namespace, int]:
    parser = argparse.ArgumentParser(
        prog="python -m local.invoke",
        description="Invoke functions of the running stack with sample events.",
    )
    parser.add_argument(
        "events", nargs="+", choices=EVENTS, metavar="EVENT", help=", ".join(EVENTS)
    )
    return parser.parse_args(), port_base_or_exit(parser)


def main() -> int:
    given, port_base = parse_arguments()
    lambdas = f"http://127.0.0.1:{Ports.from_base(port_base).lambdas}"
    failed = False
    for event, payload in zip(given.events, payloads_of(given.events), strict=True):
        function = function_of(event)
        url = f"{lambdas}/2015-03-31/functions/{function}/invocations"
        may_come_early = function == "CoreAgentFunction" and len(given.events) > 1
        send = invoke_when_leased if may_come_early else invoke
        try:
            answer, headers = send(url, payload)
        except HTTPError as error:
            print(f"{event}: HTTP {error.code}: {error.read().decode()}", file=sys.stderr)
            return 1
        except (URLError, TimeoutError) as error:
            print(f"cannot reach the stack, start one with `make up`: {error}", file=sys.stderr)
            return 1
        failed |= "X-Amz-Function-Error" in headers
        print(f"{function}: {json.dumps(answer, ensure_ascii=False)}")
        log = RUNNING / str(port_base) / "logs" / f"{function}.log"
        for line in lines_of(log, headers["x-amzn-RequestId"]):
            print(f"  {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
