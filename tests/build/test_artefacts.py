"""Lambda can run the artefacts of `make build`; each is imported with only its own layers."""

import fcntl
import importlib.util
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from http_api.site.files import CONTENT_TYPES
from tests.build.cloudformation import ROOT, WITHOUT_OUTER_MAKE, load_template

pytestmark = [pytest.mark.build, pytest.mark.xdist_group("artefacts")]

TEMPLATE = load_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = [
    name for name, found in RESOURCES.items() if found["Type"] == "AWS::Serverless::Function"
]
LAYERS = [
    name for name, found in RESOURCES.items() if found["Type"] == "AWS::Serverless::LayerVersion"
]
CODE_LAYERS = [name for name in LAYERS if name != "PageLayer"]
# Function and layers together, unzipped; Lambda quotas, read 2026-11-22.
MOST_UNZIPPED_BYTES = 250 * 1024 * 1024
# e_machine in an ELF header, by architecture.
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
# The function's own layer, and the module that needs it.
HEAVY = {
    "StreamAgentFunction": ("GeminiLayer", "repartee.adapters.gemini.live"),
    "CoreAgentFunction": ("LangchainLayer", "repartee.adapters.langchain.reasoner"),
    "HttpApiFunction": ("WebLayer", "http_api.app"),
}
HEAVY_PACKAGES = ["google", "langchain", "langchain_core", "fastapi", "mangum"]
LIGHT = ["AuthorizerFunction", "ConnectFunction", "MessageFunction", "DisconnectFunction"]

each_architecture = pytest.mark.parametrize("architecture", ELF_MACHINES)


