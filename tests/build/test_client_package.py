"""The Python client's wheel holds the client and nothing else."""

import ast
import email
import subprocess
import tomllib
import zipfile
from email.message import Message

import pytest

from tests.build.cloudformation import ROOT
from tests.uv import uv

pytestmark = pytest.mark.build

CLIENT = ROOT / "clients" / "python"
SOURCES = sorted(path.relative_to(CLIENT).as_posix() for path in CLIENT.rglob("*.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    build = [uv(), "build", "--quiet", "--offline", "--out-dir", str(folder), str(CLIENT)]
    subprocess.run(build, check=True)  # noqa: S603 - as `make client` does
    assert len(list(folder.glob("repartee_client-*.tar.gz"))) == 1
    (found,) = folder.glob("*.whl")
    return zipfile.ZipFile(found)


def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_string(wheel.read(name).decode())


def test_the_wheel_holds_the_clients_modules_and_its_metadata(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if not name.endswith("/")]
    assert sorted(name for name in names if name.endswith(".py")) == SOURCES
    others = [name for name in names if name not in SOURCES and ".dist-info/" not in name]
    assert others == ["repartee_client/py.typed"]


def test_the_wheel_needs_websockets_alone(wheel: zipfile.ZipFile) -> None:
    needs = metadata(wheel).get_all("Requires-Dist", [])
    assert [one for one in needs if "extra ==" not in one] == ["websockets>=15"]
    assert [one for one in needs if "extra ==" in one] == ["sounddevice>=0.5 ; extra == 'audio'"]
    assert metadata(wheel)["Requires-Python"] == ">=3.11"


def test_client_and_server_have_one_version_and_one_licence() -> None:
    projects = [tomllib.loads((one / "pyproject.toml").read_text()) for one in (ROOT, CLIENT)]
    server, client = (project["project"] for project in projects)
    assert client["version"] == server["version"]
    assert (CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert f"repartee_client-{client['version']}-py3" in (CLIENT / "README.md").read_text()


@pytest.mark.parametrize("source", SOURCES)
def test_the_oldest_python_can_parse_every_module(source: str) -> None:
    ast.parse((CLIENT / source).read_text(), filename=source, feature_version=(3, 11))


def test_every_module_is_checked_for_the_oldest_python() -> None:
    assert "mypy --python-version 3.11 clients" in (ROOT / "Makefile").read_text()
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    assert lint["per-file-target-version"] == {"clients/**": "py311"}


def test_the_readme_lists_all_events_and_errors() -> None:
    page = (CLIENT / "README.md").read_text()
    for module, base in (("events", None), ("errors", "VoiceClientError")):
        tree = ast.parse((CLIENT / "repartee_client" / f"{module}.py").read_text())
        names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert names
        missing = [name for name in names if name not in page and name != base]
        assert set(missing) <= INTERNAL_ERRORS


# ``MessageRefusedError`` and ``BadServerMessageError`` are faults of the client or the server;
# no application handles them.
INTERNAL_ERRORS = {"MessageRefusedError", "BadServerMessageError"}
