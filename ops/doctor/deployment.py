"""Reads the settings of one environment and the template."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.template.intrinsics import parse
from ops.answers import ANSWERS
from ops.settings import DeployError, DeploySettings


@dataclass(frozen=True, slots=True)
class ExpectedTable:
    """A table as the template configures it.

    Attributes:
        ttl_attribute: The attribute with an item's expiry; None where items do not expire.
        is_recoverable: Whether point-in-time recovery is on.
    """

    ttl_attribute: str | None
    is_recoverable: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment and the template.

    Attributes:
        settings: The settings of the environment.
        defaults: The template's defaults of all parameters.
        functions: Logical ids of the template's functions.
        tables: The template's tables, by logical id.
    """

    settings: DeploySettings
    defaults: Mapping[str, str]
    functions: tuple[str, ...]
    tables: Mapping[str, ExpectedTable]

    @property
    def parameter_source(self) -> str:
        """The place where the parameters are set, for the report."""
        return f"[{self.settings.environment}.deploy.parameters] of {self.settings.file.name}"

    @property
    def deploy_command(self) -> str:
        """The command that deploys the environment."""
        is_answered = self.settings.file.name == ANSWERS.name
        return "make deploy" if is_answered else f"make deploy ENV={self.settings.environment}"

    def parameters(self, deployed: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of the next deployment.

        Args:
            deployed: The stack's current parameters. SAM keeps a parameter that it is not given.
        """
        return {**self.defaults, **deployed, **self.settings.overrides}


def read_deployment(settings: DeploySettings, template: Path) -> Deployment:
    """Combine the settings of an environment with the template.

    Raises:
        DeployError: The environment has no stack name.
    """
    if not settings.stack_name:
        raise DeployError(f"{settings.environment} of {settings.file.name} has no stack_name")
    document = parse(template.read_text())
    resources: dict[str, dict[str, Any]] = document["Resources"]
    return Deployment(
        settings=settings,
        defaults={
            name: str(spec["Default"])
            for name, spec in document["Parameters"].items()
            if "Default" in spec
        },
        functions=tuple(
            name
            for name, resource in resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
        ),
        tables={
            name: _expected_table(resource["Properties"])
            for name, resource in resources.items()
            if resource["Type"] == "AWS::DynamoDB::Table"
        },
    )


def _expected_table(properties: Mapping[str, Any]) -> ExpectedTable:
    expiry = properties.get("TimeToLiveSpecification", {})
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    return ExpectedTable(
        ttl_attribute=expiry.get("AttributeName") if expiry.get("Enabled") else None,
        is_recoverable=bool(recovery.get("PointInTimeRecoveryEnabled")),
    )
