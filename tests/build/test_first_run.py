"""The first run says what it downloads, and what to do where Python 3.13 is missing."""

import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from tests.build.cloudformation import ROOT, WITHOUT_OUTER_MAKE

pytestmark = pytest.mark.build

NO_PYTHON = "#!/bin/sh\nexit 127\n"
OFFLINE_UV = """#!/bin/sh
echo "$@" >> "$CALLS"
echo "error: failed to lookup address information" >&2
exit 1
"""


def run_make(project: Path, target: str, programs: dict[str, str]) -> tuple[str, str]:
    """Run make in a copy with the given programs first on PATH; return its output and errors."""
    shutil.copy(ROOT / "Makefile", project)
    (project / "uv.lock").touch()
    folder = project / "bin"
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    # The machine's own uv and Python 3.13 are in other folders than its basic programs.
    for name in ("bash", "make", "mkdir", "touch", "env"):
        (folder / name).symlink_to(shutil.which(name) or name)
    ended = subprocess.run(  # noqa: S603 - the project's own Makefile
        [*WITHOUT_OUTER_MAKE, "make", target],
        cwd=project,
        env={"PATH": str(folder), "CALLS": str(project / "calls")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    return ended.stdout, ended.stderr


def test_without_python_and_internet_the_first_and_last_lines_say_what_to_do(
    tmp_path: Path,
) -> None:
    output, errors = run_make(tmp_path, "setup", {"python3.13": NO_PYTHON, "uv": OFFLINE_UV})

    lines = output.splitlines()
    assert lines[0].startswith("First run: make demo and make up download 400 MB")
    assert lines[1].startswith("python3.13 is not on PATH")
    assert lines[1].endswith("install Python 3.13.")
    assert "put python3.13 on PATH, or connect to the internet" in errors
    calls = (tmp_path / "calls").read_text().splitlines()
    assert {call.split()[0] for call in calls} == {"python"}, "no package was fetched"


def test_without_uv_and_internet_the_last_line_names_both_remedies(tmp_path: Path) -> None:
    programs = {"python3.13": NO_PYTHON, "python3": NO_PYTHON}

    output, errors = run_make(tmp_path, "setup", programs)

    assert "Installing uv" in output
    assert "connect to the internet, or install uv yourself" in errors


def test_with_python_the_first_run_names_the_downloads_alone(tmp_path: Path) -> None:
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'

    output, _ = run_make(
        tmp_path,
        ".venv/.stamp",
        {"python3.13": python, "uv": '#!/bin/sh\n[ "$1" = python ]\n'},
    )

    assert [line.split(":")[0] for line in output.splitlines()] == [
        "First run",
        "Installing packages into .venv",
    ]


def test_where_a_wheel_of_the_speech_packages_is_missing_the_rest_is_installed(
    tmp_path: Path,
) -> None:
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    uv = '#!/bin/sh\ncase "$*" in run*--no-group*speech*) ;; run*) exit 1;; esac\n'

    output, _ = run_make(tmp_path, ".venv/.stamp", {"python3.13": python, "uv": uv})

    assert "neither hears speech nor has a natural voice here" in output


def stated_mb() -> dict[str, int]:
    found = re.findall(r"^SIZE_(\S+) := (\d+) MB", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {folder: int(size) for folder, size in found}


def download_mb(*groups: str) -> float:
    """Return the size of the wheels (or source archives) that this machine needs."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    options = ["export", "--quiet", "--frozen", "--no-hashes", "--no-header", "--no-annotate"]
    exported = subprocess.run(  # noqa: S603 - the same uv as in the Makefile
        [uv, *options, *groups], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = {(package["name"], package["version"]): package for package in lock["package"]}
    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    total = 0
    for requirement in map(Requirement, exported.stdout.splitlines()):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        package = packages[requirement.name, str(requirement.specifier).removeprefix("==")]
        fitting = [
            (min(ranks[tag] for tag in tags & ranks.keys()), wheel["size"])
            for wheel in package.get("wheels", [])
            if (tags := parse_wheel_filename(wheel["url"].rsplit("/", 1)[1])[3]) & ranks.keys()
        ]
        total += min(fitting)[1] if fitting else package["sdist"]["size"]
    return total / 1e6


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="sizes of Linux x86_64"
)
@pytest.mark.parametrize(
    ("folder", "groups"),
    [
        (".venv", ()),
        (".tools/emulator", ("--only-group", "emulator")),
        (".tools/sam", ("--only-group", "sam")),
        (".tools/baselines", ("--only-group", "baselines")),
        (".tools/browser", ("--only-group", "browser")),
        (".tools/plots", ("--only-group", "plots")),
        (".tools/audit", ("--only-group", "audit")),
    ],
)
def test_the_stated_downloads_follow_the_lock(folder: str, groups: tuple[str, ...]) -> None:
    assert stated_mb()[folder] == pytest.approx(download_mb(*groups), rel=0.1)


def test_the_first_line_states_the_sum_of_the_downloads() -> None:
    mb = stated_mb()
    demo = sum(
        mb[folder] for folder in (".tools/uv", ".venv", ".tools/emulator", ".tools/dynamodb")
    )
    stated = f"make demo and make up download {demo} MB, make test {demo + mb['.tools/sam']} MB"
    assert stated in (ROOT / "Makefile").read_text()
