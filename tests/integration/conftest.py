from collections.abc import Iterator

import pytest

from local.demo.front_desk import FrontDesk
from tests.integration.running import RunningStack, options_for_tests, stack_in_thread


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Start one whole stack for all tests that use it; each test uses its own users."""
    options = options_for_tests(tmp_path_factory.mktemp("stack"))
    with stack_in_thread(options) as running:
        running.run(FrontDesk(running.stack).seed())
        yield running
