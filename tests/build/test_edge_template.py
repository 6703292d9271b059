"""Rules that edge.yaml keeps, alone and together with template.yaml."""

import json
import re
from typing import Any

import pytest

from tests.build.cloudformation import ROOT, load_template, text_of

pytestmark = pytest.mark.build

EDGE = load_template(ROOT / "edge.yaml")
TEMPLATE = load_template()
RESOURCES: dict[str, Any] = EDGE["Resources"]
DISTRIBUTION = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
# Ids of AWS's managed policies, the same in every account.
NO_CACHE = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def behaviors() -> dict[str, dict[str, Any]]:
    named = {text_of(one["PathPattern"]): one for one in DISTRIBUTION["CacheBehaviors"]}
    return {"default": DISTRIBUTION["DefaultCacheBehavior"], **named}


def test_only_the_pages_files_are_cached() -> None:
    cached = {path for path, one in behaviors().items() if one["CachePolicyId"] != NO_CACHE}
    assert cached == {"/web/*"}
    # What is not cached needs the token, the Origin header and the ticket. API Gateway finds an
    # API by its own host name.
    for path in behaviors().keys() - cached:
        assert behaviors()[path]["OriginRequestPolicyId"] == ALL_BUT_HOST


def test_the_path_of_the_stage_is_the_websocket_api() -> None:
    assert behaviors()["/${StageName}"]["TargetOriginId"] == "websocket"
    for name in ("Default", "AllowedPattern"):
        assert EDGE["Parameters"]["StageName"][name] == TEMPLATE["Parameters"]["StageName"][name]


def test_no_log_holds_a_ticket_or_a_token() -> None:
    fields = set(RESOURCES["AccessLogDelivery"]["Properties"]["RecordFields"])
    assert "c-ip" in fields
    assert not fields & {"cs-uri-query", "cs(Cookie)", "cs(Referer)"}
    assert "Logging" not in DISTRIBUTION
    redacted = RESOURCES["WafLogging"]["Properties"]["RedactedFields"]
    assert {"QueryString": {}} in redacted
    assert {"SingleHeader": {"Name": "authorization"}} in redacted
    acl = RESOURCES["WebAcl"]["Properties"]
    shown = [acl["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in acl["Rules"])]
    assert not any(one["SampledRequestsEnabled"] for one in shown)


def test_the_waf_judges_every_request_to_the_distribution() -> None:
    assert DISTRIBUTION["WebACLId"] == {"Fn::GetAtt": ["WebAcl", "Arn"]}
    rules = RESOURCES["WebAcl"]["Properties"]["Rules"]
    limits = [one["Action"] for one in rules if "RateBasedStatement" in one["Statement"]]
    assert limits == [{"Block": {}}]
    assert sorted(one["Priority"] for one in rules) == list(range(len(rules)))


def test_the_outputs_are_values_of_the_first_stacks_parameters() -> None:
    given = {"DomainName": "talk.example.com", "StageName": "live"}
    for name in ("PageUrl", "WebSocketUrl"):
        value = re.sub(
            r"\$\{(\w+)\}", lambda m: given[m[1]], text_of(EDGE["Outputs"][name]["Value"])
        )
        assert re.fullmatch(TEMPLATE["Parameters"][name]["AllowedPattern"], value)


def test_every_parameter_is_described_and_used() -> None:
    used = json.dumps([EDGE["Conditions"], RESOURCES])
    for name, parameter in EDGE["Parameters"].items():
        assert parameter["Description"].endswith(".")
        assert f'"Ref": "{name}"' in used or f"${{{name}}}" in used


def test_it_deploys_in_us_east_1_alone() -> None:
    (rule,) = EDGE["Rules"]["OnlyInUsEast1"]["Assertions"]
    assert rule["Assert"] == {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
