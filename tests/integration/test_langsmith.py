"""LangSmith, which comes with LangChain, would send conversations away: it stays silent."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.build.cloudformation import load_template
from tests.http_collector import collecting
from tests.integration.scripted_gemini import say, serving

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
# Loads core_agent, asks a question, and prints the ports to which the process has connected.
PROGRAM = """
import json, sys
ports = []
sys.addaudithook(lambda name, of: ports.append(of[1][1]) if name == "socket.connect" else None)
import core_agent.handler
from langchain_core.tracers.langchain import wait_for_all_tracers
from repartee.adapters.clock import SystemClock
from repartee.adapters.langchain.middleware import PricedModel
from repartee.adapters.langchain.reasoner import LangchainReasoner, gemini_model
from repartee.config import LIVE_PRICES
from repartee.ports.answers import ReasoningRequest
clock = SystemClock()
model = PricedModel(gemini_model("gemini-3.8-flash", "made-up-key", sys.argv[1]), LIVE_PRICES)
asked = ReasoningRequest("You count.", (), "Secret?", "c1/1", clock.now_ms() + 20_000)
LangchainReasoner(model, clock).answer(asked, [])
wait_for_all_tracers()
print(json.dumps(ports))
"""


@pytest.mark.parametrize(
    ("switch", "is_traced"), [({}, False), ({"LANGSMITH_TRACING": "true"}, True)]
)
def test_a_key_alone_sends_nothing_to_langsmith(switch: dict[str, str], is_traced: bool) -> None:
    with serving([say("Yes.")]) as gemini, collecting(202) as langsmith:
        run = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM, gemini.base_url],
            cwd=ROOT,
            env={
                **os.environ,  # noqa: TID251 - the test's own, with what an operator may set
                "PYTHONPATH": f"{ROOT}/functions:{ROOT}/layers/shared",
                "LANGSMITH_API_KEY": "made-up",
                "LANGCHAIN_API_KEY": "made-up",
                "LANGSMITH_ENDPOINT": langsmith.url,
                **switch,
            },
            capture_output=True,
            check=True,
            timeout=60,
        )
    connected = json.loads(run.stdout)
    assert urlsplit(gemini.base_url).port in connected
    assert (urlsplit(langsmith.url).port in connected) is is_traced
    assert any(b"Secret?" in body for _, body in langsmith.requests) is is_traced


def test_no_function_turns_langsmith_on() -> None:
    assert "LANGSMITH" not in json.dumps(load_template()).upper()
    assert "LANGCHAIN_" not in json.dumps(load_template()).upper()
