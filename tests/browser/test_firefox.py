"""The page in Firefox ESR, which has no fake microphone without a sound server: it types."""

import subprocess
from pathlib import Path

import pytest

from tests.browser import engines
from tests.integration.running import RunningStack

pytestmark = pytest.mark.browser


def test_firefox_holds_a_typed_conversation(running: RunningStack) -> None:
    firefox = engines.browser("firefox")
    if firefox is None:
        pytest.skip("Firefox is not installed: install your system's package firefox-esr")
    words = ("My name is Ada.", "Hello Ada, how can I help you?")
    script = Path(__file__).with_name("firefox.mjs")
    command = ("node", script, firefox, running.stack.addresses.http, *words)
    run = subprocess.run(  # noqa: S603 - a script of ours
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
