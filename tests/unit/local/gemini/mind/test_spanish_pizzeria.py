"""Calls of the pizzeria in Spanish: both minds of the simulator, and the real tools."""

from datetime import date, time

import pytest

from repartee.domain.front_desk.bookings import Slot
from tests.personas import PIZZERIA
from tests.simulated_call import SUNDAY, SimulatedCall

pytestmark = pytest.mark.unit


def pizzeria() -> SimulatedCall:
    return SimulatedCall(PIZZERIA)


def test_a_whole_call_is_in_spanish_and_speaks_of_tables() -> None:
    call = pizzeria()

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
    assert call.calls == []
    assert call.say("Hasta luego") == "Adiós, Ana."
    assert [one.name for one in call.calls] == ["end_call"]


def test_a_missing_day_and_time_are_asked_for() -> None:
    call = pizzeria()

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
    said = pizzeria().say(f"Reserve una mesa para el jueves {spoken}")
    assert at in said


def test_a_closed_day_and_a_taken_time_are_refused_with_another_offer() -> None:
    call = pizzeria()
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
    call = pizzeria()
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
    call = pizzeria()
    sorry = f"Perdone, no le he entendido. Puedo ayudarle con {PIZZERIA.abilities}."
    assert call.say("el gato duerme") == sorry
    assert call.say("el gato duerme", spoken=False) == sorry
    assert call.say("Cancela mi reserva") == "No encuentro ninguna reserva suya."
    assert call.say("¿Cómo me llamo?") == "Aún no sé cómo se llama."
