"""A user close to the daily limit, on the whole stack."""

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from repartee_client.errors import AccessRefusedError
from repartee_client.events import Closed, LimitReached
from repartee_client.protocol.frames import Answer, Frame
from repartee_client.recordings import read_wav
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

ENOUGH_FOR_ONE_TURN_USD = "0.000001"


def test_a_user_at_the_daily_limit_hears_a_goodbye_and_gets_no_ticket(running: RunningStack):
    user = new_user("thrifty")
    running.dynamodb().update_item(
        TableName=running.stack.table_names["MemoryTable"],
        Key={"pk": {"S": f"user#{user}"}, "sk": {"S": "profile"}},
        UpdateExpression="SET max_usd_per_day = :usd",
        ExpressionAttributeValues={":usd": {"N": ENOUGH_FOR_ONE_TURN_USD}},
    )
    frames: list[Frame | Answer] = []

    async def talk() -> tuple[str, list[str]]:
        api = await running.api_of(user)
        ticket = await api.start_session()
        async with open_voice_call(
            ticket.url, listener=lambda _, frame: frames.append(frame)
        ) as call:
            question = recordings("second_user")[0]
            await say(call, read_wav(question.wav), pace=Pace.FAST)
            await call.until(lambda: call.session.closed, timeout_s=PATIENCE_S, what="closed")
        with pytest.raises(AccessRefusedError) as refused:
            await api.start_session()
        assert refused.value.status == 429
        assert "daily_limit_reached" in str(refused.value)
        turns = await api.turns(ticket.conversation_id)
        return ticket.session_id, [turn["said"]["text"] for turn in turns]

    session_id, said = running.run(talk())
    running.until_ended(session_id)

    (limit,) = [frame for frame in frames if isinstance(frame, LimitReached)]
    assert (limit.kind, limit.limit) == ("cost", float(ENOUGH_FOR_ONE_TURN_USD))
    (closed,) = [frame for frame in frames if isinstance(frame, Closed)]
    assert closed == Closed("limit_reached")
    # The question was answered, and the goodbye was played and is stored.
    assert len(said) == 2
    assert all(said)
    items = {
        (item["pk"]["S"], item["sk"]["S"].partition("#")[0]): item
        for table in ("MemoryTable", "LiveTable")
        for item in running.items(table)
    }
    day, state = items[f"user#{user}", "usage"], items[f"session#{session_id}", "state"]
    assert day["turns"]["N"] == "2"
    assert float(day["cost_usd"]["N"]) == pytest.approx(float(state["cost_usd"]["N"]))
    assert float(day["cost_usd"]["N"]) > float(ENOUGH_FOR_ONE_TURN_USD)
