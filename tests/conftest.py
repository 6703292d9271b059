"""The order of tests, the hypothesis profiles, and skipped tests of engines in CI.

Hypothesis searches the same way each time, except with the profile ``hunt``. The profile ``few``
measures the coverage of the explicit examples.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("few", max_examples=10, derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2_000, deadline=None)


def pytest_configure(config):
    # `pytest --hypothesis-profile=hunt` takes precedence.
    if config.getoption("--hypothesis-profile", default=None) is None:
        settings.load_profile("fixed")


# These modules wait more than they compute, so they start first, each on a worker of xdist.
_LONGEST = ("test_conversation_long.py", "test_chaos_campaign.py", "test_conversation_killed.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)


# The marks of the tests that need an engine: MiniStack, a parser or a browser.
_ENGINE_MARKS = ("system", "browser", "system or browser")


def _never_skipped[T: (pytest.TestReport, pytest.CollectReport)](
    config: pytest.Config, report: T
) -> T:
    """Fail a skipped test of an engine in CI: a missing engine must not go unnoticed."""
    in_ci = os.environ.get("CI") == "true"  # noqa: TID251 - set by the CI service
    if in_ci and report.skipped and config.getoption("markexpr") in _ENGINE_MARKS:
        report.outcome = "failed"
        report.longrepr = f"skipped, which this test may not be in CI: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _never_skipped(item.config, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _never_skipped(collector.config, (yield))
