"""Faults that pydantic finds in a value, as a sentence that names each field."""

from pydantic import ValidationError


def describe_validation_errors(error: ValidationError, whole: str = "arguments") -> str:
    """Return every field with what is wrong about it; ``whole`` names the value itself."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or whole}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )
