"""A reloaded page that lost its counter, beside the tab that had the session."""

import pytest

from local.calls.opening import open_reconnecting_voice_call, open_voice_call
from local.calls.utterances import ask
from repartee_client.errors import SupersededError
from tests.integration.running import RunningStack, new_user

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


def test_a_reloaded_page_is_answered_and_the_older_tab_stops(running: RunningStack):
    async def main() -> None:
        api = await running.api_of(new_user("reloader"))
        ticket = await api.start_session(conversation_id="new")
        async with open_reconnecting_voice_call(api, ticket) as old:
            await ask(old, "When do you open?")
            again = await api.start_session(
                conversation_id=ticket.conversation_id, session_id=ticket.session_id
            )

            async with open_voice_call(again.url, features=again.features) as reloaded:
                ready = await reloaded.until_ready()
                assert ready.next_seq == old.session.outbox.last_place + 1
                turns = await ask(reloaded, "When do you close?")
                assert turns[-1].said
                with pytest.raises(SupersededError):
                    await old.until(lambda: None, timeout_s=10, what="end of the older tab")
                await reloaded.hang_up()

    running.run(main())
