"""The JSON of a dashboard, as far as the template uses it; any other member is an error.

Source: "Dashboard body structure and syntax", CloudWatch API reference, read 2026-12-01.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class Axis(_Model):
    min: float | None = None
    max: float | None = None


class Axes(_Model):
    left: Axis = Axis()
    right: Axis = Axis()


class Level(_Model):
    """A horizontal line."""

    label: str
    value: float


class Annotations(_Model):
    horizontal: tuple[Level, ...] = ()


class Row(_Model):
    """One entry of ``metrics``: a metric, or an expression.

    Args:
        metric: The namespace, the name, and names and values of dimensions.
    """

    metric: tuple[str, ...] = ()
    expression: str | None = None
    id: str | None = None
    label: str | None = None
    stat: str | None = None
    period: int | None = None
    y_axis: Literal["left", "right"] = "left"
    visible: bool = True
    color: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, row: Any) -> Any:
        if not isinstance(row, list):
            return row
        options = row[-1] if row and isinstance(row[-1], dict) else {}
        return {**options, "metric": [part for part in row if isinstance(part, str)]}

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.expression is None) == (not self.metric) or len(self.metric) % 2:
            raise ValueError("an entry is a metric with its dimensions, or an expression")
        return self

    @property
    def dimensions(self) -> Mapping[str, str]:
        """The dimensions of the metric."""
        return dict(zip(self.metric[2::2], self.metric[3::2], strict=True))


class MetricProperties(_Model):
    title: str
    region: str
    metrics: tuple[Row, ...]
    view: Literal["timeSeries", "singleValue"] = "timeSeries"
    stacked: bool = False
    stat: str = "Average"
    period: int = 300
    set_period_to_time_range: bool = False
    y_axis: Axes = Axes()
    annotations: Annotations = Annotations()


class AlarmProperties(_Model):
    title: str
    alarms: tuple[str, ...]


class TextProperties(_Model):
    markdown: str
    background: Literal["solid", "transparent"] = "solid"


class LogProperties(_Model):
    title: str
    region: str
    query: str
    view: Literal["table"] = "table"


class _Placed(_Model):
    """The place of a widget on the grid of 24 columns."""

    x: int
    y: int
    width: int
    height: int


class MetricWidget(_Placed):
    type: Literal["metric"]
    properties: MetricProperties


class AlarmWidget(_Placed):
    type: Literal["alarm"]
    properties: AlarmProperties


class TextWidget(_Placed):
    type: Literal["text"]
    properties: TextProperties


class LogWidget(_Placed):
    type: Literal["log"]
    properties: LogProperties


type Widget = MetricWidget | AlarmWidget | TextWidget | LogWidget


class Variable(_Model):
    """A text that the reader of a dashboard replaces in its JSON."""

    type: Literal["pattern"]
    id: str
    pattern: str
    input_type: Literal["input"]
    label: str
    default_value: str
    visible: bool


class Body(_Model):
    """The content of a dashboard."""

    widgets: tuple[Annotated[Widget, Field(discriminator="type")], ...]
    variables: tuple[Variable, ...] = ()


def read_body(text: str, values: Mapping[str, str] | None = None) -> Body:
    """Read the JSON of a dashboard with its variables replaced.

    Args:
        text: The JSON.
        values: Values of variables by id; the others have their defaults.

    Raises:
        pydantic.ValidationError: The JSON is invalid or uses something that is not supported.
    """
    variables = Body.model_validate_json(text).variables
    for variable in variables:
        value = (values or {}).get(variable.id, variable.default_value)
        text = text.replace(variable.pattern, value)
    return Body.model_validate_json(text).model_copy(update={"variables": variables})
