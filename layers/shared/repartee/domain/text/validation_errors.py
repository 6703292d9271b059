"""Formats pydantic's validation errors for people and models."""

from pydantic import ValidationError


def describe_validation_errors(error: ValidationError, whole: str = "arguments") -> str:
    """Return each field with its error; ``whole`` names errors of the value as a whole."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or whole}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )
