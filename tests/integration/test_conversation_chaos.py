"""Messages that overtake each other or come twice do not change the audio that Gemini gets."""

import asyncio
from collections.abc import Iterator

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, ask, speak
from local.demo.script_player import play_script
from local.gateway.chaos import ChaosSettings
from repartee_client.recordings import read_wav
from tests.fakes.functions import PATIENCE_S, until
from tests.integration.running import RunningStack, new_user, recordings, without_silence

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@pytest.fixture
def chaos(running: RunningStack) -> Iterator[ChaosSettings]:
    # A worker waits 3 s for a missing message, and a busy machine uses part of that time.
    settings = ChaosSettings(
        seed=2, delay_probability=0.4, max_delay_ms=1_000, duplicate_probability=0.4
    )
    before = running.stack.chaos.settings
    running.stack.chaos.settings = settings
    try:
        yield settings
    finally:
        running.stack.chaos.settings = before


@pytest.mark.parametrize(
    ("pace", "recording"),
    [(Pace.REAL_TIME, 0), (Pace.FAST, 1)],
    ids=["real time", "fast"],
)
def test_what_gemini_hears_is_what_was_sent(
    running: RunningStack, chaos: ChaosSettings, pace: Pace, recording: int
):
    before = {record.name for record in running.records()}
    speech = read_wav(recordings("default")[recording].wav)

    def heard() -> bytes:
        records = (one for one in running.records() if one.name not in before)
        return b"".join(without_silence(one.heard) for one in records)

    async def talk() -> bytes:
        ticket = await (await running.api_of(new_user("chaos"))).start_session()
        async with open_voice_call(ticket.url) as call:
            sent = without_silence((await speak(call, speech, pace=pace)).sent_pcm)
            await call.until(
                lambda: len(heard()) >= len(sent),
                timeout_s=PATIENCE_S,
                what="last word at Gemini's side",
            )
            await call.hang_up()
            turns = call.replies.turns.values()
            assert not any(turn.end.skipped_messages for turn in turns if turn.end)
            return sent

    sent = running.run(talk())

    assert heard() == sent


def test_messages_throttled_by_the_message_function_are_sent_again(running: RunningStack):
    host = running.stack.lambdas

    async def talk() -> str:
        ticket = await (await running.api_of(new_user("crowded"))).start_session()
        async with open_voice_call(ticket.url) as call, asyncio.TaskGroup() as group:
            await call.until_ready()
            host.set_concurrency("MessageFunction", 0)
            try:
                asking = group.create_task(ask(call, "hello"))
                # API Gateway has reported the failure when a message is due to be sent again.
                await until(lambda: call.session.outbox.next_deadline_ms() is not None)
            finally:
                host.set_concurrency("MessageFunction", None)
            (turn,) = await asking
            await call.hang_up()
            return turn.said

    assert "how can I help you" in running.run(talk())


def test_no_frame_is_lost_with_refused_posts_and_lost_disconnects(running: RunningStack):
    before = {record.name for record in running.records()}
    calm = running.stack.chaos.settings
    running.stack.chaos.settings = ChaosSettings(
        seed=3, throttle_probability=0.1, drop_disconnect_probability=1.0
    )
    try:

        async def talk() -> list[AnsweredUtterance]:
            api = await running.api_of(new_user("throttled"))
            greeting, _, recall = recordings("default")
            spoken = await play_script(api, [greeting, recall], pace=Pace.FAST)
            return [one.answered for one in spoken]

        exchanges = running.run(talk())
    finally:
        running.stack.chaos.settings = calm

    records = [record for record in running.records() if record.name not in before]
    received = [bytes(turn.pcm) for one in exchanges for turn in one.turns]
    assert received == [reply for record in records for reply in record.replies]
