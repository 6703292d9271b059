"""The developer reads what was edited, who runs it, and what cannot be loaded."""

from pathlib import Path

import pytest

from local.lambdas.code_changes import CodeChange
from local.stack.code_changes import describe_change
from local.stack.options import PROJECT

pytestmark = pytest.mark.unit

BOOK = PROJECT / "functions" / "core_agent" / "book.py"
NOTHING = CodeChange((), (), {}, (), ())


def test_a_change_names_its_files_and_functions() -> None:
    change = CodeChange((BOOK,), ("CoreAgentFunction",), {}, (), ())
    assert describe_change(change) == (
        "code changed: functions/core_agent/book.py; later invocations of CoreAgentFunction run it"
    )
    files = tuple(Path(f"/other/{name}.py") for name in "abcde")
    assert describe_change(CodeChange(files, (), {}, (), ())) == (
        "code changed: /other/a.py, /other/b.py, /other/c.py and 2 more; no function runs it"
    )
    assert describe_change(CodeChange((BOOK,), ("A", "B", "C", "D"), {}, (), ())).endswith(
        "later invocations of A, B, C and 1 more run it"
    )


def test_a_running_worker_is_said_to_finish_with_the_previous_code() -> None:
    running = {"StreamAgentFunction": 2, "HttpApiFunction": 1}
    lines = describe_change(CodeChange((BOOK,), tuple(running), running, (), ())).splitlines()
    assert lines[1:] == [
        "  2 running invocations of StreamAgentFunction with the previous code; "
        "a worker leaves its session after LingerSeconds without input",
        "  1 running invocation of HttpApiFunction with the previous code",
    ]


def test_a_file_with_a_syntax_error_is_named_with_its_line() -> None:
    change = CodeChange((BOOK,), ("CoreAgentFunction",), {}, (f"{BOOK}:3: invalid syntax",), ())
    assert describe_change(change).splitlines()[1:] == [
        "  cannot be loaded: functions/core_agent/book.py:3: invalid syntax"
    ]


def test_a_persona_that_no_function_accepts_is_named_with_its_field(tmp_path: Path) -> None:
    file = tmp_path / "personas" / "shop.yaml"
    file.parent.mkdir()
    file.write_text("business: The Shop\n")
    change = CodeChange((file,), ("StreamAgentFunction",), {}, (), ())
    assert "  shop.yaml: greeting: it is missing: add it" in describe_change(change).splitlines()
    file.unlink()
    assert len(describe_change(change).splitlines()) == 1


def test_an_edited_template_needs_a_new_start() -> None:
    change = CodeChange((), (), {}, (), (PROJECT / "template.yaml",))
    assert describe_change(change) == "template.yaml changed: restart make up to apply it"
