"""Reads personas from their YAML files."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repartee.domain.persona import Persona, PersonaRefused, Words
from repartee.domain.phrases import Phrases

FOLDER = Path(__file__).parent.parent / "personas"
"""The personas of this version."""

_NO_FIELD = "there is no such field: remove it"
# What to write instead, by pydantic's type of error. For other types, pydantic's message is shown.
_ADVICE = {
    "missing": "it is missing: add it",
    "string_type": "write a text here, and no fields or list",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "tuple_type": "write a list, such as [en-US]",
    "dict_type": "write fields below it, each with a name and a value",
    "model_type": "write fields, each with a name and a value",
    "dataclass_type": "write fields below it, each with a name and a value",
    "dataclass_exact_type": "write fields below it, each with a name and a value",
    "unexpected_keyword_argument": _NO_FIELD,
    "extra_forbidden": _NO_FIELD,
    "literal_error": "it is not a weekday; write the English name, such as monday",
}

_FIELDS = (*Persona.model_fields, *(one.name for kind in (Words, Phrases) for one in fields(kind)))


def persona_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the personas in a folder, in order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_persona(name: str, folder: Path = FOLDER) -> Persona:
    """Read a persona.

    Args:
        name: The file's name without its ending.
        folder: The folder of the files.

    Raises:
        PersonaRefused: There is no such file, or it is invalid. The message names all faults.
    """
    path = folder / f"{name}.yaml"
    # A name must not lead out of the folder.
    if not re.fullmatch(r"[a-z0-9_]+", name) or not path.is_file():
        names = persona_names(folder)
        raise PersonaRefused(
            f"there is no persona {name!r} in {folder.name}/; choose one of {', '.join(names)}, or "
            f"add a file{_nearest(name, names)}"
        )
    try:
        return Persona.model_validate(_read(path), extra="forbid")
    except ValidationError as error:
        raise PersonaRefused("\n".join(_faults(path.name, error))) from None


def _read(path: Path) -> object:
    # The import takes some 10 ms, and programs that only list the names do not need it.
    import yaml

    class Loader(yaml.BaseLoader):
        """Reads `No` or `1900` as text, as all values, and refuses repeated keys."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for place, key in enumerate(keys):
                if key in keys[:place]:
                    line = node.value[place][0].start_mark.line + 1
                    raise PersonaRefused(f"{path.name}, line {line}: {key} comes twice: remove one")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(path.read_bytes().decode(), Loader)  # noqa: S506 - it makes texts only
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PersonaRefused(f"{path.name} is not valid YAML in UTF-8: {error}") from None


def _faults(file: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in fault["loc"] if part != "[key]") or "the file"
        text = _ADVICE.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        near = _nearest(str(fault["loc"][-1]), _FIELDS) if text == _NO_FIELD else ""
        yield f"{file}: {place}: {text}{near}"


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f". Did you mean {near[0]}?" if near else ""
