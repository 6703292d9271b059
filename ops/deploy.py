"""``make deploy``: build for the environment's architecture, then run ``sam deploy``.

It passes every parameter on the command line, because SAM ignores the configuration file's list
when the command line has a parameter.
"""

import argparse
import os
import shlex
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.template.function_settings import problems_of_functions
from local.template.parameters import problem_with
from local.template.reader import declared_parameters
from local.template.rules import broken_rules
from ops.answers import ANSWERS, ask_all, settings_of
from ops.doctor.account import needs_log_role, read_log_role
from ops.page_url import (
    PAGE_URL,
    PLACEHOLDER,
    REASON,
    deploy_with_page,
    needs_page_url,
    read_page_address,
)
from ops.settings import (
    ROOT,
    TEMPLATE,
    DeployError,
    DeploySettings,
    open_session,
    pairs_as_mapping,
)

SAM = ".tools/sam/bin/sam"
# e_machine of an ELF header, by architecture.
_MACHINES = {"x86_64": 62, "arm64": 183}

type Quota = Callable[[], int | None]


class Session(Protocol):
    """The part of boto3's session that looks for the log role."""

    @property
    def client(self) -> Callable[..., Any]:
        """Make a client of a service."""


def chosen_parameters(
    settings: DeploySettings,
    given: Mapping[str, str],
    parameters: Mapping[str, Mapping[str, object]],
) -> dict[str, str]:
    """Return the parameters of the settings, with single ones replaced by ``given``.

    Raises:
        DeployError: Parameters do not exist, or their values are not accepted.
    """
    chosen = {"Architecture": str(parameters["Architecture"]["Default"])}
    chosen |= {**settings.overrides, **given}
    checked = (problem_with(name, value, parameters) for name, value in chosen.items())
    problems = [problem for problem in checked if problem is not None]
    problems = problems or broken_rules(TEMPLATE, chosen)
    # The functions are checked only with values that the template accepts.
    problems = problems or problems_of_functions(TEMPLATE, chosen)
    if problems:
        raise DeployError("\n  ".join(problems))
    return chosen


def with_quota(chosen: Mapping[str, str], quota: Quota) -> dict[str, str]:
    """Add the account's concurrency quota, which FullPoolAlarm needs without a reserved pool."""
    reserved = chosen.get("StreamAgentConcurrency", "0") != "0"
    if reserved or "AccountConcurrency" in chosen:
        return dict(chosen)
    found = quota()
    return dict(chosen) if found is None else {**chosen, "AccountConcurrency": str(found)}


def read_quota(session: boto3.session.Session) -> int | None:
    """Return the concurrency quota of the account and region.

    Returns:
        None if the quota cannot be read. Without credentials nothing is printed, because
        ``sam deploy`` reports the problem next.
    """
    config = Config(connect_timeout=5, retries={"total_max_attempts": 2})
    try:
        answer = session.client("lambda", config=config).get_account_settings()
        return answer["AccountLimit"]["ConcurrentExecutions"]
    except ClientError as error:
        print(
            "The account's concurrency quota cannot be read, so AccountConcurrency keeps its "
            f"default: {error}"
        )
    except BotoCoreError:
        pass
    return None


def check_log_role(session: Session, chosen: Mapping[str, str]) -> None:
    """Check that the account can have the WebSocket API's logs.

    A first deployment without the role is rolled back after all tables were made.

    Raises:
        DeployError: The account has no role, and the stack does not make it.
    """
    defaults = {"WebSocketLogs": "false", "ManageApiGatewayLogRole": "false", **chosen}
    if not needs_log_role(defaults) or defaults["ManageApiGatewayLogRole"] == "true":
        return
    config = Config(connect_timeout=5, retries={"total_max_attempts": 2})
    try:
        role = read_log_role(session.client("apigateway", config=config))
    except ClientError as error:
        print(f"API Gateway's CloudWatch Logs role cannot be read: {error}")
        return
    except BotoCoreError:
        # `sam deploy` reports the problem next.
        return
    if not role:
        raise DeployError(
            "WebSocketLogs=true, but the account has no CloudWatch Logs role for API Gateway in "
            "this region; add ManageApiGatewayLogRole=true, which makes it"
        )


