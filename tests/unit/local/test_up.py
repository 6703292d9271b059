"""`make up` says which persona runs."""

import pytest

from local.up import describe_persona

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "language", "described"),
    [
        ("pizzeria", "", "pizzeria (Pizzería La Esquina, es-ES, the agent speaks first)"),
        ("front_desk", "de-DE", "front_desk (the front desk, de-DE, the user speaks first)"),
    ],
)
def test_the_persona_is_described_by_business_language_and_who_speaks_first(
    name: str, language: str, described: str
) -> None:
    environment = {"PERSONA": name, "LANGUAGE": language, "GEMINI_LIVE_MODEL": "gemini-3.8-live"}

    assert describe_persona(environment) == described
