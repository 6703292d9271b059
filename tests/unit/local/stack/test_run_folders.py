"""Old runs are removed, and nothing else is."""

from pathlib import Path

import pytest

from local.stack.run_folders import (
    KEPT_RUNS,
    LOCAL,
    marked_in_use,
    new_run_directory,
    remove_old_runs,
)

pytestmark = pytest.mark.unit


def run(folder: Path, day: int) -> Path:
    """Create the folder of a run on that day."""
    path = folder / f"run-202611{day:02}-120000-{day}"
    (path / "logs").mkdir(parents=True)
    (path / "logs" / "gemini.log").write_text("hello")
    return path


def test_the_newest_runs_are_kept(tmp_path: Path) -> None:
    runs = [run(tmp_path, day) for day in range(1, KEPT_RUNS + 3)]
    removed = remove_old_runs(tmp_path, root=tmp_path)
    assert removed == f"Old runs removed from {tmp_path}: 2. The newest {KEPT_RUNS} are kept."
    assert sorted(tmp_path.iterdir()) == runs[2:]


def test_nothing_is_removed_or_reported_until_there_are_more(tmp_path: Path) -> None:
    for day in range(1, KEPT_RUNS + 1):
        run(tmp_path, day)
    assert remove_old_runs(tmp_path, root=tmp_path) is None
    assert remove_old_runs(tmp_path / "missing", root=tmp_path) is None
    assert len(list(tmp_path.iterdir())) == KEPT_RUNS


def test_the_folder_of_a_running_stack_stays_until_the_stack_ends(tmp_path: Path) -> None:
    oldest, *others = (run(tmp_path, day) for day in range(1, KEPT_RUNS + 3))
    with marked_in_use(oldest):
        removed = remove_old_runs(tmp_path, root=tmp_path)
        assert removed is not None
        assert ": 1." in removed
        assert sorted(tmp_path.iterdir()) == [oldest, *others[1:]]
    assert remove_old_runs(tmp_path, root=tmp_path) is not None
    assert not oldest.exists()


def test_only_the_folders_of_runs_are_removed(tmp_path: Path) -> None:
    outside = run(tmp_path / "elsewhere", 1)
    folder = tmp_path / "local"
    for day in range(10, 11 + KEPT_RUNS):
        run(folder, day)
    kept = [folder / name for name in ("data", "run-notes", "run-20261101-120000-1x")]
    for path in kept:
        path.mkdir()
    link = folder / "run-20261101-120000-2"
    link.symlink_to(outside)
    (file := folder / "run-20261101-120000-3").touch()
    remove_old_runs(folder, root=folder)
    assert all(path.exists() for path in (*kept, link, file, outside / "logs"))
    assert len(list(folder.glob("run-202611*-120000-*"))) == KEPT_RUNS + 3


def test_a_folder_outside_the_root_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "local"
    root.mkdir()
    elsewhere = tmp_path / "elsewhere"
    for day in range(1, KEPT_RUNS + 3):
        run(elsewhere, day)
    (root / "link").symlink_to(elsewhere)
    assert remove_old_runs(elsewhere, root=root) is None
    assert remove_old_runs(root / "link", root=root) is None
    assert len(list(elsewhere.iterdir())) == KEPT_RUNS + 2


def test_new_runs_have_a_removable_name(tmp_path: Path) -> None:
    assert new_run_directory().parent == LOCAL
    oldest = new_run_directory(tmp_path)
    oldest.mkdir()
    for second in range(10, 10 + KEPT_RUNS):
        (tmp_path / f"run-99991231-2359{second}-1").mkdir()
    assert remove_old_runs(tmp_path, root=tmp_path) is not None
    assert not oldest.exists()
