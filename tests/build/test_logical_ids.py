"""Logical ids keep their name and type: CloudFormation replaces a renamed table with an empty one.

``logical_ids.json`` holds those of commit 3513d11. New ids need no line there.
"""

import json
from pathlib import Path

import pytest

from tests.build.cloudformation import load_template

pytestmark = pytest.mark.build

OLDER = json.loads(Path(__file__).with_name("logical_ids.json").read_text())
TEMPLATE = load_template()


@pytest.mark.parametrize(("logical_id", "kind"), OLDER["Resources"].items())
def test_a_resource_keeps_its_logical_id_and_type(logical_id: str, kind: str) -> None:
    assert TEMPLATE["Resources"][logical_id]["Type"] == kind


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_parameters_and_outputs_keep_their_names(section: str) -> None:
    assert set(OLDER[section]) <= set(TEMPLATE[section])
