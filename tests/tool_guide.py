"""Reads the steps of the guide to a new tool."""

import re
from dataclasses import dataclass

from tests.documents import page

GUIDE = page("functions/core_agent/tools/README.md")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of the guide, and the first path in the paragraph before it."""

    language: str
    path: str
    text: str

    @property
    def is_new_file(self) -> bool:
        """Whether the block is a whole file."""
        return self.language in ("python", "yaml")


def blocks() -> list[Block]:
    """Return the code blocks of the guide's steps."""
    steps, _ = GUIDE.split("\n## A store elsewhere\n")
    return [
        Block(language, next(iter(re.findall(r"`([\w.]+/[\w./]+\.\w+)`", before)), ""), text)
        for before, language, text in re.findall(
            r"((?:^\S[^\n]*\n)+)\n^```(\w+)\n(.*?)^```$", steps, re.MULTILINE | re.DOTALL
        )
    ]


def changed(text: str, diff: str) -> str:
    """Return ``text`` with the changes; each place must be in it once."""
    for place in diff.split("@@\n"):
        lines = place.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
