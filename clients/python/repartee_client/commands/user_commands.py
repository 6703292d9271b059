"""``repartee usage``, ``export`` and ``erase``."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repartee_client.commands.exit_codes import DONE
from repartee_client.commands.presentation import json_text, warn
from repartee_client.http_requests import expected_form
from repartee_client.user_data import UserData

_UNITS = {"talk_seconds": ("talk", "s"), "cost": ("cost", "USD")}


async def usage(options: Namespace, data: UserData) -> int:
    """Print today's usage and limits, or those of several days."""
    found = await data.usage(options.days or 1)
    if options.json:
        print(json_text(found))
        return DONE
    with expected_form("usage"):
        _print_usage(options, found)
    return DONE


def _print_usage(options: Namespace, found: Mapping[str, Any]) -> None:
    print(f"today    {_day(found['today'])}")
    for limit in found["limits"]:
        name, unit = _UNITS.get(limit["kind"], (limit["kind"], ""))
        left = f"{limit['left']:,.6g} of {limit['limit']:,.6g} {unit}"
        print(f"{name:8} {left} left until {found['resets_at']}")
    for day in found["days"] if options.days else ():
        print(f"{day['day']}  {_day(day)}")


def _day(used: Mapping[str, Any]) -> str:
    return (
        f"{used['turns']:,} turns, {used['talk_s']:,.0f} s of talk, {used['tokens_in']:,} tokens "
        f"in, {used['tokens_out']:,} out, {used['cost_usd']:.5f} USD"
    )


async def export(options: Namespace, data: UserData) -> int:
    """Write all data of the user as one JSON document."""
    document = await data.export()
    indent = None if options.json else 2
    if options.file is None:
        print(json_text(document, indent=indent))
        return DONE
    text = json.dumps(document, ensure_ascii=False, indent=indent) + "\n"
    _write_private(options.file, text)
    turns = sum(len(one["turns"]) for one in document["conversations"])
    count = f"{len(document['conversations']):,} conversations with {turns:,} turns"
    warn(f"exported {count} to {options.file}")
    return DONE


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        os.chmod(path, 0o600)  # noqa: PTH101 - an existing file keeps its mode otherwise
        file.write(text)


async def erase(options: Namespace, data: UserData) -> int:
    """Erase the user or one conversation, and print the progress."""
    progress: dict[str, Any] = {}
    async for progress in data.erase(options.conversation):
        if options.json:
            print(json.dumps(progress), flush=True)
        elif not progress["finished"]:
            warn("in progress")
    if not options.json:
        deleted = progress["deleted"].items()
        counts = ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in deleted)
        print(f"erased: {counts or 'there was no data'}")
    return DONE


def confirm_erasure(options: Namespace) -> bool:
    """Ask the user whether the data should be erased."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        warn("nothing was erased: add --yes to erase without a question")
        return False
    if options.conversation is None:
        warn("This erases all data of this user for ever. The user cannot come back.")
    else:
        warn(f"This erases the conversation {options.conversation} for ever.")
    print("Type erase to confirm: ", file=sys.stderr, end="", flush=True)
    if sys.stdin.readline().strip().lower() == "erase":
        return True
    warn("nothing was erased")
    return False
