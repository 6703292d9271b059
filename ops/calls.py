"""``python -m ops.calls show``, ``stop`` and ``allow``: stop all calls, or allow them again.

A stop ends running calls within 5 s, after a short goodbye, and refuses new ones. It is one item of
LiveTable.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.stack_access import open_stack
from ops.users.arguments import add_environment
from repartee.adapters.dynamodb.service.call_switch import DynamoCallSwitch
from repartee.adapters.dynamodb.table import DynamoTable


def run(switch: DynamoCallSwitch, options: argparse.Namespace, ask: Ask) -> int:
    """Show or turn the switch; return the exit status, 1 if the user did not confirm.

    Raises:
        DeployError: There is no terminal to ask on; nothing was written.
    """
    since = switch.stopped_since()
    print("Calls are allowed." if since is None else f"Calls are stopped since {since}.")
    if options.action == "show" or (options.action == "stop") is (since is not None):
        return 0
    is_stop = options.action == "stop"
    print(
        "A stop ends all calls within 5 s, and refuses new ones until you allow them again."
        if is_stop
        else "From now on users can call again."
    )
    if options.dry_run:
        return 0
    if not options.yes and not is_confirmed(ask, "Write this?"):
        print("Nothing was written.")
        return 1
    if is_stop:
        switch.stop(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        print("Stopped.")
    else:
        switch.allow()
        print("Allowed.")
    return 0


def open_switch(options: argparse.Namespace) -> DynamoCallSwitch:
    """Return the switch of a stack.

    Raises:
        DeployError: The stack or its settings are missing.
    """
    stack = open_stack(options.env)
    table = DynamoTable(stack.dynamodb(), stack.output("LiveTableName"))
    return DynamoCallSwitch(session_table=table)


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.calls", description=__doc__)
    parser.add_argument("action", choices=["show", "stop", "allow"])
    add_environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would change only")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    options = parser.parse_args(arguments)
    failed = "the switch cannot be read" if options.action == "show" else "nothing was written"
    return run_program(
        lambda: run(open_switch(options), options, ask), table="LiveTable", failed=failed
    )


if __name__ == "__main__":
    sys.exit(main())