def sam_command(settings: DeploySettings, template: str, chosen: Mapping[str, str]) -> list[str]:
    """Return the command that deploys ``template``."""
    # SAM refuses NAME= without quotation marks.
    pairs = (f"{name}={value or '""'}" for name, value in chosen.items())
    return [
        *(SAM, "deploy", "--template-file", template),
        # SAM resolves a relative path from the template's folder.
        *("--config-file", str(settings.file), "--config-env", settings.environment),
        *("--parameter-overrides", *pairs),
    ]


def check_build(folder: Path, architecture: str) -> None:
    """Check that every compiled library below ``folder`` is for ``architecture``.

    Raises:
        DeployError: A library is for another processor, or there is no library.
    """
    libraries = sorted(folder.glob("*Layer/python/**/*.so"))
    for library in libraries:
        with library.open("rb") as file:
            header = file.read(20)
        machine = struct.unpack_from("<H", header, 18)[0] if len(header) == 20 else 0
        if machine != _MACHINES[architecture]:
            made_for = {number: name for name, number in _MACHINES.items()}.get(machine, "another")
            raise DeployError(
                f"the build in {folder} is for {made_for}, not {architecture} ({library.name}); "
                f"delete the folder and run make build ARCHITECTURE={architecture}"
            )
    if not libraries:
        raise DeployError(f"{folder} contains no build; run make build ARCHITECTURE={architecture}")


def sam_environment() -> dict[str, str]:
    """Return the environment for SAM: the user's region, and no flags of an outer make."""
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    if kept.get("AWS_REGION"):
        # The AWS CLI prefers AWS_REGION, and SAM reads only AWS_DEFAULT_REGION.
        kept["AWS_DEFAULT_REGION"] = kept["AWS_REGION"]
    return {**kept, "SAM_CLI_TELEMETRY": "0"}


def deploy(options: argparse.Namespace) -> int:
    """Build and deploy; return the exit code of the last program.

    Raises:
        DeployError: The settings or the build cannot be deployed.
    """
    parameters = declared_parameters(TEMPLATE)
    given = pairs_as_mapping(options.set, "PARAMETERS and ARCHITECTURE")
    if not (options.env or options.dry_run or ANSWERS.exists()):
        ANSWERS.write_text(ask_all(parameters))
        print(f"The answers are in {ANSWERS.name}.")
    settings = settings_of(options.env)
    chosen = chosen_parameters(settings, given, parameters)
    architecture = chosen["Architecture"]
    build = ["make", "build", f"ARCHITECTURE={architecture}"]
    template = options.template or f".aws-sam/{architecture}/build/template.yaml"
    if options.dry_run:
        print(shlex.join(build))
        print(shlex.join(sam_command(settings, template, chosen)))
        if needs_page_url(chosen):
            print(f"# {REASON} After the first deployment, a second change set passes it:")
            print(shlex.join(sam_command(settings, template, {**chosen, PAGE_URL: PLACEHOLDER})))
        return 0
    environment = sam_environment()
    session = open_session(settings)
    check_log_role(session, chosen)
    if code := subprocess.run(build, cwd=ROOT, env=environment, check=False).returncode:
        return code
    check_build(ROOT / ".aws-sam" / architecture / "build", architecture)
    source = f"{settings.environment} of {settings.file.name}"
    print(f"Deploying stack {settings.stack_name} ({source}) to {session.region_name}.")

    def run_sam(parameters: Mapping[str, str]) -> int:
        sys.stdout.flush()
        command = sam_command(settings, template, parameters)
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode

    return deploy_with_page(
        with_quota(chosen, lambda: read_quota(session)),
        run_sam,
        lambda: read_page_address(session, settings.stack_name),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.deploy", description=__doc__)
    parser.add_argument("--env", help="environment of samconfig.toml (default: the kept answers)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one parameter"
    )
    parser.add_argument("--template", help="deploy this built template instead")
    parser.add_argument("--dry-run", action="store_true", help="print the commands only")
    try:
        return deploy(parser.parse_args(arguments))
    except DeployError as error:
        print(f"cannot deploy: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
