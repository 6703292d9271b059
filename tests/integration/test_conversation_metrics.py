"""A conversation emits metrics with its tokens, its cost and its latency, and names its lines."""

import json

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, say
from repartee.observability import NAMESPACE
from repartee_client.recordings import read_wav
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


def emitted_metrics(log: str) -> dict[str, list[float]]:
    """Return the values by metric name, from the embedded-metric-format lines."""
    values: dict[str, list[float]] = {}
    for line in log.splitlines():
        if '"_aws"' not in line:
            continue
        fields = json.loads(line)
        for directive in fields["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == NAMESPACE
            assert directive["Dimensions"][0] == ["service"]
            for metric in directive["Metrics"]:
                values.setdefault(metric["Name"], []).extend(fields[metric["Name"]])
    return values


def test_a_conversation_emits_what_its_client_is_told_and_its_lines_name_it(running: RunningStack):
    async def talk() -> tuple[str, AnsweredUtterance]:
        booking = recordings("second_user")[1]
        ticket = await (await running.api_of(new_user("measured"))).start_session()
        async with open_voice_call(ticket.url) as call:
            exchange = await say(call, read_wav(booking.wav), pace=Pace.FAST)
            await call.hang_up()
            return ticket.session_id, exchange

    session_id, exchange = running.run(talk())
    running.until_ended(session_id)
    values = emitted_metrics(running.log("StreamAgentFunction"))
    core = emitted_metrics(running.log("CoreAgentFunction"))

    for name, told in (
        ("InputTokens", exchange.tokens_in),
        ("OutputTokens", exchange.tokens_out),
        ("CostUsd", exchange.cost_usd),
    ):
        sums = [one + other for one in values[name] for other in core[name]]
        assert told in [pytest.approx(each) for each in sums]
    assert max(values["ToolCalls"]) >= 1
    assert min(values["FirstAudioMs"]) > 0
    assert values["SetupMs"]
    assert values["WakeToLeaseMs"]
    assert values["CoreAgentMs"]
    assert len(values["SessionsHeard"]) <= len(values["SessionsOpened"])

    functions = ("Connect", "Message", "StreamAgent", "CoreAgent", "Disconnect")
    logs = "".join(running.log(f"{name}Function") for name in functions)
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    said = [line for line in lines if "message" in line and "service" in line]
    of_session = {line["message"] for line in said if line.get("session_id") == session_id}
    assert {"connection opened", "worker woken", "lease taken", "turn timed"} <= of_session
    assert "question answered" in of_session
    assert [line for line in said if "session_id" not in line] == []
