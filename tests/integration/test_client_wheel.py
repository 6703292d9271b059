"""The client's wheel, alone in an environment of Python 3.11 and 3.13, talks to the stack."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import ROOT, blocks, page
from tests.integration.running import RunningStack, new_user, recordings
from tests.uv import uv

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

PROGRAM = Path(__file__).with_name("wheel_conversation.py")
VERSIONS = ("3.11", "3.13")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT / "clients/python"))
    (found,) = folder.glob("*.whl")
    return found


def environment(version: str, wheel: Path, folder: Path) -> str:
    """Install the wheel into a new environment and return its interpreter."""
    found = run(uv(), "python", "find", "--no-python-downloads", version) if has(version) else ""
    if not found:
        # In CI a missing version must not go unnoticed.
        assert os.environ.get("CI") != "true", f"python{version} is not installed"  # noqa: TID251 - set by CI
        pytest.skip(f"python{version} is not installed")
    run(uv(), "venv", "--quiet", "--python", found.strip(), str(folder))
    python = str(folder / "bin" / "python")
    # The oldest Python gets the oldest websockets that the wheel declares.
    resolution = "lowest-direct" if version == VERSIONS[0] else "highest"
    install = ("pip", "install", "--quiet", "--resolution", resolution, "--python", python)
    run(uv(), *install, str(wheel))
    return python


def has(version: str) -> bool:
    find = [uv(), "python", "find", "--no-python-downloads", version]
    return subprocess.run(find, capture_output=True, check=False).returncode == 0  # noqa: S603 - ours


def told(program: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert program.stdout is not None
    for line in program.stdout:
        yield json.loads(line)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_holds_two_conversations_although_the_line_is_cut(
    version: str, wheel: Path, tmp_path: Path, running: RunningStack
):
    python = environment(version, wheel, tmp_path / "environment")
    api = running.run(running.api_of(new_user("wheel")))

    async def cut() -> None:
        for connection in running.stack.gateway.connections.all():
            connection.break_connection(0.0)

    answers: list[dict[str, Any]] = []
    arguments = [api.url, str(api.token), str(recordings("default")[0].wav)]
    with subprocess.Popen(  # noqa: S603 - ours
        [python, "-I", str(PROGRAM), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        for event in told(program):
            match event["event"]:
                case "start":
                    assert event["python"] == [int(part) for part in version.split(".")]
                    assert event["found"] == []
                case "cut me" if not answers:
                    running.run(cut())
                case "answer":
                    answers.append(event)
        assert program.stderr is not None
        complaints = program.stderr.read()
    assert (program.returncode, complaints) == (0, "")
    typed, spoken = answers
    assert typed["reconnects"] == 1
    assert re.search("nine|9", typed["said"])
    assert typed["pcm_bytes"] > 0
    assert spoken["reconnects"] == 0
    assert spoken["heard"]
    assert spoken["pcm_bytes"] > 0
    if version == VERSIONS[-1]:
        example = tmp_path / "example.py"
        example.write_text(next(iter(blocks(page("clients/python/README.md"), "python"))))
        variables = {"REPARTEE_API": api.url, "REPARTEE_TOKEN": str(api.token)}
        done = subprocess.run(  # noqa: S603 - ours
            [python, "-I", str(example)], env=variables, capture_output=True, text=True, check=True
        )
        assert re.search("nine|9", done.stdout)
