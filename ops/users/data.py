"""``python -m ops.users.data export`` and ``erase``: the data of a user who cannot sign in."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.hosting.private_folders import write_private
from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.settings import DeployError
from ops.stack_access import open_stack
from ops.users.arguments import add_environment, add_user, add_yes
from ops.users.invoked_api import user_data
from repartee_client.errors import AccessRefusedError
from repartee_client.user_data import UserData

_ERASURE_TIMEOUT_S = 900.0


def export_user(data: UserData, file: Path) -> int:
    """Write all data of the user to a file that only its owner may read.

    Raises:
        DeployError: The file exists or cannot be written.
        AccessRefusedError: The API refused a page; there is no file.
    """
    if file.exists():
        raise DeployError(f"{file} exists; name another file")
    if not file.parent.is_dir():
        raise DeployError(f"{file.parent} is no folder")
    document = asyncio.run(data.export())
    try:
        write_private(file, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    except OSError as error:
        raise DeployError(f"{file} cannot be written: {error.strerror}") from error
    turns = sum(len(one["turns"]) for one in document["conversations"])
    print(f"{file}: {len(document['conversations'])} conversations with {turns} turns")
    return 0


def erase_user(data: UserData, user: str, stack: str, *, yes: bool, ask: Ask) -> int:
    """Erase the user and wait for the end; return 1 if the operator did not confirm.

    Raises:
        DeployError: There is no terminal to ask on.
        AccessRefusedError: The API refused the request.
    """
    print(f"{user} in the stack {stack}: {asyncio.run(_stored(data))}")
    print("The erasure cannot be undone, and the user is refused from then on.")
    if not yes and not is_confirmed(ask, "Erase all data of this user?"):
        print("Nothing was erased.")
        return 1
    print(f"Erased: {counts_of(asyncio.run(finished_erasure(data)))}")
    return 0


async def _stored(data: UserData) -> str:
    try:
        page = await data.api.request("conversations", "GET", "/conversations?limit=1")
    except AccessRefusedError as error:
        if error.code != "user_erased":
            raise
        return "erased before; this looks for remaining data"
    if page["conversations"]:
        return f"the latest conversation is of {page['conversations'][0]['updated_at']}"
    return "no conversation is stored, so check the id"


async def finished_erasure(data: UserData, conversation_id: str | None = None) -> Mapping[str, Any]:
    """Repeat an erasure until it is finished; return its last progress.

    Raises:
        DeployError: It is not finished after 15 min.
    """
    progress: Mapping[str, Any] = {}
    try:
        async with asyncio.timeout(_ERASURE_TIMEOUT_S):
            async for progress in data.erase(conversation_id):
                if not progress["finished"]:
                    print("more is left to erase", flush=True)
    except TimeoutError:
        raise DeployError(
            f"it takes longer than {_ERASURE_TIMEOUT_S / 60:g} min, or another request erases the "
            "same data; repeat it later"
        ) from None
    return progress


def counts_of(progress: Mapping[str, Any]) -> str:
    """Return what an erasure deleted, as text."""
    deleted = progress["deleted"].items()
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in deleted) or "no items"


def _run(options: argparse.Namespace, ask: Ask) -> int:
    stack = open_stack(options.env)
    data = user_data(stack, options.user)
    if options.action == "export":
        return export_user(data, options.file)
    return erase_user(data, options.user, stack.name, yes=options.yes, ask=ask)


def _file(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("name a new file")
    return Path(text)


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.users.data", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    export, erase = actions.add_parser("export"), actions.add_parser("erase")
    for action in (export, erase):
        add_environment(action)
        add_user(action)
    export.add_argument("--file", type=_file, required=True, help="a new file")
    add_yes(erase)
    options = parser.parse_args(arguments)
    failed = "nothing was exported" if options.action == "export" else "the erasure is not finished"
    return run_program(lambda: _run(options, ask), table="MemoryTable", failed=failed)


if __name__ == "__main__":
    sys.exit(main())
