"""SAM's transform, which CloudFormation runs before it makes the resources."""

import json
import subprocess
from typing import Any

from tests.build.cloudformation import ROOT

TRANSFORM = """
import json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
template = yaml_parse(sys.stdin.read())
for resource in template["Resources"].values():
    for key in ("CodeUri", "ContentUri"):
        if key in resource.get("Properties", {}):
            resource["Properties"][key] = "s3://bucket/key"
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
print(json.dumps(Translator({}, Parser()).translate(template, {})))
"""


def transformed(text: str) -> dict[str, Any]:
    """Return the template that CloudFormation gets for a SAM template."""
    run = subprocess.run(  # noqa: S603 - the tool that make setup installs
        [ROOT / ".tools/sam/bin/python", "-c", TRANSFORM],
        input=text,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    template: dict[str, Any] = json.loads(run.stdout)
    return template
