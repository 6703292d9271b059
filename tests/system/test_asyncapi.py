"""The parser of the AsyncAPI project accepts docs/asyncapi.yaml."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from local import asyncapi
from local.asyncapi import message_types
from tests.documents import ROOT

pytestmark = pytest.mark.system

_FOLDER = ROOT / ".tools" / "asyncapi"
_PARSE = """
const { Parser } = require("@asyncapi/parser");
const text = require("fs").readFileSync(process.argv[1], "utf8");
new Parser().parse(text).then(({ document, diagnostics }) =>
  console.log(JSON.stringify({ messages: document?.allMessages().length, diagnostics })));
"""


def parsed(path: Path) -> dict[str, object]:
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        pytest.skip("the AsyncAPI parser needs Node.js and npm")
    command = [node, "-e", _PARSE, str(path)]
    run = subprocess.run(  # noqa: S603 - the script above
        command, cwd=_FOLDER, capture_output=True, check=True, text=True
    )
    answer: dict[str, object] = json.loads(run.stdout)
    return answer


def test_the_document_is_valid_and_has_every_message() -> None:
    whole = {"messages": len(message_types()), "diagnostics": []}

    assert parsed(asyncapi.PATH) == whole


def test_the_parser_reports_a_fault_in_the_document(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(asyncapi.PATH.read_text().replace("action: send", "action: shout", 1))

    assert parsed(broken)["diagnostics"]
