import io
import itertools
import json
from typing import Any

from aws_lambda_powertools import Logger

_names = itertools.count(1)


class CapturedLog:
    """The functions' own logger, writing into memory.

    Attributes:
        logger: The logger for a function.
    """

    def __init__(self) -> None:
        self._written = io.StringIO()
        # Loggers with the same name share their output, so each gets its own name.
        self.logger = Logger(service=f"captured-{next(_names)}", stream=self._written)

    @property
    def text(self) -> str:
        """The whole output."""
        return self._written.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines, parsed, in order."""
        return [json.loads(line) for line in self.text.splitlines()]
