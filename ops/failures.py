"""Reports the failures of an operator's program in one line, without a traceback."""

import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import ReparteeError, StoreUnavailable


def run_program(run: Callable[[], int], *, table: str, failed: str) -> int:
    """Run a program; return its exit status, or 2 if it failed.

    Args:
        run: The program.
        table: The name of the table that it uses.
        failed: Begins the message about a failure, such as ``nothing was written``.
    """
    try:
        return run()
    except StoreUnavailable as error:
        print(f"{table} could not be reached: {error}", file=sys.stderr)
    except (ReparteeError, ClientError, BotoCoreError, ValueError) as error:
        # boto3 raises ValueError for a malformed address.
        print(f"{failed}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2
