"""Calls whose set-up Gemini refuses because of the user's stored data."""

import json
from collections.abc import Iterator

import pytest

from repartee_client.access import SessionTicket
from tests.chaos.faults.gemini_control import GeminiControl
from tests.integration.running import RunningStack, new_user
from tests.integration.typed_text import converse, setups

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("stack"),
    pytest.mark.usefixtures("workers"),
]


@pytest.fixture(scope="module")
def workers(running: RunningStack) -> Iterator[None]:
    """Use separate workers in this module, because they learn whether Gemini accepts a history."""
    with running.changed("StreamAgentFunction"):
        yield


def remembered(running: RunningStack, conversation: str) -> list[str]:
    """Return the texts of the stored turns."""
    turns = [
        (item["sk"]["S"], item["said"]["S"].strip())
        for item in running.items("MemoryTable")
        if item["pk"]["S"] == f"conv#{conversation}" and item["sk"]["S"].startswith("turn#")
    ]
    return [said for _, said in sorted(turns)]


def test_a_refused_history_is_sent_as_text_and_no_turn_is_lost_or_repeated(
    running: RunningStack,
) -> None:
    greeting = ("hello my name is robert", "Hello Robert, how can I help you?")
    question = ("can you tell me my name", "Your name is Robert.")
    before: set[str] = set()

    async def talk() -> tuple[SessionTicket, str]:
        simulator = running.stack.simulator
        assert simulator is not None
        api = await running.api_of(new_user("returning"))
        first, _ = await converse(api, greeting)
        before.update(record.name for record in running.records())
        async with GeminiControl(simulator) as gemini:
            await gemini.order(kind="history_refused")
            second, said = await converse(api, question)
            assert await gemini.waiting() == set()
        assert second.conversation_id == first.conversation_id
        return second, said

    ticket, said = running.run(talk())
    running.until_ended(ticket.session_id)

    assert said == question[1]
    assert remembered(running, ticket.conversation_id) == [greeting[1], question[1]]
    refused, taken = map(json.dumps, setups(running, before))
    is_seeded = '"initial_history_in_client_content": true'
    assert is_seeded in refused
    assert is_seeded not in taken
    assert "User: hello my name is robert" in taken


@pytest.mark.parametrize(
    ("preferred", "fault", "asked"),
    [
        ({"voice": "Puck"}, {"kind": "close", "at": "setup", "code": 1007}, '"Puck"'),
        ({"language": "es-ES"}, {"kind": "language_refused", "count": 9}, "(es-ES)"),
    ],
)
def test_a_refused_preference_does_not_lock_its_user_out(
    running: RunningStack, preferred: dict[str, str], fault: dict[str, object], asked: str
) -> None:
    before = {record.name for record in running.records()}
    greeting = ("hello", "Hello, how can I help you?")
    mention = (
        "Your preferences for language, voice and style cannot be used now, so I use the defaults."
    )

    async def talk() -> tuple[SessionTicket, str]:
        simulator = running.stack.simulator
        assert simulator is not None
        api = await running.api_of(new_user("preferring"))
        await api.change_preferences(**preferred)
        async with GeminiControl(simulator) as gemini:
            await gemini.order(**fault)
            call = await converse(api, greeting, ("", mention), ("thanks", "You are welcome."))
            # The simulator serves other tests too, and this one did not need each refusal.
            await gemini.clear()
            return call

    ticket, said = running.run(talk())
    running.until_ended(ticket.session_id)

    assert said == f"{greeting[1]} {mention} You are welcome."
    assert len(remembered(running, ticket.conversation_id)) == 3
    refused, taken = map(json.dumps, setups(running, before))
    assert asked in refused
    assert asked not in taken
    assert '"Kore"' in taken
    assert "Speak English (en-US)." in taken
