"""How hypothesis searches: the same way each time here and in CI, at random when asked to hunt.

``few`` is for measuring what the examples that are written down cover.
"""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("few", max_examples=10, derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2_000, deadline=None)


def pytest_configure(config):
    # `pytest --hypothesis-profile=hunt` takes precedence.
    if config.getoption("--hypothesis-profile", default=None) is None:
        settings.load_profile("fixed")
