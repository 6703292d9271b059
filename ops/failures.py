"""Reports the failures of an operator's program in one line, without a traceback."""

import re
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import ReparteeError, StoreUnavailable
from repartee_client.errors import VoiceClientError

_PERMISSION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)", re.IGNORECASE)


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
    except ClientError as error:
        print(f"{failed}: {_missing_permission(error)}{error}", file=sys.stderr)
    except (ReparteeError, VoiceClientError, BotoCoreError, ValueError) as error:
        # boto3 raises ValueError for a malformed address.
        print(f"{failed}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


def _missing_permission(error: ClientError) -> str:
    found = _PERMISSION.search(error.response["Error"].get("Message", ""))
    return f"your role needs {found[1]}. " if found else ""
