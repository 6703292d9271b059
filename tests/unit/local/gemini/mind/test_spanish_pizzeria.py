"""Calls of the pizzeria in Spanish: both minds of the simulator, and the real tools."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from core_agent.tools.stores import Stores
from local.gemini.mind import core_mind, mind
from local.gemini.mind.core_mind import Message
from local.gemini.mind.known import DeclaredFunction, Known, Line
from repartee.domain.conversation.conversation import Conversation, Memory
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import DeskRules
from repartee.domain.tools.core_prompt import core_prompt
from repartee.domain.users.preferences import Profile
from tests.fakes.desk import FakeDesk
from tests.fakes.tool_stores import fake_tool_stores, tool_context
from tests.personas import PIZZERIA

pytestmark = pytest.mark.unit

MADRID = ZoneInfo("Europe/Madrid")
SUNDAY = datetime(2026, 11, 22, 17, tzinfo=MADRID)
LIVE = (
    DeclaredFunction("ask_core_agent", "", {"properties": {"question": {"type": "STRING"}}}),
    DeclaredFunction("end_call"),
)
MOMENT = "Un momento, por favor."


def pizzeria() -> Stores:
    rules = DeskRules.model_validate({"week": PIZZERIA.hours, "time_zone": "Europe/Madrid"})
    return fake_tool_stores(desk=FakeDesk(rules, MADRID))


@dataclass
class Call:
    """A call of a user; ``say`` returns the reply without the words during the wait."""

    stores: Stores = field(default_factory=pizzeria)
    user: str = "ana"
    now: datetime = SUNDAY
    lines: list[Line] = field(default_factory=list)
    ended: bool = False

    def say(self, heard: str, *, spoken: bool = True) -> str:
        reply = mind.respond(self._known(), heard, spoken=spoken)
        said, answers = reply.say, []
        self.lines.append(Line("user", heard))
        for call in reply.calls:
            if call.name == "end_call":
                self.ended = True
                continue
            assert said == MOMENT
            answers.append(self._ask_core(call.args["question"]))
        self.lines.append(Line("model", said))
        for answer in answers:
            said = mind.speak_answer(self._known(), "ask_core_agent", {"answer": answer}) or ""
            self.lines += [Line("tool", answer), Line("model", said)]
        return said

    def _known(self) -> Known:
        return Known("Speak Spanish (es-ES). Call ask_core_agent.", LIVE, tuple(self.lines))

    def _ask_core(self, question: str) -> str:
        tools = make_tools(self.stores, tool_context(self.user, self.now, PIZZERIA))
        functions = [
            DeclaredFunction(one.name, one.description, one.arguments.model_json_schema())
            for one in tools
        ]
        memory = Memory(Conversation(self.user, "c1", "", 0, 0), Profile(self.user), ())
        prompt = core_prompt(persona=PIZZERIA, now=self.now, language="es-ES", memory=memory)
        messages = [Message("user", question)]
        for _ in range(5):
            answer = core_mind.respond(prompt, messages, functions, self.now)
            if not answer.calls:
                return answer.text
            for call in answer.calls:
                (tool,) = (one for one in tools if one.name == call.name)
                result = json.loads(tool.call(call.args).to_json())
                messages.append(Message("model", calls=(call,)))
                messages.append(Message("user", responses=((call.name, result),)))
        raise AssertionError(f"no answer to {question}")


def test_a_whole_call_is_in_spanish_and_speaks_of_tables() -> None:
    call = Call()

    greeting = f"(The call begins. Greet the user, say: {PIZZERIA.greeting})"
    assert call.say(greeting, spoken=False) == PIZZERIA.greeting
    assert call.say("Buenas, me llamo Ana.") == "Hola Ana, ¿en qué puedo ayudarle?"
    assert call.say("¿A qué hora abren el viernes?") == (
        "El viernes, 27 de noviembre, abrimos de 13:00 a 00:30."
    )
    assert call.say("¿Y el lunes, está abierto?") == "El lunes, 23 de noviembre, cerramos."
    assert call.say("¿Qué mesas hay libres mañana por la noche?") == (
        "El lunes, 23 de noviembre, cerramos. ¿Qué otro día le viene bien?"
    )
    assert call.say("El viernes") == (
        "El viernes, 27 de noviembre, tengo mesa libre a estas horas, 19:30, 20:00, 20:30, 21:00, "
        "21:30 y 22:00. ¿A qué hora la quiere?"
    )
    assert call.say("Quiero reservar una mesa para el viernes a las nueve de la noche") == (
        "Le queda reservada la mesa para el viernes, 27 de noviembre, 21:00."
    )
    assert call.say("¿Qué reservas tengo?") == ("Tiene reservado: viernes, 27 de noviembre, 21:00.")
    assert call.say("¿Cómo me llamo?") == "Se llama Ana."
    assert call.say("Recuerda que soy alérgica al marisco") == "Lo recordaré."
    assert call.say("¿Qué sabe de mí?") == "Me pidió recordar: Soy alérgica al marisco."
    assert call.say("¿Qué he reservado?") == "Tiene reservado: viernes, 27 de noviembre, 21:00."
    assert call.say("¿Cómo me llamo?") == "Se llama Ana."
    assert call.say("Cambia mi reserva al sábado a las nueve y media") == (
        "Hecho, su reserva queda para el sábado, 28 de noviembre, 21:30."
    )
    assert call.say("Cancela mi reserva") == (
        "Cancelada la reserva del sábado, 28 de noviembre, 21:30."
    )
    assert call.say("¿Tengo alguna reserva?") == "No tiene ninguna reserva."
    assert call.say("Olvida lo del marisco") == "Ya lo he olvidado."
    assert call.say("Muchas gracias") == "De nada."
    assert not call.ended
    assert call.say("Hasta luego") == "Adiós, Ana."
    assert call.ended


def test_a_missing_day_and_time_are_asked_for() -> None:
    call = Call()

    assert call.say("Quería reservar una mesa para dos") == "¿Para qué día?"
    assert call.say("el sábado") == "¿A qué hora?"
    assert call.say("a las nueve y media") == (
        "Le queda reservada la mesa para el sábado, 28 de noviembre, 21:30."
    )


@pytest.mark.parametrize(
    ("spoken", "at"),
    [
        ("a la una y media", "13:30"),
        ("a las diez menos cuarto", "21:30"),
        ("a las 00:30", "13:00"),
    ],
)
def test_times_are_understood_as_people_say_them(spoken: str, at: str) -> None:
    said = Call().say(f"Reserve una mesa para el jueves {spoken}")
    assert at in said


def test_a_closed_day_and_a_taken_time_are_refused_with_another_offer() -> None:
    call = Call()
    desk = call.stores.desk
    taken, now_ms = Slot(date(2026, 11, 27), time(21)), int(SUNDAY.timestamp() * 1000)
    desk.book("otro", taken, reason="", booked_at_ms=now_ms)

    assert call.say("Quiero una mesa para el lunes a las nueve") == (
        "Ese día cerramos. ¿Qué otro día le viene bien?"
    )
    assert call.say("El viernes") == (
        "Esa hora ya está ocupada. Tengo libre 19:30, 20:00, 20:30, 21:30, 22:00 y 22:30. "
        "¿Qué hora prefiere?"
    )
    assert call.say("a las diez") == (
        "Le queda reservada la mesa para el viernes, 27 de noviembre, 22:00."
    )


def test_one_of_several_bookings_is_chosen() -> None:
    call = Call()
    call.say("Quiero reservar una mesa para el viernes a las nueve")
    call.say("Quiero reservar una mesa para el sábado a las diez")

    assert call.say("Cancele mi reserva") == (
        "Tiene varias reservas: viernes, 27 de noviembre, 21:00 y "
        "sábado, 28 de noviembre, 22:00. ¿Cuál cancelo?"
    )
    assert call.say("la del sábado") == "Cancelada la reserva del sábado, 28 de noviembre, 22:00."
    assert call.say("Cambia mi reserva") == "¿Para qué día la cambio?"
    assert call.say("al domingo") == "¿A qué hora?"
    assert call.say("a las dos de la tarde") == (
        "Hecho, su reserva queda para el domingo, 29 de noviembre, 14:00."
    )


def test_words_that_mean_nothing_are_answered_in_spanish() -> None:
    call = Call()
    assert call.say("el gato duerme") == "Perdone, no le he entendido."
    assert call.say("el gato duerme", spoken=False) == "Perdone, no le he entendido."
    assert call.say("Cancela mi reserva") == "No encuentro ninguna reserva suya."
    assert call.say("¿Cómo me llamo?") == "Aún no sé cómo se llama."
