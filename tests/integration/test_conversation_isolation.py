"""Two users who talk at the same time through one gateway never hear each other."""

import asyncio

import pytest

from local.speech import read_wav
from local.talker.call import open_call
from local.talker.checks import says_name
from local.talker.conversation import Exchange, Pace, say
from local.talker.recorded import RecordedConnection
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


async def greet_and_recall(running: RunningStack, user: str, script_name: str) -> list[Exchange]:
    script = recordings(script_name)
    ticket = await (await running.api_of(user)).start_session()
    async with open_call(ticket.url) as call:
        exchanges = [
            await say(call, read_wav(utterance.wav), pace=Pace.FAST)
            for utterance in (script[0], script[-1])
        ]
        await call.hang_up()
    return exchanges


def record_of(exchanges: list[Exchange], records: list[RecordedConnection]) -> RecordedConnection:
    """The one connection that heard exactly what was said in these exchanges."""
    sent = b"".join(exchange.sent_pcm for exchange in exchanges)
    (record,) = (record for record in records if record.heard == sent)
    return record


def test_each_hears_their_own_replies_and_nothing_of_the_other(running: RunningStack):
    before = {record.name for record in running.records()}

    async def talk_at_once() -> tuple[list[Exchange], list[Exchange]]:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(greet_and_recall(running, new_user("a"), "default"))
            second = group.create_task(greet_and_recall(running, new_user("b"), "second_user"))
        return first.result(), second.result()

    robert, david = running.run(talk_at_once())

    records = [record for record in running.records() if record.name not in before]
    assert len(records) == 2, "one connection to Gemini for each, and each heard one user alone"
    for exchanges, own_name, other_name in (
        (robert, "robert", "david"),
        (david, "david", "robert"),
    ):
        received = [bytes(turn.pcm) for one in exchanges for turn in one.turns]
        assert received == list(record_of(exchanges, records).replies)
        assert says_name(exchanges[-1].said, own_name)
        assert not says_name(exchanges[-1].said, other_name)
    assert record_of(robert, records) != record_of(david, records)
