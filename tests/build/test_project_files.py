"""Exported files, configuration and CI agree with their sources."""

import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from tests.build.cloudformation import ROOT, load_template

pytestmark = pytest.mark.build

LAYER_GROUPS = ("runtime", "gemini", "langchain", "web")
EXPORT = "export --quiet --frozen --only-group {group} --no-emit-project --no-header"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def pins(group: str) -> dict[str, str]:
    text = (ROOT / "layers" / group / "requirements.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("group", LAYER_GROUPS)
def test_a_layers_requirements_are_what_the_lock_exports(group: str) -> None:
    uv = shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
    exported = subprocess.run(  # noqa: S603 - the same uv as in the Makefile
        [uv, *EXPORT.format(group=group).split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    committed = (ROOT / "layers" / group / "requirements.txt").read_text()
    assert committed == exported.stdout, "run make lock and commit its result"


def test_make_lock_uses_the_same_export_command() -> None:
    assert EXPORT.format(group="$$group") in (ROOT / "Makefile").read_text()


def test_layers_that_share_a_package_share_its_version() -> None:
    versions: dict[str, set[str]] = {}
    for group in LAYER_GROUPS:
        found = pins(group)
        assert found
        for package, version in found.items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_every_dependency_layer_is_built_in_the_same_way() -> None:
    makefiles = {(ROOT / "layers" / group / "Makefile").read_text() for group in LAYER_GROUPS}
    assert len(makefiles) == 1


def test_ci_calls_make_with_a_read_only_token() -> None:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [step["run"].split() for step in steps if "run" in step]
    assert {command[0] for command in commands} == {"make"}
    called = {command[1] for command in commands}
    assert called == {"lint", "audit", "audit-packages", "test", "test-system", "build"}
    assert called <= make_targets()
    assert not any("permissions" in job for job in workflow["jobs"].values())


def test_ci_pins_its_actions() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)


def test_pre_commit_calls_make() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert [hook["entry"] for hook in hooks] == ["make lint"]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}


def test_every_environment_of_samconfig_sets_parameters_that_exist() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    parameters = load_template()["Parameters"]
    environments = [name for name in config if name != "version"]
    assert {"dev", "prod"} <= set(environments)
    for name in environments:
        deploy = config[name]["deploy"]["parameters"]
        assert deploy["capabilities"] == "CAPABILITY_IAM"
        # A deployment without changes is no error.
        assert deploy["fail_on_empty_changeset"] is False
        for override in deploy.get("parameter_overrides", []):
            parameter, _, value = override.partition("=")
            assert parameter in parameters
            allowed = parameters[parameter].get("AllowedValues")
            assert allowed is None or value in {str(item) for item in allowed}


def test_samconfig_holds_no_secret() -> None:
    text = (ROOT / "samconfig.toml").read_text().lower()
    assert not re.search(r"(api_?key|password|token|secret)\w*\s*=", text)
