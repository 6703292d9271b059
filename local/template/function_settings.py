"""Checks that the functions accept a template's values, beyond what CloudFormation can check."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from local.template.model import Function
from local.template.reader import read_template, variables_from_parameters
from repartee import config
from repartee.adapters.personas import load_persona
from repartee.domain.live.model_profiles import profile_of
from repartee.domain.persona import PersonaRefused

# CloudFormation has no type for whole numbers.
_ADVICE = {"int_parsing": "it must be a whole number"}


def problems_of_functions(template: Path, parameters: Mapping[str, str]) -> list[str]:
    """Return one text for each value that a function would refuse when it starts.

    Args:
        template: The template.
        parameters: Values of parameters; the others have their defaults.

    Raises:
        TemplateError: The template is invalid.
    """
    parameter_of = variables_from_parameters(template)
    found = {
        f"{parameter_of.get(variable, variable)} is {function.environment.get(variable)!r}; "
        f"{problem}": None
        for function in read_template(template, parameters).functions.values()
        for variable, problem in _refused(function)
    }
    return list(found)


def _refused(function: Function) -> Iterator[tuple[str, str]]:
    """Yield the variables that a function would refuse, each with the reason."""
    package = function.handler.partition(".")[0]
    settings = getattr(config, f"{package.title().replace('_', '')}Settings")
    try:
        settings.model_validate(dict(function.environment))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            advice = _ADVICE.get(fault["type"], fault["msg"].removeprefix("Value error, "))
            yield str(fault["loc"][0]), advice
    if "PERSONA" in function.environment:
        try:
            persona = load_persona(function.environment["PERSONA"])
        except PersonaRefused as error:
            for line in str(error).splitlines():
                yield "PERSONA", line
            return
        try:
            model = profile_of(function.environment.get("GEMINI_LIVE_MODEL", ""))
            persona.default_language(model, function.environment.get("LANGUAGE", ""))
        except PersonaRefused as error:
            yield "LANGUAGE", str(error)
