"""Prints the template on standard input as CloudFormation gets it; SAM's Python runs this file."""

import json
import sys
from typing import Any

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def transformed(text: str) -> dict[str, Any]:
    """Return the template that SAM's translator makes."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = "s3://bucket/key"
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    translated: dict[str, Any] = Translator({}, Parser()).translate(template, {})
    return translated


if __name__ == "__main__":
    print(json.dumps(transformed(sys.stdin.read())))
