"""Asks the questions of ``make deploy`` without ENV, and keeps the answers in a file."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from local.template.parameters import problem_with
from ops.settings import ROOT, SAMCONFIG, DeployError, DeploySettings, read_settings

ANSWERS = ROOT / "samconfig.local.toml"
"""A SAM configuration file like samconfig.toml.

`make build` and `make clean` do not change it, and git ignores it.
"""

ENVIRONMENT = "default"
QUESTIONS = (
    "Architecture",
    "StreamAgentConcurrency",
    "AllowedOrigins",
    "JwtIssuer",
    "JwtAudience",
    "SignInAuthorizeUrl",
    "SignInTokenUrl",
    "SignInClientId",
    "AlarmTopicArn",
)
# A question that is asked only after an answer to another one.
_ASKED_AFTER = {
    "JwtAudience": "JwtIssuer",
    "SignInAuthorizeUrl": "JwtIssuer",
    "SignInTokenUrl": "SignInAuthorizeUrl",
    "SignInClientId": "SignInAuthorizeUrl",
}
_REQUIRED = ("JwtAudience", "SignInTokenUrl")
_STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

type Ask = Callable[[str], str]


def ask_all(
    parameters: Mapping[str, Mapping[str, Any]],
    ask: Ask = input,
    show: Callable[[str], None] = print,
) -> str:
    """Ask for the parameters of a first deployment; return the text of the answers' file.

    Args:
        parameters: The template's parameters with their descriptions, defaults and limits.
        ask: Shows a prompt and returns the line that the user typed.
        show: Shows a line to the user.

    Raises:
        DeployError: There is no terminal.
    """
    show("Enter keeps the value in brackets. All other parameters: docs/operations.md.")
    try:
        stack = _ask_until_valid(
            ask, show, "Name of the stack [repartee]: ", "repartee", _check_stack
        )
        answers: dict[str, str] = {}
        for name in QUESTIONS:
            other = _ASKED_AFTER.get(name)
            if other and not answers.get(other):
                continue
            default = str(parameters[name]["Default"])
            prompt = f"{parameters[name]['Description']}\n{name} [{default}]: "

            def check(value: str, name: str = name) -> None:
                if (problem := problem_with(name, value, parameters)) is not None:
                    raise DeployError(problem)
                if name in _REQUIRED and not value:
                    raise DeployError(f"{name} must be given with {_ASKED_AFTER[name]}")

            answers[name] = _ask_until_valid(ask, show, prompt, default, check)
    except EOFError:
        show("")
        raise DeployError(
            "make deploy asks questions and found no terminal; "
            f"use ENV=dev or ENV=prod, or write {ANSWERS.name}"
        ) from None
    # SAM cannot read a pair without a value. The template's default is empty too.
    return as_toml(stack, {name: value for name, value in answers.items() if value})


def as_toml(stack: str, overrides: Mapping[str, str]) -> str:
    """Return a SAM configuration file with one environment."""
    pairs = "".join(f"    {json.dumps(f'{name}={value}')},\n" for name, value in overrides.items())
    return (
        "# Answers for `make deploy`. Edit this file, or delete it to be asked again.\n"
        "version = 0.1\n\n"
        f"[{ENVIRONMENT}.global.parameters]\n"
        f"stack_name = {json.dumps(stack)}\n\n"
        f"[{ENVIRONMENT}.deploy.parameters]\n"
        'capabilities = "CAPABILITY_IAM"\n'
        "confirm_changeset = true\n"
        "fail_on_empty_changeset = false\n"
        "resolve_s3 = true\n"
        f"s3_prefix = {json.dumps(stack)}\n"
        'tags = "project=repartee"\n'
        f"parameter_overrides = [\n{pairs}]\n"
    )


def settings_of(environment: str | None) -> DeploySettings:
    """Return the settings of an environment in samconfig.toml, or the kept answers without one.

    Raises:
        DeployError: The environment does not exist, or there are no kept answers.
    """
    if environment:
        return read_settings(SAMCONFIG, environment)
    if not ANSWERS.exists():
        raise DeployError("set ENV=dev or ENV=prod: there are no answers of an earlier make deploy")
    return read_settings(ANSWERS, ENVIRONMENT)


def _check_stack(name: str) -> None:
    if not _STACK_NAME.fullmatch(name):
        raise DeployError(
            f"the name is {name!r}; it must be 1 to 40 lower-case letters, digits and hyphens, "
            "beginning with a letter"
        )


def _ask_until_valid(
    ask: Ask,
    show: Callable[[str], None],
    prompt: str,
    default: str,
    check: Callable[[str], None],
) -> str:
    while True:
        answer = ask(prompt).strip() or default
        try:
            check(answer)
        except DeployError as error:
            show(str(error))
        else:
            return answer
