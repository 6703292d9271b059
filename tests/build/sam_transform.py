"""SAM's transform, which CloudFormation runs before it makes the resources."""

import json
import subprocess
from typing import Any

from tests.build.cloudformation import ROOT


def transformed(text: str) -> dict[str, Any]:
    """Return the template that CloudFormation gets for a SAM template."""
    run = subprocess.run(  # noqa: S603 - the tool that make setup installs
        [ROOT / ".tools/sam/bin/python", ROOT / "ops/audit/transform.py"],
        input=text,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    template: dict[str, Any] = json.loads(run.stdout)
    return template
