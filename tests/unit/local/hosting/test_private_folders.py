"""The tables' folder is private, and one stack at a time holds it."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.hosting import private_folders
from local.hosting.private_folders import (
    BadAccessKeyError,
    DataInUseError,
    held_data,
    make_private,
    new_access_key,
)

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).resolve().parents[4]
HOLDER = """
import os, sys
from pathlib import Path
from local.hosting.private_folders import held_data
with held_data(Path(sys.argv[1]), 8700) as data:
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """Return another process that holds the folder until its input closes."""
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(process.pid)
    return process


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_second_stack_is_refused_with_the_name_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_folders, "_PATIENCE_S", 0.0)
    folder = tmp_path / "8700"
    with (
        holder(folder) as first,
        pytest.raises(DataInUseError) as refused,
        held_data(folder, 9_000),
    ):
        pass
    message = str(refused.value)
    assert f"{folder} are in use by the stack of process {first.pid}, ports from 8700." in message
    assert "FRESH=1" in message
    assert "REPARTEE_PORT_BASE" in message


def test_a_killed_stack_leaves_the_folder_to_the_next_one(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
    with held_data(tmp_path, 9_000):
        assert "ports from 9000" in (tmp_path / "lock").read_text()


def test_a_program_that_inherits_the_lock_holds_the_folder_after_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_folders, "_PATIENCE_S", 0.0)
    with held_data(tmp_path, 8_700) as data:
        program = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(data.lock,))  # noqa: S607
    with program, pytest.raises(DataInUseError), held_data(tmp_path, 8_700):
        pass
    with held_data(tmp_path, 8_700):
        pass


def test_the_access_key_stays_with_the_data_and_differs_between_folders(tmp_path: Path) -> None:
    with held_data(tmp_path / "a", 8_700) as first, held_data(tmp_path / "b", 8_700) as other:
        pass
    with held_data(tmp_path / "a", 8_700) as again:
        assert again.access_key == first.access_key != other.access_key
    assert first.access_key.isalnum()
    assert first.access_key.islower(), "it is part of a file's name, and some ignore the case"


def test_only_the_owner_reads_the_folder_and_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with held_data(folder, 8_700):
        assert [mode(path) for path in (folder.parent, folder)] == [0o700, 0o700]
        assert {path.name: mode(path) for path in folder.iterdir()} == {
            "access-key": 0o600,
            "lock": 0o600,
        }


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("content", [b"", b"two words", b"dash-ed", b"\xff\xfe", None])
def test_a_broken_or_lost_access_key_is_refused_with_the_remedy(
    content: bytes | None, tmp_path: Path
) -> None:
    (tmp_path / "localkey_us-east-1.db").touch()
    if content is not None:
        (tmp_path / "access-key").write_bytes(content)
    with (
        pytest.raises(BadAccessKeyError, match="write that KEY into the file"),
        held_data(tmp_path, 8_700),
    ):
        pass


def test_access_keys_are_random() -> None:
    assert len({new_access_key() for _ in range(10)}) == 10