@dataclass(frozen=True, slots=True)
class Artefacts:
    """A built template's folders."""

    folder: Path

    def layers_of(self, function: str) -> list[str]:
        own = RESOURCES[function]["Properties"].get("Layers", [])
        return [layer["Ref"] for layer in (*TEMPLATE["Globals"]["Function"]["Layers"], *own)]

    def code_of(self, function: str) -> Path:
        built = load_template(self.folder / "template.yaml")
        uri: str = built["Resources"][function]["Properties"]["CodeUri"]
        return self.folder / uri

    def files_of(self, logical_id: str) -> list[Path]:
        files = [path for path in (self.folder / logical_id).rglob("*") if path.is_file()]
        assert files
        return files

    def unzipped_bytes(self, function: str) -> int:
        code = [path for path in self.code_of(function).rglob("*") if path.is_file()]
        layers = [path for layer in self.layers_of(function) for path in self.files_of(layer)]
        return sum(path.stat().st_size for path in (*code, *layers))

    def run(
        self, function: str, program: str, *, without: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program with only the function and its layers on the path, as in Lambda.

        Args:
            function: The function whose code and layers are importable.
            program: Python; ``-I -S`` keeps every other package out, and there is no environment.
            without: A layer to leave out.
        """
        folders = [self.code_of(function)]
        folders += [
            self.folder / layer / "python" for layer in self.layers_of(function) if layer != without
        ]
        paths = json.dumps([str(folder) for folder in folders])
        return subprocess.run(  # noqa: S603 - our own interpreter
            [
                sys.executable,
                "-I",
                "-S",
                "-B",
                "-c",
                f"import sys; sys.path[:0] = {paths}; {program}",
            ],
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def make_build(architecture: str) -> None:
    run = subprocess.run(  # noqa: S603 - the target that developers call
        [*WITHOUT_OUTER_MAKE, "make", "build", f"ARCHITECTURE={architecture}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2_000:] + run.stderr[-4_000:]


@pytest.fixture(scope="session")
def artefacts(testrun_uid: str) -> Callable[[str], Artefacts]:
    """Build on demand, each architecture once per test run, also with several processes."""
    built: dict[str, Artefacts] = {}

    def build(architecture: str) -> Artefacts:
        if architecture not in built:
            folder = ROOT / ".aws-sam" / architecture
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "test.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                # A second build would delete the files that another process's tests use.
                built_for = folder / "test-run"
                if not built_for.exists() or built_for.read_text() != testrun_uid:
                    make_build(architecture)
                    built_for.write_text(testrun_uid)
            built[architecture] = Artefacts(folder / "build")
        return built[architecture]

    return build


def handler_module(function: str) -> str:
    module: str = RESOURCES[function]["Properties"]["Handler"].rpartition(".")[0]
    return module


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_imports_with_its_own_layers_and_an_empty_environment(
    function: str, artefacts: Callable[[str], Artefacts]
) -> None:
    module = handler_module(function)
    run = artefacts("x86_64").run(
        function, f"import {module} as handler; print(callable(handler.lambda_handler))"
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "True"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_of_our_code_comes_from_the_artefact(
    function: str, artefacts: Callable[[str], Artefacts]
) -> None:
    run = artefacts("x86_64").run(function, "import repartee.config; print(repartee.__file__)")
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()).is_relative_to(artefacts("x86_64").folder / "SharedLayer")


@pytest.mark.parametrize("function", HEAVY)
def test_a_heavy_function_needs_its_layer(
    function: str, artefacts: Callable[[str], Artefacts]
) -> None:
    layer, module = HEAVY[function]
    program = f"import {module}"
    with_layer = artefacts("x86_64").run(function, program)
    assert with_layer.returncode == 0, with_layer.stderr
    without_layer = artefacts("x86_64").run(function, program, without=layer)
    assert without_layer.returncode == 1
    assert "ModuleNotFoundError" in without_layer.stderr


@pytest.mark.parametrize("function", LIGHT)
def test_a_light_function_has_no_heavy_package(
    function: str, artefacts: Callable[[str], Artefacts]
) -> None:
    run = artefacts("x86_64").run(
        function,
        f"import importlib.util as u; print([p for p in {HEAVY_PACKAGES} if u.find_spec(p)])",
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


@each_architecture
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_and_its_layers_fit_into_lambda(
    function: str, architecture: str, artefacts: Callable[[str], Artefacts]
) -> None:
    assert artefacts(architecture).unzipped_bytes(function) < MOST_UNZIPPED_BYTES


@each_architecture
def test_every_compiled_library_has_the_requested_architecture(
    architecture: str, artefacts: Callable[[str], Artefacts]
) -> None:
    machines: dict[str, int] = {}
    for layer in LAYERS:
        for path in artefacts(architecture).files_of(layer):
            if ".so" in path.suffixes:
                header = path.read_bytes()[:20]
                assert header.startswith(b"\x7fELF"), path
                machines[str(path)] = struct.unpack_from("<H", header, 18)[0]
    assert machines
    assert set(machines.values()) == {ELF_MACHINES[architecture]}


@each_architecture
@pytest.mark.parametrize("layer", CODE_LAYERS)
def test_a_layer_has_bytecode_that_is_valid_whatever_its_file_times(
    layer: str, architecture: str, artefacts: Callable[[str], Artefacts]
) -> None:
    sources = [path for path in artefacts(architecture).files_of(layer) if path.suffix == ".py"]
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        with compiled.open("rb") as file:
            header = file.read(8)
        assert header[:4] == importlib.util.MAGIC_NUMBER
        # PEP 552: bit 0 says by hash, bit 1 would say that the source is compared.
        assert struct.unpack("<I", header[4:])[0] == 0b01


def test_the_page_is_where_its_function_looks_for_it_and_nothing_else_is(
    artefacts: Callable[[str], Artefacts],
) -> None:
    variables = RESOURCES["HttpApiFunction"]["Properties"]["Environment"]["Variables"]
    site = artefacts("x86_64").folder / "PageLayer" / variables["PAGE_DIRECTORY"][5:]
    files = artefacts("x86_64").files_of("PageLayer")
    assert site / "index.html" in files
    for path in files:
        # Licences are not served, but belong to what is.
        assert path.suffix in (".html", *CONTENT_TYPES) or path.name.startswith("LICENSE"), path
        served = ROOT / "clients" / "web" / path.relative_to(site.parent)
        assert path.read_bytes() == served.read_bytes()
        # Lambda answers with at most 6 MB, of which base64 leaves three quarters.
        assert path.stat().st_size < 4_000_000


@each_architecture
def test_functions_contain_only_code(
    architecture: str, artefacts: Callable[[str], Artefacts]
) -> None:
    for function in FUNCTIONS:
        folder = artefacts(architecture).code_of(function)
        assert {path.name for path in folder.iterdir()} == {
            path.name
            for path in (ROOT / "functions").iterdir()
            if path.is_dir() and path.name != "__pycache__"
        }
