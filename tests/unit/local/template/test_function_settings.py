"""Values that CloudFormation accepts and a function refuses are found before anything starts."""

from pathlib import Path

import pytest

from local.template.function_settings import problems_of_functions

pytestmark = pytest.mark.unit

TEMPLATE = Path(__file__).resolve().parents[4] / "template.yaml"


def test_the_templates_defaults_are_accepted_by_each_function() -> None:
    assert problems_of_functions(TEMPLATE, {}) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ChunkMs", "20.5", "ChunkMs is '20.5'; it must be a whole number"),
        ("GraceSeconds", "1.5", "GraceSeconds is '1.5'; it must be a whole number"),
        ("ModelPrices", "a=1.2.3/1/1/1", "ModelPrices is 'a=1.2.3/1/1/1'; 'a=1.2.3/1/1/1' is no"),
        ("Persona", "pizeria", "there is no persona 'pizeria' in personas/; choose one of "),
    ],
)
def test_a_value_that_several_functions_refuse_is_reported_once(
    name: str, value: str, problem: str
) -> None:
    (found,) = problems_of_functions(TEMPLATE, {name: value})
    assert problem in found


def test_a_language_that_the_persona_does_not_list_is_refused() -> None:
    (found,) = problems_of_functions(TEMPLATE, {"Persona": "pizzeria", "Language": "en-GB"})
    assert found.startswith("Language is 'en-GB'; Pizzería La Esquina: languages: en-GB")
    assert problems_of_functions(TEMPLATE, {"Persona": "pizzeria", "Language": "es-ES"}) == []


def test_all_faults_are_reported() -> None:
    parameters = {"LingerSeconds": "1.5", "Persona": "nobody", "RetentionDays": "0.5"}
    found = problems_of_functions(TEMPLATE, parameters)
    assert {text.partition(" is ")[0] for text in found} == set(parameters)
