"""``python -m ops.calls show``, ``stop`` and ``allow``: stop all calls, or allow them again.

A stop ends running calls within 5 s, after a short goodbye, and refuses new ones. It is one item of
LiveTable.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from ops.answers import settings_of
from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.settings import DeployError, open_session
from repartee.adapters.dynamodb.client import make_client
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
    """Return the switch of a deployed stack, or of the table in the options.

    Raises:
        DeployError: The stack or its settings are missing.
    """
    if options.table:
        client = make_client(endpoint_url=options.endpoint_url)
        return DynamoCallSwitch(session_table=DynamoTable(client, options.table))
    settings = settings_of(options.env)
    session = open_session(settings)
    name = settings.stack_name
    stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "LiveTableName" not in outputs:
        raise DeployError(f"the stack {name} has no LiveTable: its state is {stack['StackStatus']}")
    table = DynamoTable(session.client("dynamodb"), outputs["LiveTableName"])
    return DynamoCallSwitch(session_table=table)


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.calls", description=__doc__)
    parser.add_argument("action", choices=["show", "stop", "allow"])
    parser.add_argument("--env", help="environment of samconfig.toml (default: the kept answers)")
    parser.add_argument("--table", help="this table instead of a stack's, as on the local stack")
    parser.add_argument("--endpoint-url", help="with --table: DynamoDB's address; default: AWS's")
    parser.add_argument("--dry-run", action="store_true", help="print what would change only")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    options = parser.parse_args(arguments)
    failed = "the switch cannot be read" if options.action == "show" else "nothing was written"
    return run_program(
        lambda: run(open_switch(options), options, ask), table="LiveTable", failed=failed
    )


if __name__ == "__main__":
    sys.exit(main())
