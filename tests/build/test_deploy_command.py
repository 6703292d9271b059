"""`make deploy` builds and deploys with the settings of its environment."""

import shlex
import subprocess

import pytest

from tests.build.cloudformation import ROOT, WITHOUT_OUTER_MAKE

pytestmark = pytest.mark.build


def make_n_deploy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the target that operators call
        [*WITHOUT_OUTER_MAKE, "make", "-n", "deploy", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def commands(*arguments: str) -> tuple[list[str], list[str]]:
    """Return the build and the first deployment that `make deploy` would run."""
    build, deploy, *_ = all_commands(*arguments)
    return build, deploy


def all_commands(*arguments: str) -> list[list[str]]:
    run = make_n_deploy(*arguments)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("make build "))
    return [shlex.split(line) for line in lines[first:] if not line.startswith("#")]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_environment_of_samconfig_decides_what_is_built_and_deployed(environment: str) -> None:
    build, deploy = commands(f"ENV={environment}")
    assert build == ["make", "build", "ARCHITECTURE=arm64"]
    assert deploy[deploy.index("--config-env") + 1] == environment
    assert deploy[deploy.index("--config-file") + 1] == str(ROOT / "samconfig.toml")
    assert deploy[deploy.index("--template-file") + 1] == ".aws-sam/arm64/build/template.yaml"
    assert "Architecture=arm64" in deploy


def test_an_explicit_architecture_replaces_that_one_parameter() -> None:
    _, usual = commands("ENV=prod")
    build, deploy = commands("ENV=prod", "ARCHITECTURE=x86_64")
    assert build == ["make", "build", "ARCHITECTURE=x86_64"]
    assert deploy == [
        argument.replace("arm64", "x86_64") if "arm64" in argument else argument
        for argument in usual
    ]


def test_single_parameters_can_be_changed() -> None:
    _, deploy = commands("ENV=dev", "PARAMETERS=WebSocketLogs=true LogLevel=INFO")
    assert {"WebSocketLogs=true", "LogLevel=INFO", "StageName=dev"} <= set(deploy)
    assert "LogLevel=DEBUG" not in deploy


def test_a_second_change_set_passes_the_address_of_the_page_to_the_user_pool() -> None:
    _, first, second = all_commands("ENV=dev")
    assert second[:-1] == first
    assert second[-1].startswith("PageUrl=https://")


@pytest.mark.parametrize(
    "known",
    [
        "PageUrl=https://talk.example.com/",
        "JwtIssuer=https://login.example.com JwtAudience=repartee",
    ],
)
def test_a_known_page_or_another_issuer_needs_no_second_change_set(known: str) -> None:
    assert len(all_commands("ENV=dev", f"PARAMETERS={known}")) == 2


def test_contradicting_architectures_are_refused() -> None:
    run = make_n_deploy("ENV=dev", "ARCHITECTURE=x86_64", "PARAMETERS=Architecture=arm64")
    assert run.returncode == 2
    assert "Architecture is both 'x86_64' and 'arm64'; keep one" in run.stderr
