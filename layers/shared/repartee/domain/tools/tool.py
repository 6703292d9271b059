"""Tools that the reasoning model may call, independent of any framework.

Each request makes its own tools, bound to a ``ToolContext``. The context fixes the user whose data
the tools touch before the model runs, and the model cannot change it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from repartee.domain.errors import ReparteeError
from repartee.domain.persona import Words
from repartee.domain.text.validation_errors import describe_validation_errors


class ToolStatus(StrEnum):
    """The outcome of a tool call, as shown to the model."""

    DONE = "done"
    REFUSED = "refused"
    INVALID = "invalid"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result for the model.

    Attributes:
        message: What to say or to do next; may be empty when the fields are enough.
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


OUT_OF_REACH = ToolResult(
    ToolStatus.FAILED, "This cannot be reached now. Say so and offer to try later."
)
"""The result of a tool that could not do its work."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The user, conversation and time of one request, taken from the authorised request.

    Attributes:
        user_id: The caller, whose data the tool may touch.
        now: The current time in the desk's time zone.
        words: The persona's words for what the business offers.
        language: BCP 47 tag of the language to answer in.
    """

    user_id: str
    conversation_id: str
    now: datetime
    words: Words
    language: str

    @property
    def today(self) -> date:
        """The desk's date."""
        return self.now.date()

    @property
    def now_ms(self) -> int:
        """The current time as Unix time in ms."""
        return int(self.now.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Tool[Arguments: BaseModel]:
    """A tool for the model.

    Attributes:
        name: Verb and object in ``snake_case``; the model chooses by name and description.
        description: For the model: when to use the tool, and what it returns.
        arguments: The arguments' types; the language model reads the descriptions of the fields.
        run: Executes the tool. It raises ``ReparteeError`` only if no other arguments would help.
        is_read_only: The tool changes nothing, so no record is needed of whether it ran.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Arguments], ToolResult]
    is_read_only: bool = False

    def call(self, raw: Mapping[str, object]) -> ToolResult:
        """Validate the model's arguments and run the tool.

        Invalid arguments and unavailable stores become results, so that the model can correct the
        arguments or apologise.
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
            return OUT_OF_REACH
