"""The checks for a deployed stack hold on the local one, so that they are known to work."""

import pytest

from local.smoke import gateway, tables, tokens
from local.smoke.finding import Finding
from tests.integration.running import RunningStack, new_user

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


def test_the_doors_limits_and_order_are_as_assumed(running: RunningStack):
    async def check() -> list[Finding]:
        return await gateway.findings(await running.api_of(new_user("smoke")))

    found = running.run(check())
    assert {finding.name: finding.seen for finding in found if finding.passed is False} == {}
    assert len(found) >= 10


def test_a_token_of_the_issuer_is_taken_and_a_forged_one_is_not(running: RunningStack):
    async def check() -> list[Finding]:
        return await tokens.findings(await running.api_of(new_user("smoke")))

    found = running.run(check())
    assert {finding.name: finding.seen for finding in found if finding.passed is False} == {}


def test_the_live_table_expires_items_and_is_left_as_it_was(running: RunningStack):
    found = tables.findings(running.dynamodb(), running.stack.table_names["LiveTable"])
    assert {finding.name: finding.seen for finding in found if finding.passed is False} == {}
    assert not [
        item for item in running.items("LiveTable") if item["pk"] == {"S": "smoke#conflict"}
    ]
