"""Two users who talk at the same time through one gateway never hear each other."""

import asyncio

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, say
from local.demo.checks import says_name
from local.gemini.live.records import RecordedConnection
from repartee_client.recordings import read_wav
from tests.integration.running import RunningStack, new_user, recordings, without_silence

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


async def greet_and_recall(
    running: RunningStack, user: str, script_name: str
) -> list[AnsweredUtterance]:
    script = recordings(script_name)
    ticket = await (await running.api_of(user)).start_session()
    async with open_voice_call(ticket.url) as call:
        exchanges = [
            await say(call, read_wav(utterance.wav), pace=Pace.FAST)
            for utterance in (script[0], script[-1])
        ]
        await call.hang_up()
    return exchanges


def heard(record: RecordedConnection) -> bytes:
    return without_silence(record.heard)


def sent(exchanges: list[AnsweredUtterance]) -> bytes:
    return without_silence(b"".join(exchange.sent_pcm for exchange in exchanges))


def test_each_user_hears_only_their_own_replies(running: RunningStack):
    before = {record.name for record in running.records()}

    async def talk_at_once() -> tuple[list[AnsweredUtterance], list[AnsweredUtterance]]:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(greet_and_recall(running, new_user("a"), "default"))
            second = group.create_task(greet_and_recall(running, new_user("b"), "second_user"))
        return first.result(), second.result()

    robert, david = running.run(talk_at_once())

    # Mostly one connection to Gemini for each; on a busy machine a worker may have had to ask
    # again, or another to go on.
    records = [
        record for record in running.records() if record.name not in before and heard(record)
    ]
    assert len(records) >= 2
    for record in records:
        heard_by = [heard(record) in sent(exchanges) for exchanges in (robert, david)]
        assert sum(heard_by) == 1, "each connection heard one user alone"
    for exchanges, other, own_name, other_name in (
        (robert, david, "robert", "david"),
        (david, robert, "david", "robert"),
    ):
        own = replies_to(exchanges, records)
        received = [bytes(turn.pcm) for one in exchanges for turn in one.turns]
        assert len(received) == 2
        assert set(received) <= own
        assert not set(received) & replies_to(other, records)
        assert says_name(exchanges[-1].said, own_name)
        assert not says_name(exchanges[-1].said, other_name)


def replies_to(exchanges: list[AnsweredUtterance], records: list[RecordedConnection]) -> set[bytes]:
    """Return the replies on the connections that received these exchanges."""
    return {
        reply for record in records if heard(record) in sent(exchanges) for reply in record.replies
    }
