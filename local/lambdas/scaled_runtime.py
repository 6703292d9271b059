"""Runs ``awslambdaric`` with scaled time: the function sees simulated remaining milliseconds.

    python scaled_runtime.py FACTOR HANDLER

The script runs inside the function's process, which cannot import ``local``.
"""

import sys

from awslambdaric.__main__ import main as serve
from awslambdaric.lambda_context import LambdaContext

_remaining_ms = LambdaContext.get_remaining_time_in_millis


def main() -> None:
    factor = float(sys.argv[1])

    def scaled_remaining_ms(context: LambdaContext) -> int:
        return int(_remaining_ms(context) * factor)

    LambdaContext.get_remaining_time_in_millis = scaled_remaining_ms
    serve([sys.argv[0], sys.argv[2]])


if __name__ == "__main__":
    main()
