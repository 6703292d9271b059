"""The benchmarks' command line."""

import re
import subprocess

import pytest

from bench.__main__ import NAMES, Options, parse_arguments
from tests.documents import ROOT

pytestmark = pytest.mark.unit


def test_without_names_every_benchmark_runs():
    assert parse_arguments([]) == Options(NAMES, quick=False, pairs=None, users=None)


def test_names_and_numbers_are_taken_as_given():
    given = parse_arguments(["process", "mailbox", "--quick", "--pairs", "4", "--users", "5,10"])
    assert given == Options(("process", "mailbox"), quick=True, pairs=4, users=(5, 10))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["speed"], "no benchmark is named speed: there are first_audio"),
        (["--pairs", "1"], "must be at least 2"),
        (["--pairs", "many"], "invalid"),
        (["--users", "10"], "two rising numbers"),
        (["--users", "50,10"], "two rising numbers"),
        (["--users", "0,10"], "two rising numbers"),
        (["--users", "ten,20"], "invalid"),
    ],
)
def test_an_unusable_value_is_named_and_ends_with_status_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_make_takes_the_name_of_every_benchmark():
    makefile = (ROOT / "Makefile").read_text()
    [names] = re.findall(r"^BENCHMARKS := (.+)$", makefile, re.MULTILINE)
    assert tuple(names.split()) == NAMES


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("bench", ""),
        ("bench mailbox", "mailbox"),
        ("bench memory process", "memory process"),
        # The whole bench takes minutes: a slip of the finger must not start it.
        ("bench memry", "memry"),
    ],
)
def test_make_passes_all_words_after_bench(words: str, names: str):
    planned = subprocess.run(  # noqa: S603 - our own Makefile, and it only tells
        ["make", "--dry-run", *words.split()],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    (command,) = re.findall(r"-m bench *(.*)$", planned.stdout, re.MULTILINE)
    assert command.strip() == names
