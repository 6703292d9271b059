"""Reads the simulator's YAML files; an error names the file and the field."""

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

_ACCENTS = str.maketrans("áéíóú", "aeiou")


class DataFileError(Exception):
    """A file is missing or invalid; the message names the file and each field."""


class DataFile(BaseModel):
    """A part of a file; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def fold(text: str) -> str:
    """Return a text in lower case and without acute accents; its length stays."""
    return text.lower().translate(_ACCENTS)


def _compiled(pattern: str) -> re.Pattern[str]:
    # Callers who type often leave accents out.
    return re.compile(pattern.translate(_ACCENTS), re.IGNORECASE | re.DOTALL)


type Pattern = Annotated[re.Pattern[str], BeforeValidator(_compiled)]


def read_documents[Model: BaseModel](path: Path, model: type[Model]) -> list[Model]:
    """Read the YAML documents of a file.

    Raises:
        DataFileError: The file cannot be read, or a field is invalid.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataFileError(f"{path}: {error}") from error
    read = []
    for number, document in enumerate(documents, start=1):
        try:
            read.append(model.model_validate(document))
        except ValidationError as error:
            where = f"{path}, document {number}" if len(documents) > 1 else f"{path}"
            faults = (
                f"{'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}"
                for one in error.errors()
            )
            raise DataFileError(f"{where}: {'; '.join(faults)}") from error
    return read
