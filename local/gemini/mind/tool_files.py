"""The files that teach the simulator tools; ``local/gemini/tools/README.md`` describes them."""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from local.gemini.mind.data_files import DataFile, DataFileError, read_documents
from local.gemini.mind.languages import languages
from local.gemini.mind.phrases import ONE_OR_MORE, Phrases

FOLDER = Path(__file__).resolve().parents[1] / "tools"
SHOWN_FOLDER = "local/gemini/tools"


def fields_of(template: str) -> list[str]:
    """Return the names of the fields in a template."""
    return re.findall(r"\{([A-Za-z_]\w*)\}", template)


def _checked_template(template: str) -> str:
    if set("{}") & set(re.sub(r"\{[A-Za-z_]\w*\}", "", template)):
        raise ValueError("write each field as {name}, and no other braces")
    return template


def _known_language(code: str) -> str:
    if code not in languages():
        raise ValueError(f"no language; use one of {', '.join(languages())}")
    return code


type Template = Annotated[str, Field(min_length=1), AfterValidator(_checked_template)]
type Templates = Annotated[tuple[Template, ...], ONE_OR_MORE]
type _Language = Annotated[str, AfterValidator(_known_language)]
type _Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class Argument(DataFile):
    """How one argument is found."""

    kind: Literal["day", "clock", "number", "text"]
    pattern: Phrases = ()
    of: str = ""
    field: str = ""
    from_hour: int = Field(default=0, ge=0, le=12)

    @model_validator(mode="after")
    def _has_a_group(self) -> Self:
        if not all(phrase.count("(") == 1 for phrase in self.pattern):
            raise ValueError("pattern needs brackets around the argument, such as (...)")
        if self.kind == "text" and not self.pattern and not self.of:
            raise ValueError("pattern is required for the kind text")
        return self


class Wording(DataFile):
    """A tool in one language."""

    heard: Annotated[Phrases, Field(min_length=1)]
    unless: Phrases = ()
    arguments: dict[_Name, Argument] = Field(default_factory=dict)
    ask: dict[str, str] = Field(default_factory=dict)
    done: Annotated[Templates, Field(min_length=1)]
    refused: Templates = ()
    failed: Templates = ()
    reasons: dict[str, Template] = Field(default_factory=dict)
    none: str = ""
    several: Template | Literal[""] = ""
    then: str = ""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if unknown := self.ask.keys() - self.arguments.keys():
            raise ValueError(f"ask.{min(unknown)} is not one of the arguments")
        if wrong := [name for name, asks in self.ask.items() if not asks.endswith("?")]:
            # The user's next words count as an answer after a question only.
            raise ValueError(f"ask.{wrong[0]} does not end with a question mark")
        if any(one.of for one in self.arguments.values()) and not (self.none and self.several):
            raise ValueError("none and several are required beside an argument with of")
        if set(fields_of(self.several)) - {"choices"}:
            raise ValueError("several has no other field than {choices}")
        return self


class ToolFile(DataFile):
    """One document of a file: a tool, by language."""

    tool: _Name
    languages: dict[_Language, Wording] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_only_phrases(self) -> Self:
        for code, wording in self.languages.items():
            patterns = [phrase for one in wording.arguments.values() for phrase in one.pattern]
            languages()[code].check((*wording.heard, *wording.unless, *patterns))
        return self


@dataclass(frozen=True, slots=True)
class TaughtTool:
    """A tool in the words of one language.

    Attributes:
        file: The number of the file that teaches it.
    """

    file: int
    name: str
    language: str
    wording: Wording

    def is_heard_in(self, text: str) -> bool:
        """Return whether a text asks for the tool."""
        language = languages()[self.language]
        heard = language.read(text)
        is_other = any(language.pattern(one).search(heard.plain) for one in self.wording.unless)
        return not is_other and any(language.find(self.wording.heard, heard))


@dataclass(frozen=True, slots=True)
class ToolBook:
    """The taught tools in the order of their files."""

    tools: tuple[TaughtTool, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the tools, each once."""
        return list(dict.fromkeys(one.name for one in self.tools))

    def only(self, names: Container[str]) -> "ToolBook":
        """Return the book without the tools of other names."""
        return ToolBook(tuple(one for one in self.tools if one.name in names))

    def find(self, text: str, codes: Sequence[str | None]) -> TaughtTool | None:
        """Return the tool that a text asks for, in the first language that has one."""
        heard = (
            one
            for code in codes
            for one in self.tools
            if one.language == code and one.is_heard_in(text)
        )
        return next(heard, None)

    def following(self, taught: TaughtTool) -> TaughtTool | None:
        """Return the tool that a tool's ``then`` names, in the same file and language."""
        wanted = taught.file, taught.wording.then, taught.language
        return next(
            (one for one in self.tools if (one.file, one.name, one.language) == wanted), None
        )


def read_tools(paths: Iterable[Path] = ()) -> ToolBook:
    """Read the project's files after the given ones, those with the fewest tools first.

    Raises:
        DataFileError: A file is invalid.
    """
    given = [_read_file(path) for path in paths]
    own = [_read_file(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return ToolBook(
        tuple(
            TaughtTool(number, document.tool, code, wording)
            for number, file in enumerate((*given, *sorted(own, key=len)))
            for document in file
            for code, wording in document.languages.items()
        )
    )


def _read_file(path: Path) -> list[ToolFile]:
    documents = read_documents(path, ToolFile)
    taught = {(one.tool, code) for one in documents for code in one.languages}
    for document in documents:
        for code, wording in document.languages.items():
            if wording.then and (wording.then, code) not in taught:
                raise DataFileError(
                    f"{path}: {document.tool}: then: the file has no tool {wording.then} in {code}"
                )
    return documents


@lru_cache(maxsize=1)
def project_tools() -> ToolBook:
    """Return the tools of the project's own files."""
    return read_tools()
