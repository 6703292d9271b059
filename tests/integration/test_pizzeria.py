"""The pizzeria on a whole stack: a typed and a spoken call, both in Spanish from end to end."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from local.calls.voice_call import VoiceCall
from local.gemini.speech.voice import OUTPUT_RATE_HZ
from repartee_client.recordings import read_wav
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, recordings
from tests.integration.typed_text import hear, turns, write
from tests.not_spanish import words_that_are_not_spanish
from tests.personas import PIZZERIA

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

BOOKED = "Le queda reservada la mesa para el viernes"
TYPED = (
    ("Buenas, me llamo Ana.", "Hola Ana, ¿en qué puedo ayudarle?"),
    ("Quiero reservar una mesa", "¿Para qué día?"),
    ("para el viernes", "¿A qué hora?"),
    ("a las nueve y media de la noche", BOOKED),
    ("Quiero una mesa el lunes a las nueve", "Ese día cerramos."),
    ("Recuerda que soy alérgica al marisco", "Lo recordaré."),
    ("¿Cómo me llamo?", "Se llama Ana."),
)


@pytest.fixture(scope="module")
def pizzeria(running: RunningStack) -> Iterator[RunningStack]:
    with ExitStack() as changes:
        for function in ("StreamAgentFunction", "CoreAgentFunction", "HttpApiFunction"):
            changes.enter_context(running.changed(function, PERSONA="pizzeria"))
        yield running


async def check_spanish(call: VoiceCall) -> None:
    """Check every text that the client received, and that each reply was spoken."""
    await call.until(
        lambda: all(turn.is_over for turn in turns(call)), timeout_s=PATIENCE_S, what="last turn"
    )
    for turn in turns(call):
        assert words_that_are_not_spanish(f"{turn.heard} {turn.said}") == set()
        seconds = len(turn.pcm) / 2 / OUTPUT_RATE_HZ
        assert 0.1 < seconds / len(turn.said.split()) < 2, turn.said


def test_a_typed_call_is_answered_aloud_in_spanish(pizzeria: RunningStack) -> None:
    async def talk() -> list[str]:
        api = await pizzeria.api_of(new_user("ana"))
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            await hear(call, PIZZERIA.greeting)
            for text, answer in TYPED:
                await write(call, text)
                await hear(call, answer)
            await check_spanish(call)
            said = [turn.said for turn in turns(call)]
            await write(call, "Hasta luego")
            await call.until(lambda: call.session.closed, timeout_s=PATIENCE_S, what="the end")
            assert words_that_are_not_spanish(turns(call)[-1].said) == set()
            return said

    said = pizzeria.run(talk())

    assert said[0].startswith("Pizzería La Esquina, buenas.")


def test_a_spoken_call_is_heard_by_its_recordings_and_answered_in_spanish(
    pizzeria: RunningStack,
) -> None:
    script = recordings("pizzeria")

    async def talk() -> list[tuple[str, str]]:
        api = await pizzeria.api_of(new_user("speaker"))
        ticket = await api.start_session()
        async with open_voice_call(ticket.url) as call:
            await hear(call, PIZZERIA.greeting)
            answered = [
                await say(call, read_wav(one.wav), pace=Pace.FAST, timeout_s=PATIENCE_S)
                for one in script
            ]
            await check_spanish(call)
            await call.hang_up()
        return [(one.heard, one.said) for one in answered]

    (greeting, booking, recall) = pizzeria.run(talk())

    assert [greeting[0], booking[0], recall[0]] == [one.spoken for one in script]
    assert greeting[1] == "Hola Ana, ¿en qué puedo ayudarle?"
    assert BOOKED in booking[1]
    assert "Tiene reservado: viernes" in recall[1]
