from collections.abc import Iterator

import pytest

from tests.system.adaptations import Template
from tests.system.ministack import MiniStack, built_template, running_ministack


@pytest.fixture(scope="session")
def template() -> Template:
    """Return the template that `make build` builds for this machine."""
    return built_template()


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """Start one MiniStack, with IAM enforced, for all tests that use one."""
    with running_ministack(tmp_path_factory.mktemp("ministack")) as ministack:
        yield ministack


@pytest.fixture(scope="session")
def deployed(ministack: MiniStack, template: Template) -> MiniStack:
    """Deploy the template once for all tests."""
    run = ministack.deploy(template)
    assert run.returncode == 0, (run.stdout[-2_000:], run.stderr[-2_000:])
    ministack.client("secretsmanager").put_secret_value(
        SecretId=ministack.outputs()["GeminiKeySecretArn"], SecretString="simulated-gemini-key"
    )
    return ministack
