"""The agent greets first if its persona does, and clients keep the greeting and answers apart."""

import asyncio
from collections.abc import Iterator

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import ask
from repartee.config import DEFAULT_LIVE_MODEL
from repartee_client.access import get_token
from repartee_client.commands.program import main
from repartee_client.events import Problem
from tests.chaos.faults.gemini_control import GeminiControl
from tests.integration.running import RunningStack, new_user
from tests.integration.typed_text import hear, said

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

GREETING = "Pizzería La Esquina, buenas."
QUESTION, ANSWER = "hello", "Hola, ¿en qué puedo ayudarle?"
WORKER = "StreamAgentFunction"


@pytest.fixture(scope="module", autouse=True)
def greets(running: RunningStack, request: pytest.FixtureRequest) -> Iterator[None]:
    model = getattr(request, "param", DEFAULT_LIVE_MODEL)
    with running.changed(WORKER, PERSONA="pizzeria", GEMINI_LIVE_MODEL=model):
        yield


# The second model takes text only as realtime input.
@pytest.mark.parametrize(
    "greets", [DEFAULT_LIVE_MODEL, "gemini-3.1-flash-live-preview"], indirect=True
)
def test_each_session_of_a_user_begins_with_one_greeting(running: RunningStack) -> None:
    user = new_user("greeted")

    async def hold() -> str:
        api = await running.api_of(user)
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            await call.until_ready()
            await hear(call, GREETING)
            answer = await ask(call, QUESTION)
            assert [turn.number for turn in answer] == [2]
            await call.hang_up()
        assert said(call).count(GREETING) == 1
        async with open_voice_call((await api.start_session()).url) as call:
            await call.until_ready()
            await hear(call, GREETING)
            await call.hang_up()
        return ticket.conversation_id

    conversation_id = running.run(hold())

    turns = [
        item
        for item in running.items("MemoryTable")
        if item["pk"] == {"S": f"conv#{conversation_id}"} and item["sk"]["S"].startswith("turn#")
    ]
    heard = [turn["heard"]["S"] for turn in sorted(turns, key=lambda one: one["sk"]["S"])]
    assert heard == ["", QUESTION, ""]


def test_a_question_is_answered_although_the_model_ignores_or_delays_the_greeting(
    running: RunningStack,
) -> None:
    async def hold(kind: str) -> None:
        api = await running.api_of(new_user("ignored"))
        assert running.stack.simulator is not None
        async with GeminiControl(running.stack.simulator) as gemini:
            await gemini.order(kind=kind)
            async with open_voice_call((await api.start_session()).url) as call:
                await call.until_ready()
                while await gemini.waiting():  # noqa: ASYNC110 - no event reports it
                    await asyncio.sleep(0.05)
                await ask(call, QUESTION)
                await call.hang_up()
        assert ANSWER in said(call)
        assert not [one for _, one in call.replies.timeline if isinstance(one, Problem)]

    for kind in ("ignored_text", "late_text"):
        running.run(hold(kind))


def test_the_greeting_is_not_printed_as_the_answer_to_a_question(
    running: RunningStack, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = running.stack.addresses
    token = asyncio.run(get_token(addresses.issuer, new_user("asks")))
    access = {"REPARTEE_API": addresses.http, "REPARTEE_TOKEN": token}

    assert main(["ask", QUESTION], access) == 0

    assert capsys.readouterr().out == f"{ANSWER}\n"
