"""``make dashboard`` draws a run with matplotlib."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from local.dashboard.canvas import WIDTH_PX, is_installed
from local.stack import PROJECT
from local.stack.run_folders import write_parameters
from repartee.observability import NAMESPACE

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not is_installed(), reason="make .tools/plots/.stamp installs matplotlib"),
]


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    """Return the folder of a run with one turn."""
    write_parameters(tmp_path, {})
    values = {"Turns": [1.0], "CostUsd": [0.25], "FirstAudioMs": [640.0]}
    metric_line = {
        "_aws": {
            "Timestamp": 1_796_083_200_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": name, "Unit": "None"} for name in values],
                }
            ],
        },
        "service": "local-stream-agent",
        **values,
    }
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "StreamAgentFunction.log"
    log.write_text(json.dumps(metric_line) + "\n")
    return tmp_path


def test_both_dashboards_are_drawn_as_a_page_and_as_pictures(run_directory: Path):
    subprocess.run(  # noqa: S603 - the project's own program
        [
            *(sys.executable, "-m", "local.dashboard"),
            *("--run", str(run_directory), "--png", str(run_directory)),
        ],
        check=True,
        cwd=PROJECT,
    )

    page = (run_directory / "dashboard" / "index.html").read_text()
    assert page.count("<svg") == 2
    for text in ("Can they connect?", "One session", "0.25"):
        assert text in page
    pictures = sorted(run_directory.glob("*.png"))
    assert len(pictures) == 2
    for picture in pictures:
        width, height = struct.unpack(">II", picture.read_bytes()[16:24])
        assert width == WIDTH_PX
        assert height > WIDTH_PX / 2
