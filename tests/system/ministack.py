"""The built template on MiniStack, deployed by `make deploy`, with IAM enforced."""

import asyncio
import contextlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from local.hosting.aws_resources import client_options
from local.hosting.ports import Ports
from local.hosting.programs import (
    GeminiSimulator,
    RunPaths,
    start_ministack,
    wait_until_ministack_ready,
)
from local.stack.options import PROJECT
from local.template.intrinsics import parse
from local.template.model import REGION
from tests.system.adaptations import ADAPTATIONS, Template

STACK = "repartee-dev"
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
_START_S = 120.0


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make with a developer's environment, but without their AWS account."""
    inherited = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - as a shell passes it
        if not name.startswith("AWS_") and name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(  # noqa: S603 - the targets that operators call
        ["/usr/bin/env", "make", *arguments],
        cwd=PROJECT,
        env={**inherited, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def built_template() -> Template:
    """Build for this machine and return the built template with absolute paths."""
    build = make("build", f"ARCHITECTURE={ARCHITECTURE}")
    assert build.returncode == 0, build.stderr[-4_000:]
    folder = PROJECT / ".aws-sam" / ARCHITECTURE / "build"
    template = parse((folder / "template.yaml").read_text())
    for resource in template["Resources"].values():
        for path in {"CodeUri", "ContentUri"} & set(resource["Properties"]):
            resource["Properties"][path] = str(folder / resource["Properties"][path])
    return template


@dataclass(slots=True)
class MiniStack:
    """A running MiniStack with a Gemini simulator beside it.

    Attributes:
        endpoint: The address of all its services.
        gemini: The simulator.
        folder: Data and logs.
        runner: The event loop of its processes.
    """

    endpoint: str
    gemini: GeminiSimulator
    folder: Path
    runner: asyncio.Runner

    def pause(self, seconds: float) -> None:
        """Run the event loop of its processes for a while."""
        self.runner.run(asyncio.sleep(seconds))

    def client(self, service: str) -> Any:
        """Return a boto3 client with all permissions."""
        return boto3.session.Session().client(service, **client_options(self.endpoint))  # type: ignore[call-overload]

    def deploy(self, template: Template) -> subprocess.CompletedProcess[str]:
        """Call `make deploy ENV=dev` with the adapted template."""
        for adaptation in ADAPTATIONS.values():
            template = adaptation.change(template, self.endpoint)
        path = self.folder / "template.yaml"
        path.write_text(yaml.safe_dump(template))
        return make(
            *("deploy", "ENV=dev", f"ARCHITECTURE={ARCHITECTURE}", f"TEMPLATE={path}"),
            f"PARAMETERS=GeminiBaseUrl={self.gemini.url}",
            AWS_ENDPOINT_URL=self.endpoint,
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )

    def outputs(self) -> Mapping[str, str]:
        """Return the stack's outputs."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def create_user(self, name: str, password: str) -> None:
        """Create a user of the stack's user pool, as in docs/operations.md."""
        cognito, pool = self.client("cognito-idp"), {"UserPoolId": self.outputs()["UserPoolId"]}
        cognito.admin_create_user(**pool, Username=name)
        cognito.admin_set_user_password(**pool, Username=name, Password=password, Permanent=True)

    def physical_id(self, logical_id: str) -> str:
        """Return the physical id of a resource."""
        resource = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical_id
        )
        return str(resource["StackResourceDetail"]["PhysicalResourceId"])

    def invoke(self, output: str, event: str) -> dict[str, Any]:
        """Invoke the function that an output names with a sample event; return its answer."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs()[output],
            Payload=(PROJECT / "events" / f"{event}.json").read_bytes(),
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def log(self, function: str) -> str:
        """Return the log of a function so far."""
        pages = self.client("logs").get_paginator("filter_log_events")
        group = f"/aws/lambda/{STACK}-{function}"
        return "\n".join(
            event["message"]
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        )

    def events(self) -> Sequence[str]:
        """Return the reasons for which resources failed."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events")
        events = pages.paginate(StackName=STACK).build_full_result()["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if "FAILED" in event["ResourceStatus"]
        ]


@contextlib.contextmanager
def running_ministack(folder: Path) -> Iterator[MiniStack]:
    """Start MiniStack and the simulator, and stop both at the end of the context."""
    place = RunPaths(PROJECT, folder, _START_S)
    with asyncio.Runner() as runner, Ports.reserved() as ports:
        gemini = GeminiSimulator(place, ports.gemini, "instant")

        async def start(running: contextlib.AsyncExitStack) -> None:
            running.push_async_callback(gemini.stop)
            await gemini.start()
            # Functions are child processes of MiniStack and inherit its trusted certificates.
            child = await start_ministack(
                place,
                ports.aws,
                starter=PROJECT / "tests/system/ministack_with_leading_keys.py",
                AUTH="true",
                SSL_CERT_FILE=str(gemini.ca_file),
            )
            running.push_async_callback(child.stop)
            await wait_until_ministack_ready(place, child, ports.aws)

        running = contextlib.AsyncExitStack()
        try:
            runner.run(start(running))
            yield MiniStack(f"http://127.0.0.1:{ports.aws}", gemini, folder, runner)
        finally:
            runner.run(running.aclose())
