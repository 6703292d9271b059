"""Values of parameters are accepted and refused as by CloudFormation, with advice."""

import pytest

from local.template.intrinsics import parse
from local.template.parameters import problem_with

pytestmark = pytest.mark.unit

DECLARED = parse("""
Parameters:
  Language: {Type: String, AllowedValues: [en-US, es-ES]}
  Thinking: {Type: String, AllowedValues: ["", low]}
  Days: {Type: Number, AllowedValues: [1, 30]}
  Usd: {Type: Number, MinValue: 0, MaxValue: 100}
  Rate: {Type: Number, MinValue: 1}
  Debt: {Type: Number, MaxValue: 0.5}
  Any: {Type: Number}
  Stage: {Type: String, AllowedPattern: "[a-z]+", Description: The last part of the address.}
  Topic: {Type: String, AllowedPattern: "a:.+", ConstraintDescription: an ARN}
  Key: {Type: String, MinLength: 2, MaxLength: 4}
  Short: {Type: String, MaxLength: 1}
  Names: {Type: CommaDelimitedList, AllowedPattern: "[a-z]+"}
  Zones: {Type: CommaDelimitedList, AllowedValues: [a, b]}
  DeskTimeZone: {Type: String}
""")["Parameters"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Thinking", ["", "low"]),
        ("Days", ["30"]),
        ("Usd", ["0", "100.0", "0.5"]),
        ("Debt", ["0.5", "-7.25", "-0.5"]),
        ("Any", ["-1"]),
        ("Topic", ["a:b"]),
        ("Key", ["ab", "abcd"]),
        ("Names", ["a", "a, b"]),
        ("Zones", ["b,a"]),
        ("DeskTimeZone", ["Europe/Madrid"]),
    ],
)
def test_a_value_within_the_rules_is_accepted(name: str, values: list[str]) -> None:
    assert [problem_with(name, value, DECLARED) for value in values] == [None] * len(values)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("Langauge", "es-ES", "no parameter Langauge; the nearest is Language; docs/operations.md"),
        ("Xyz", "1", "no parameter Xyz; docs/operations.md lists them"),
        ("Language", "es", "is 'es'; it must be one of en-US, es-ES; the nearest is es-ES"),
        ("Thinking", "high", "it must be one of empty, low"),
        ("Days", "2", "Days is '2'; it must be one of 1, 30"),
        ("Usd", "-1", "Usd is '-1'; it must be from 0 to 100"),
        ("Usd", "one", "Usd is 'one'; it must be a number from 0 to 100"),
        ("Usd", "", "it must be a number from 0 to 100"),
        ("Rate", "0", "it must be from 1"),
        ("Debt", "0.6", "it must be at most 0.5"),
        ("Any", "nan", "it must be a number"),
        ("Any", "007", "Any is '007'; it must have no leading zeros"),
        ("Any", "-0", "no sign before 0"),
        ("Topic", "a:" + "é" * 2_048, "Topic has 4098 bytes; the limit of CloudFormation is 4096"),
        ("Topic", "a:\udcff", "it must be UTF-8"),
        ("Stage", "live!", "Stage is 'live!'; it must match [a-z]+: The last part of the address."),
        ("Topic", "x", "it must match a:.+: an ARN"),
        ("Key", "a", "its length must be from 2 to 4, not 1"),
        ("Short", "ab", "its length must be from 0 to 1, not 2"),
        ("Names", "a,B", "Names is 'a,B'; it must match [a-z]+"),
        ("Zones", "a,c", "it must be one of a, b"),
        ("DeskTimeZone", "localtime", "it must be an IANA name"),
        ("DeskTimeZone", "Europe/Madrit", "an IANA name such as Europe/London; the nearest is"),
    ],
)
def test_a_refusal_names_the_value_what_is_allowed_and_the_nearest_good_one(
    name: str, value: str, problem: str
) -> None:
    found = problem_with(name, value, DECLARED)
    assert found is not None
    assert problem in found
