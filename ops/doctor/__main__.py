"""``python -m ops.doctor --env ENV``: check the account, and the stack after a deployment.

It changes nothing, uses the caller's credentials and prints one line for each check. Exit status 0:
everything is right, 1: something is wrong, 2: something could not be checked.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from local.template.intrinsics import TemplateError
from ops.answers import settings_of
from ops.doctor.checkup import Checkup
from ops.doctor.deployment import read_deployment
from ops.doctor.gemini import ask
from ops.finding import Finding, exit_status
from ops.settings import ROOT, DeployError, open_session

_COULD_NOT_CHECK = 2


class CannotStartError(Exception):
    """No check can be made; the message names what is missing."""


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.doctor", description=__doc__)
    parser.add_argument(
        "--env", help="environment of samconfig.toml (default: the answers that make deploy kept)"
    )
    parser.add_argument(
        "--gemini-url", default="", metavar="URL", help="default: the deployment's GeminiBaseUrl"
    )
    return parser.parse_args(arguments)


def run_checkup(given: argparse.Namespace) -> int:
    """Make and print all checks; return the exit status.

    Raises:
        CannotStartError: Environment, region or credentials are missing.
    """
    try:
        settings = settings_of(given.env)
        deployment = read_deployment(settings, ROOT / "template.yaml")
        session = open_session(settings)
        caller = session.client("sts").get_caller_identity()
    except (DeployError, TemplateError) as error:
        raise CannotStartError(str(error)) from error
    except NoCredentialsError as error:
        raise CannotStartError(
            "no AWS credentials: set AWS_PROFILE, or run aws configure or aws sso login"
        ) from error
    except (ClientError, BotoCoreError) as error:
        raise CannotStartError(f"AWS did not answer: {error}") from error
    print(
        f"account {caller['Account']}, {session.region_name}, "
        f"stack {settings.stack_name} ({settings.environment} of {settings.file.name})"
    )
    findings = []
    for finding in Checkup(session, deployment, ask, given.gemini_url).findings():
        print(line_of(finding), flush=True)
        findings.append(finding)
    return exit_status(findings)


def line_of(finding: Finding) -> str:
    """Return a finding as one line of the report."""
    advice = f" | mend: {finding.advice}" if finding.advice else ""
    return f"{finding.verdict:15}  {finding.subject}: {finding.detail}{advice}"


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        return run_checkup(parse_arguments(arguments))
    except CannotStartError as reason:
        print(f"could not check: {reason}", file=sys.stderr)
        return _COULD_NOT_CHECK


if __name__ == "__main__":
    sys.exit(main())
