"""The template parameters that a developer chooses for the local stack: ``make up SET=…``."""

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from local.stack.options import PROJECT
from local.template.function_settings import problems_of_functions
from local.template.parameters import problem_with
from local.template.reader import declared_parameters, parameters_without_effect

TEMPLATE = PROJECT / "template.yaml"
# Variables of the Makefile that set one parameter.
_SHORTCUTS = {"GeminiLiveModel": "MODEL", "RecordSessions": "RECORD"}
FIXED = {
    "Architecture": "functions run on the processor of this machine",
    "GeminiBaseUrl": "functions call the simulator, or Google's Gemini with GEMINI_API_KEY",
    "JwtAudience": "the stack runs its own token issuer",
    "JwtIssuer": "the stack runs its own token issuer",
    "PageUrl": "the stack's HTTP API serves the page",
    "SignInAuthorizeUrl": "the stack runs its own token issuer",
    "SignInClientId": "the stack runs its own token issuer",
    "SignInScope": "the stack runs its own token issuer",
    "SignInSignOutUrl": "the stack runs its own token issuer",
    "SignInTokenUrl": "the stack runs its own token issuer",
    "StageName": "the stack's addresses contain its own stage name",
}
"""The parameters that the local stack sets itself, each with the reason."""


class SettingsRefusedError(ValueError):
    """Settings cannot be used; the message has one line for each problem."""


def parse_settings(
    text: str, *, live_model: str | None = None, recording: str | None = None
) -> dict[str, str]:
    """Read ``Name=Value`` pairs, which are quoted as in a shell, and check them all.

    Args:
        text: The pairs, separated by spaces.
        live_model: The value of ``GeminiLiveModel``, if it is given separately.
        recording: The value of ``RecordSessions``, if it is given separately.

    Raises:
        SettingsRefusedError: A pair is malformed, a parameter is unknown, fixed or set twice, or
            the template or a function does not accept a value.
    """
    try:
        pairs = shlex.split(text)
    except ValueError as error:
        raise SettingsRefusedError(f"{error} in {text!r}; close the quotation") from error
    separate = {"GeminiLiveModel": live_model, "RecordSessions": recording}
    chosen = {name: value for name, value in separate.items() if value is not None}
    problems = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            problems.append(
                f"{pair!r} must have the form Name=Value; quote a value that contains spaces, "
                "as in Name='two words'"
            )
        elif name in chosen:
            too = f", also by {_SHORTCUTS[name]}" if separate.get(name) is not None else ""
            problems.append(f"{name} is set twice{too}; keep one")
        else:
            chosen[name] = value
    declared = declared_parameters(TEMPLATE)
    for name, value in chosen.items():
        if name in FIXED:
            problems.append(f"{name} is fixed on the local stack, because {FIXED[name]}; remove it")
        elif (problem := problem_with(name, value, declared)) is not None:
            problems.append(problem)
    # A wrong value would only be reported again by the functions.
    problems = problems or problems_of_functions(TEMPLATE, chosen)
    if problems:
        raise SettingsRefusedError("\n".join(problems))
    return chosen


def describe_settings(chosen: Mapping[str, str], template: Path = TEMPLATE) -> list[str]:
    """Return one text for each parameter that differs from the template's default."""
    declared = declared_parameters(template)
    defaults = {name: str(declared[name].get("Default", "")) for name in chosen}
    differing = {name: value for name, value in chosen.items() if value != defaults[name]}
    without_effect = parameters_without_effect(template, differing)
    return [
        f"{name}={shlex.quote(value)} (template: {defaults[name] or 'empty'}"
        f"{'; no effect on this machine' if name in without_effect else ''})"
        for name, value in differing.items()
    ]


def add_settings_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes template parameters."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="'NAME=VALUE …'",
        help="template parameters, quoted as in a shell (docs/operations.md lists them)",
    )


def settings_or_exit(
    text: str, *, live_model: str | None = None, recording: str | None = None
) -> dict[str, str]:
    """Return the settings, or print what is wrong with them and exit with status 2."""
    try:
        return parse_settings(text, live_model=live_model, recording=recording)
    except SettingsRefusedError as error:
        print("\n".join(f"SET: {line}" for line in str(error).splitlines()), file=sys.stderr)
        sys.exit(2)
