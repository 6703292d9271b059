"""In which order tests run, and how hypothesis searches.

It searches the same way each time here and in CI, at random when asked to ``hunt``; ``few`` is for
measuring what the examples that are written down cover.
"""

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("few", max_examples=10, derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2_000, deadline=None)


def pytest_configure(config):
    # `pytest --hypothesis-profile=hunt` takes precedence.
    if config.getoption("--hypothesis-profile", default=None) is None:
        settings.load_profile("fixed")


# They wait more than they work, so they go side by side and first; each takes a worker of xdist.
_LONGEST = ("test_conversation_long.py", "test_chaos_campaign.py", "test_conversation_killed.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)
