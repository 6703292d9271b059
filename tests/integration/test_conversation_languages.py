"""Typed conversations in three languages, their stored turns, and a slow answer."""

import asyncio
import json
from typing import Any

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from repartee_client.recordings import read_wav
from tests.chaos.faults.gemini_control import GeminiControl
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, recordings
from tests.integration.typed_text import converse, hear, preferences, said, setups, write

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

ENGLISH = ("hello", "when are you open on friday", "please book tuesday at 9 a.m.")
SPANISH = (
    "Hola",
    "¿A qué hora abren el viernes?",
    "Quiero una cita para el miércoles a las 10 de la mañana",
)
HINDI = ("नमस्ते", "शुक्रवार को कब खुलता है?", "मंगलवार को सुबह 11 बजे अपॉइंटमेंट बुक करें")


def questions(running: RunningStack, user: str) -> list[str]:
    """Return the questions to core_agent for a user."""
    conversations = {
        item["sk"]["S"]
        for item in running.items("MemoryTable")
        if item["pk"]["S"] == f"user#{user}" and item["sk"]["S"].startswith("conv#")
    }
    return [
        item["question"]["S"]
        for item in running.items("MemoryTable")
        if item["pk"]["S"] in conversations and item["sk"]["S"].startswith("call#")
    ]


@pytest.mark.parametrize(
    ("texts", "answers"),
    [
        (
            ENGLISH,
            (
                "how can I help you?",
                "We are open on Friday",
                "Your appointment is booked for Tuesday",
            ),
        ),
        (SPANISH, ("en qué puedo ayudarle?", "El viernes", "Su cita es el miércoles")),
        (HINDI, ("क्या मदद कर सकती हूँ?", "खुले हैं।", "आपकी मुलाक़ात मंगलवार")),
    ],
    ids=["english", "spanish", "hindi"],
)
def test_a_user_is_answered_in_their_language_and_nothing_changes_for_the_next_call(
    running: RunningStack, texts: tuple[str, ...], answers: tuple[str, ...]
) -> None:
    running.clear_desk()
    user = new_user("speaker")

    async def talk() -> tuple[dict[str, Any], str, set[str]]:
        api = await running.api_of(user)
        await converse(api, *zip(texts, answers, strict=True))
        settled = await preferences(api)
        before = {record.name for record in running.records()}
        _, again = await converse(api, ("hello", "Hello, how can I help you?"))
        return settled, again, before

    settled, again, before = running.run(talk())

    assert settled["language"] is None
    assert again.count("Hello, how can I help you?") == 1
    assert "Speak English (en-US)." in json.dumps(setups(running, before)[0])
    assert set(questions(running, user)) == set(texts[1:])


def test_speech_that_is_misheard_as_another_language_changes_no_preference(
    running: RunningStack,
) -> None:
    greeting, *_ = recordings("default")

    async def talk() -> tuple[str, dict[str, Any], set[str]]:
        simulator = running.stack.simulator
        assert simulator is not None
        api = await running.api_of(new_user("misheard"))
        ticket = await api.start_session()
        async with GeminiControl(simulator) as gemini, open_voice_call(ticket.url) as call:
            await call.until_ready()
            await gemini.order(kind="wrong_language_transcript")
            await say(call, read_wav(greeting.wav), pace=Pace.FAST, timeout_s=PATIENCE_S)
            await write(call, "hello")
            heard = await hear(call, "how can I help you?")
            await call.hang_up()
        settled = await preferences(api)
        before = {record.name for record in running.records()}
        await converse(api, ("hello", "how can I help you?"))
        return heard, settled, before

    heard, settled, before = running.run(talk())

    assert heard.startswith("Hola")
    assert settled == {"language": None, "voice": None, "style": None}
    assert "Speak English (en-US)." in json.dumps(setups(running, before)[0])


def test_a_language_that_the_user_asks_for_is_spoken_now_and_in_the_next_call(
    running: RunningStack,
) -> None:
    async def talk() -> tuple[dict[str, Any], str, set[str]]:
        api = await running.api_of(new_user("asker"))
        greeting = ("hello", "Hola, ¿en qué puedo ayudarle?")
        await converse(api, ("please speak spanish", "De acuerdo."), greeting)
        settled = await preferences(api)
        before = {record.name for record in running.records()}
        _, again = await converse(api, greeting)
        return settled, again, before

    settled, again, before = running.run(talk())

    assert settled["language"] == "es-ES"
    assert again == "Hola, ¿en qué puedo ayudarle?"
    assert "Speak Spanish (es-ES)." in json.dumps(setups(running, before)[0])


def test_a_slow_answer_is_announced_once_and_speech_meanwhile_is_heard(
    running: RunningStack,
) -> None:
    async def talk() -> str:
        simulator = running.stack.simulator
        assert simulator is not None
        api = await running.api_of(new_user("patient"))
        ticket = await api.start_session()
        async with GeminiControl(simulator) as gemini, open_voice_call(ticket.url) as call:
            await call.until_ready()
            await gemini.order(kind="slow_rest", delay_ms=9_000)
            await write(call, "¿A qué hora abren el viernes?")
            await call.until(
                lambda: "Un momento" in said(call), timeout_s=PATIENCE_S, what="first words"
            )
            await write(call, "hola")
            heard = await hear(call, "abrimos")
            await asyncio.sleep(0)
            await call.hang_up()
        return heard

    heard = running.run(talk())

    assert heard.count("Sigo buscando.") == 1
    assert heard.index("Hola, ¿en qué puedo ayudarle?") < heard.index("El viernes")
    assert heard.index("Sigo buscando.") < heard.index("El viernes")
    assert heard.count("El viernes") == 1


def test_preferences_set_over_http_apply_to_the_running_call(
    running: RunningStack,
) -> None:
    before = {record.name for record in running.records()}

    async def talk() -> str:
        api = await running.api_of(new_user("settler"))
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            await write(call, "hello")
            await hear(call, "Hello, how can I help you?")
            await api.change_preferences(language="es-ES", voice="Puck")
            async with asyncio.timeout(PATIENCE_S):
                while len(setups(running, before)) < 2:  # noqa: ASYNC110 - polls Gemini's record
                    await asyncio.sleep(0.05)
            await write(call, "Hola")
            heard = await hear(call, "Hola, ¿en qué puedo ayudarle?")
            await call.hang_up()
        return heard

    heard = running.run(talk())

    first, *_, last = (json.dumps(setup) for setup in setups(running, before))
    assert "Speak English (en-US)." in first
    assert "Speak Spanish (es-ES)." in last
    assert '"Puck"' in last
    assert heard == "Hello, how can I help you? Hola, ¿en qué puedo ayudarle?"
