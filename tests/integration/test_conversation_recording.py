"""The recording of a worker on the whole stack replays with the same effects."""

import json
from collections.abc import Iterator

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from local.replay import main
from repartee_client.recordings import read_wav
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@pytest.fixture
def recording(running: RunningStack) -> Iterator[RunningStack]:
    with running.changed("StreamAgentFunction", RECORD_SESSIONS="events"):
        yield running


def test_a_recorded_call_is_replayed_to_the_same_effects(recording: RunningStack, capsys):
    async def call_once() -> str:
        ticket = await (await recording.api_of(new_user("recorded"))).start_session()
        async with open_voice_call(ticket.url) as call:
            await say(call, read_wav(recordings("default")[0].wav), pace=Pace.FAST)
            await call.hang_up()
        return ticket.session_id

    session_id = recording.run(call_once())
    path = recording.stack.run_directory / "recordings" / f"{session_id}-000001.jsonl"
    recording.until_ended(session_id)
    lines = path.read_text().splitlines()

    assert '"base64"' not in "".join(lines)
    effects = [effect for line in lines[1:] for effect in json.loads(line)["effects"]]
    assert sum(effect["class"] == "CommitTurn" for effect in effects) == 1
    assert main([str(path)]) == 0
    assert "the same effects" in capsys.readouterr().out
