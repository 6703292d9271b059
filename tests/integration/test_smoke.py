"""The checks for a deployed stack pass on the local stack."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ops.finding import Finding, Verdict
from ops.smoke.__main__ import check_context_of, main, parse_arguments
from ops.smoke.checks import gateway, sign_in, tables, tokens
from ops.smoke.observed_session import WaitLimits
from ops.smoke.suite import EXPLANATIONS, checks
from tests.integration.running import RunningStack, new_user
from tests.integration.simulator_process import SimulatorProcess, running_simulator

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini"), "--decoders", "1") as running:
        yield running


@pytest.fixture
def gemini_key(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", simulator.ca_file)
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")


@pytest.mark.usefixtures("gemini_key")
def test_the_simulator_fulfils_the_assumptions_about_gemini(
    simulator: SimulatorProcess, capsys: pytest.CaptureFixture[str]
):
    status = main(["all", "--base-url", simulator.base_url])

    answer = capsys.readouterr().out
    assert status == 0, answer
    for name, explanation in EXPLANATIONS.items():
        assert f"\n{name}: {explanation}\n" in answer
    assert "not made" not in answer
    assert "server: yes, client: yes" in answer
    assert answer.count("holds ") >= 20
    spent = re.search(r"about (0\.\d+) USD", answer)
    assert spent
    assert 0.005 < float(spent[1]) < 0.1


@pytest.mark.usefixtures("gemini_key")
@pytest.mark.parametrize("check", EXPLANATIONS)
def test_a_model_that_is_not_served_is_no_success(
    check: str, simulator: SimulatorProcess, capsys: pytest.CaptureFixture[str]
):
    assert main([check, "--base-url", simulator.base_url, "--model", "no-such-model"]) == 2
    said = capsys.readouterr().err
    assert "could not be made" in said
    assert "not found" in said or "model_refused" in said


@pytest.mark.usefixtures("gemini_key")
@pytest.mark.parametrize(
    ("check", "fault", "seen", "means"),
    [
        ("history", "history_refused", "closed with 1007", "sends the history as text"),
        ("tool", "silent_after_tool_answer", "not spoken", "no_answer"),
        ("short", "dropped_short_utterance", "no reaction", "TurnDetection=client"),
    ],
)
def test_the_fault_of_a_service_is_reported_with_its_meaning(
    check: str, fault: str, seen: str, means: str, simulator: SimulatorProcess
):
    given = parse_arguments([check, "--base-url", simulator.base_url])
    context = replace(check_context_of(given, "a-key"), limits=WaitLimits(reply_s=5, settle_s=2))
    known = checks(context, given.wav, "a-key", given.core_model, given.base_url)
    simulator.control("faults", {"kind": fault})

    async def made() -> list[Finding]:
        return list(await next(one for one in known if one.name == check).make())

    found = asyncio.run(made())

    assert simulator.control("faults")["waiting"] == []
    assert any(seen in one.detail and means in one.advice for one in found), found
    assert not any(one.verdict is Verdict.WRONG for one in found)


@pytest.mark.usefixtures("simulator")
def test_a_bad_key_ends_every_check_with_the_reason(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SSL_CERT_FILE", simulator.ca_file)
    monkeypatch.setenv("GEMINI_API_KEY", "bad-key")

    assert main(["all", "--base-url", simulator.base_url]) == 2

    answer = capsys.readouterr().out
    assert answer.count("not made: ") == len(EXPLANATIONS)
    assert "API key not valid" in answer
    assert "about 0.0000 USD" in answer


def test_the_limits_and_the_order_of_api_gateway_are_as_assumed(running: RunningStack):
    async def check() -> list[Finding]:
        return await gateway.findings(await running.api_of(new_user("smoke")))

    found = running.run(check())
    assert {
        finding.subject: finding.detail for finding in found if finding.verdict is Verdict.WRONG
    } == {}
    assert len(found) >= 10


def test_only_a_token_of_the_issuer_is_accepted(running: RunningStack):
    async def check() -> list[Finding]:
        return await tokens.findings(await running.api_of(new_user("smoke")))

    found = running.run(check())
    assert {
        finding.subject: finding.detail for finding in found if finding.verdict is Verdict.WRONG
    } == {}


def test_the_page_can_sign_users_in_at_the_issuer(running: RunningStack):
    found = sign_in.findings(f"{running.stack.addresses.http}/")
    assert [finding.verdict for finding in found] == [Verdict.OK] * 5, found


def test_an_issuer_that_does_not_know_the_page_is_reported(running: RunningStack):
    found = sign_in.findings(f"{running.stack.addresses.http}/".replace("127.0.0.1", "127.1"))
    assert [finding.subject for finding in found if finding.verdict is Verdict.WRONG] == [
        "the issuer knows the page's address",
        "the page may read the answers of the token endpoint",
    ]


def test_tables_expire_items_and_are_left_unchanged(running: RunningStack):
    names = running.stack.table_names
    found = tables.findings(running.dynamodb(), names["LiveTable"], names["MemoryTable"])
    assert {
        finding.subject: finding.detail for finding in found if finding.verdict is Verdict.WRONG
    } == {}
    assert not [
        item for item in running.items("LiveTable") if item["pk"] == {"S": "smoke#conflict"}
    ]
