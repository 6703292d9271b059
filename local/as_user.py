"""``python -m local.as_user USER COMMAND …``: run ``repartee`` as a user of the local stack.

``repartee --help`` lists the commands. The stack's issuer signs in any user without a password.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports prints no traceback.
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from local.hosting.ports import Ports, port_base_from
from repartee_client.access import get_token
from repartee_client.commands.exit_codes import FAILED
from repartee_client.commands.program import main as repartee
from repartee_client.errors import VoiceClientError


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.as_user", description=__doc__)
    parser.add_argument("user", metavar="USER", help="any name")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="see above")
    options = parser.parse_args(arguments)
    try:
        ports = Ports.from_base(port_base_from(environment))
    except ValueError as error:
        parser.error(str(error))
    try:
        token = asyncio.run(get_token(f"http://127.0.0.1:{ports.issuer}", options.user))
    except VoiceClientError as error:
        print(
            f"{error}\nstart a stack with `make up`, or set REPARTEE_PORT_BASE to the port base of "
            "the running one",
            file=sys.stderr,
        )
        return FAILED
    access = {"REPARTEE_API": f"http://127.0.0.1:{ports.http}", "REPARTEE_TOKEN": token}
    return repartee(options.command, access)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, previous)
    sys.exit(main())
