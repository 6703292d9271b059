"""Reads an environment of a SAM configuration file, and checks its values with the template."""

import os
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import ProfileNotFound
from pydantic import BaseModel, Field, ValidationError

from repartee.domain.text.characters import has_lone_surrogates

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template.yaml"
SAMCONFIG = ROOT / "samconfig.toml"


class DeployError(ValueError):
    """A deployment cannot start; the message says what to change."""


@dataclass(frozen=True, slots=True)
class DeploySettings:
    """One environment of a SAM configuration file.

    Attributes:
        file: The configuration file.
        environment: The name of the environment, a table of that file.
        overrides: The template parameters, as text.
        stack_name: The name of the stack; "" if the file has none.
        region: The region; None for the region of the user's configuration.
        profile: The AWS profile; None for the profile of the user's configuration.
    """

    file: Path
    environment: str
    overrides: Mapping[str, str]
    stack_name: str = ""
    region: str | None = None
    profile: str | None = None


class _Parameters(BaseModel):
    stack_name: str = ""
    region: str = ""
    profile: str = ""
    parameter_overrides: str | list[str] = []


class _Command(BaseModel):
    parameters: _Parameters = _Parameters()


class _Environment(BaseModel):
    every: _Command = Field(_Command(), alias="global")
    deploy: _Command


def read_settings(file: Path, environment: str) -> DeploySettings:
    """Read one environment of ``file``.

    Raises:
        DeployError: The file cannot be read, or the environment has no deploy parameters.
    """
    try:
        config = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeployError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DeployError(f"{file} is not valid TOML: {error}") from error
    deployable = [n for n, table in config.items() if isinstance(table, dict) and "deploy" in table]
    if environment not in deployable:
        known = ", ".join(sorted(deployable)) or "no environment with deploy parameters"
        raise DeployError(f"ENV={environment} is not in {file.name}; it has {known}")
    try:
        found = _Environment.model_validate(config[environment])
        both = (found.every.parameters, found.deploy.parameters)
        values = {k: v for one in both for k, v in one.model_dump(exclude_unset=True).items()}
        named = _Parameters(**values)
        given = named.parameter_overrides
        pairs = shlex.split(given) if isinstance(given, str) else given
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in (environment, *first["loc"][:3]))
        raise DeployError(f"{file.name}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise DeployError(
            f"{file.name}: parameter_overrides of {environment}: {error}; "
            'write a list of "Name=Value"'
        ) from error
    return DeploySettings(
        file=file,
        environment=environment,
        overrides=pairs_as_mapping(pairs, file.name),
        stack_name=named.stack_name,
        region=named.region or None,
        profile=named.profile or None,
    )


def open_session(settings: DeploySettings) -> boto3.session.Session:
    """Return a boto3 session; the settings override the user's profile and region.

    Raises:
        DeployError: The AWS profile does not exist, or no region is set.
    """
    # The AWS CLI prefers AWS_REGION, which boto3 does not read.
    region = settings.region or os.environ.get("AWS_REGION") or None
    try:
        session = boto3.session.Session(profile_name=settings.profile, region_name=region)
    except ProfileNotFound as error:
        raise DeployError(f"{error}; set AWS_PROFILE, or run aws configure") from error
    if not session.region_name:
        raise DeployError("no region: set AWS_REGION, or run aws configure set region REGION")
    return session


def pairs_as_mapping(pairs: Iterable[str], source: str) -> dict[str, str]:
    """Read ``Name=Value`` texts.

    Raises:
        DeployError: A text is malformed or not UTF-8, or a name has two values.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        if has_lone_surrogates(pair):
            raise DeployError(f"{source}: {pair!r} is not UTF-8; write it in UTF-8")
        name, equals, value = pair.partition("=")
        if not equals:
            raise DeployError(f"{source}: {pair!r} must have the form Name=Value")
        if found.setdefault(name, value) != value:
            raise DeployError(f"{source}: {name} is both {found[name]!r} and {value!r}; keep one")
    return found
