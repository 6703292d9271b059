"""The fake microphone and the recorder of the tests are exact enough to judge the page."""

import base64
from array import array
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

PLAY = """async ([pcm]) => {
  const context = new AudioContext({ sampleRate: 24000 });
  const silent = new GainNode(context, { gain: 0 });
  silent.connect(context.destination);
  while (!instruments.isRecording()) await new Promise(resolve => setTimeout(resolve, 50));
  const bytes = Uint8Array.from(atob(pcm), letter => letter.charCodeAt(0));
  const samples = Float32Array.from(new Int16Array(bytes.buffer), sample => sample / 32768);
  const buffer = context.createBuffer(1, samples.length, 24000);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
}"""


def test_the_recorder_returns_each_sample_that_a_context_plays(open_page: "OpenPage") -> None:
    page = open_page(path="health", signed_in=False)
    page.expected_errors.append("favicon")
    spoken = array("h", [(index * 7_919) % 30_000 - 15_000 or 1 for index in range(24_000)])

    page.page.evaluate(PLAY, [base64.b64encode(spoken.tobytes()).decode()])
    page.wait_until_played()

    assert spoken.tobytes() in page.played().samples.tobytes()


def test_what_the_policy_of_the_page_forbids_is_a_fault(open_page: "OpenPage") -> None:
    page = open_page(signed_in=False)

    with page.page.expect_console_message():
        page.page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "globalThis.wasRun = true";
              document.body.append(script);
            }"""
        )

    (fault,) = page.faults()
    assert "Content Security Policy" in fault
    page.errors.clear()
