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
