"""`make deploy` passes the page's address to the user pool."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ops.page_url import deploy_with_page, read_page_address

pytestmark = pytest.mark.unit

ADDRESS = "https://abc.execute-api.eu-west-1.amazonaws.com/"
STACK = {
    "StackName": "repartee",
    "CreationTime": "2026-11-30T00:00:00Z",
    "StackStatus": "CREATE_COMPLETE",
}
URL_OUTPUT = {"OutputKey": "HttpApiUrl", "OutputValue": ADDRESS.removesuffix("/")}


class Deployments:
    """Records the deployments of one stack, whose address is known once it exists."""

    def __init__(self, *, exists: bool = False, exit_codes: tuple[int, ...] = ()) -> None:
        self.exists = exists
        self.exit_codes = list(exit_codes)
        self.parameters: list[dict[str, str]] = []
        self.shown: list[str] = []

    def run_sam(self, parameters: Mapping[str, str]) -> int:
        self.parameters.append(dict(parameters))
        code = self.exit_codes.pop(0) if self.exit_codes else 0
        self.exists = self.exists or code == 0
        return code

    def read(self) -> str | None:
        return ADDRESS if self.exists else None

    def deploy(self, **chosen: str) -> int:
        return deploy_with_page(chosen, self.run_sam, self.read, self.shown.append)


def test_the_first_deployment_is_followed_by_one_with_the_address_of_the_page() -> None:
    made = Deployments()
    assert made.deploy(StageName="dev") == 0
    assert made.parameters == [{"StageName": "dev"}, {"StageName": "dev", "PageUrl": ADDRESS}]
    assert f"A second change set passes it: PageUrl={ADDRESS}" in made.shown[0]
    assert made.shown[-1] == f"The page: {ADDRESS}"


def test_later_deployments_pass_the_address_at_once() -> None:
    made = Deployments(exists=True)
    assert made.deploy() == 0
    assert made.parameters == [{"PageUrl": ADDRESS}]


@pytest.mark.parametrize("exists", [False, True])
def test_an_address_in_the_settings_is_kept(exists: bool) -> None:
    made = Deployments(exists=exists)
    assert made.deploy(PageUrl="https://talk.example.com/") == 0
    assert made.parameters == [{"PageUrl": "https://talk.example.com/"}]
    assert made.shown == ["The page: https://talk.example.com/"]


def test_with_another_issuer_one_deployment_is_enough() -> None:
    made = Deployments()
    assert made.deploy(JwtIssuer="https://login.example.com", PageUrl="") == 0
    assert len(made.parameters) == 1
    assert made.shown == [f"The page: {ADDRESS}"]


def test_a_failed_deployment_is_the_last_one() -> None:
    first, second = Deployments(exit_codes=(3,)), Deployments(exit_codes=(0, 4))
    assert (first.deploy(), second.deploy()) == (3, 4)
    assert len(first.parameters) == 1
    assert not any(line.startswith("The page") for line in first.shown + second.shown)


def test_a_change_set_that_the_user_declines_has_no_page() -> None:
    """`sam deploy` succeeds then, and the stack has no outputs."""
    made = Deployments()
    assert deploy_with_page({}, made.run_sam, lambda: None, made.shown.append) == 0
    assert (len(made.parameters), made.shown) == (1, [])


@pytest.mark.parametrize(
    ("stack", "address"),
    [
        (STACK | {"Outputs": [{"OutputKey": "A", "OutputValue": "b"}, URL_OUTPUT]}, ADDRESS),
        (STACK | {"StackStatus": "REVIEW_IN_PROGRESS"}, None),
        (None, None),
    ],
)
def test_the_address_comes_from_the_outputs_of_the_stack(
    stack: dict[str, Any] | None, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.session.Session("any", "any", region_name="eu-west-1")
    client = session.client("cloudformation")
    monkeypatch.setattr(session, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        expected = {"StackName": "repartee"}
        if stack is None:
            problem = "Stack with id repartee does not exist"
            stubber.add_client_error(
                "describe_stacks", "ValidationError", problem, 400, {}, expected
            )
        else:
            stubber.add_response("describe_stacks", {"Stacks": [stack]}, expected)
        assert read_page_address(session, "repartee") == address
