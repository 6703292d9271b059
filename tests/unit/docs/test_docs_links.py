"""The targets of the pages exist: links, paths, make targets, sample events."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from local.invoke import EVENTS
from tests.build.cloudformation import load_template, resources_of_type
from tests.documents import ROOT, code_spans, page, pages, without_blocks
from tests.integration.test_conversation_events import CALL, EXPECTED
from tests.tool_guide import blocks

pytestmark = pytest.mark.unit

OURS = ROOT / "layers" / "shared" / "repartee"
# Files that a page asks its reader to write.
INVITED = {block.path for block in blocks() if block.is_new_file}
TOP = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
# Pages about the code leave out the path to our package.
INSIDE = {path.name for path in OURS.iterdir() if path.is_dir()}
README = page("README.md")
each_page = pytest.mark.parametrize(
    "path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix()
)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.strip().replace(" ", "-") for title in plain}


def paths_in(text: str) -> set[str]:
    """Return the texts in backticks that look like paths from the project's root."""
    found = set()
    for span in code_spans(text):
        path = span.split("#")[0].rstrip("/")
        first = path.split("/")[0]
        if re.fullmatch(r"[\w./*<>-]+", path) and "/" in path and first in TOP | INSIDE:
            found.add(path)
        if re.fullmatch(r"[\w-]+\.(py|yaml|toml|md|lock)", path):
            found.add(path)
    return found


def exists(path: str, beside: Path) -> bool:
    pattern = re.sub(r"<[^>]*>", "*", path)
    if any(any(folder.glob(pattern)) for folder in (ROOT, beside, OURS)):
        return True
    # A module's bare name is enough if its page has named the folder.
    return "/" not in path and any(
        any((ROOT / folder).rglob(path)) for folder in ("layers/shared", "functions")
    )


@each_page
def test_no_link_is_dead(path: Path) -> None:
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(text)):
        if re.match(r"https?:|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / unquote(file)).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text()), target


def present_text(path: Path) -> str:
    """Leave out the entries of released versions, which name the files of that version."""
    text = path.read_text()
    return text.partition("\n## 0.1.0")[0] if path.name == "CHANGELOG.md" else text


@each_page
def test_every_path_in_backticks_exists(path: Path) -> None:
    named = paths_in(present_text(path)) - INVITED
    assert {one for one in named if not exists(one, path.parent)} == set()


@each_page
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    makefile = page("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    (benchmarks,) = re.findall(r"^BENCHMARKS := (.+)$", makefile, re.MULTILINE)
    targets |= set(benchmarks.split())
    text = path.read_text()
    commands = re.findall(r"^ {4}make ([a-z][a-z -]*)", text, re.MULTILINE)
    commands += re.findall(r"`make ([a-z][a-z -]*)", text)
    assert {name for command in commands for name in command.split()} <= targets


@each_page
def test_every_module_that_is_to_be_run_exists(path: Path) -> None:
    for module in re.findall(r"python -m (local[.\w]*)", present_text(path)):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module


def test_a_dead_path_would_be_noticed() -> None:
    assert paths_in("see `functions/gone/handler.py` and `POST /sessions`") == {
        "functions/gone/handler.py"
    }
    assert not exists("functions/gone/handler.py", ROOT)


def test_the_readme_invokes_every_function_with_a_sample_event() -> None:
    lines = re.findall(r"^ +\$SAM (\w+) -e (events/\S+)$", README, re.MULTILINE)
    functions = resources_of_type(load_template(), "AWS::Serverless::Function")
    assert [name for name, _ in lines] == list(functions)
    for name, event in lines:
        folder = str(functions[name]["Handler"]).partition(".")[0]
        assert (ROOT / event).exists()
        assert Path(event).name.startswith(f"{folder}.")


def test_the_readme_wakes_a_worker_before_it_asks_the_core_agent() -> None:
    commands = re.findall(r"^ {4}\.venv/bin/python -m local\.invoke (.+)$", README, re.MULTILINE)
    assert {event for command in commands for event in command.split()} <= set(EVENTS)
    assert commands[-1].split() == [*CALL, "core_agent.opening_hours"]


def test_every_sample_event_has_an_answer_that_is_tested() -> None:
    assert set(EXPECTED) == set(EVENTS)


def test_the_readmes_limits_are_the_templates_defaults() -> None:
    parameters = load_template()["Parameters"]
    found = re.findall(r"`(\w+)`, (\d+) \|", README)
    assert found
    assert all(str(parameters[name]["Default"]) == value for name, value in found)


def test_the_readme_names_the_command_that_ci_runs() -> None:
    assert "make test" in page(".ci/run")
    assert "\n    make test " in README


def test_every_decision_is_listed_and_has_its_parts() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [f"{number:04}" for number in range(1, len(decisions) + 1)]
    assert [path.name[:4] for path in decisions] == numbers
    for path in decisions:
        text = path.read_text()
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Status", "Context", "Decision", "Consequences"], path.name
        consequences = text.partition("## Consequences")[2]
        assert "(+)" in consequences, path.name
        assert "(-)" in consequences, path.name
        assert text.startswith(f"# {path.name[:4]} "), path.name
        assert f"adr/{path.name}" in page("docs/architecture.md"), path.name
