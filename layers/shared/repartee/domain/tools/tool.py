"""Tools that the reasoning model may call, described without any framework.

A tool is made anew for each request and closes over a ``ToolContext``: whose data it touches is
settled before the model has said a word, and nothing the model says can change it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from repartee.domain.errors import ReparteeError
from repartee.domain.text.validation_errors import describe_validation_errors


class ToolStatus(StrEnum):
    """How a tool call ended, as the model reads it."""

    DONE = "done"
    REFUSED = "refused"
    INVALID = "invalid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told.

    Attributes:
        message: What to say, or what to do about it; may be empty when the fields say it all.
        fields: Facts for the model, JSON values only.
    """

    status: ToolStatus
    message: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the result as one flat JSON object: status, message if any, fields."""
        head = {"status": self.status.value}
        if self.message:
            head["message"] = self.message
        return json.dumps({**head, **self.fields}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool is bound to; the runtime fills it from the authorised request.

    Attributes:
        user_id: The caller, whose data the tool may touch.
        now: The present in the desk's time zone.
    """

    user_id: str
    conversation_id: str
    now: datetime

    @property
    def today(self) -> date:
        """The desk's date at that time."""
        return self.now.date()

    @property
    def now_ms(self) -> int:
        """The same present as Unix time in ms."""
        return int(self.now.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Tool[Arguments: BaseModel]:
    """One thing that the model can do.

    Attributes:
        name: Verb and object, ``snake_case``; the model chooses by it and by the description.
        description: When to use it and what it returns, for the model.
        arguments: What the model has to fill in; each field's description is shown to it.
        is_read_only: It changes nothing, so that nobody needs to know whether it ran.
        run: Does it. Raises ``ReparteeError`` only for what no other arguments would mend.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Arguments], ToolResult]
    is_read_only: bool = False

    def call(self, raw: Mapping[str, object]) -> ToolResult:
        """Check what the model filled in and run the tool.

        Bad arguments and stores out of reach become results, so that the model can mend the one
        and apologise for the other.
        """
        try:
            arguments = self.arguments.model_validate(dict(raw))
        except ValidationError as error:
            return ToolResult(
                ToolStatus.INVALID, f"Call {self.name} again: {describe_validation_errors(error)}."
            )
        try:
            return self.run(arguments)
        except ReparteeError:
            return ToolResult(
                ToolStatus.FAILED, "This cannot be reached now. Say so and offer to try later."
            )
