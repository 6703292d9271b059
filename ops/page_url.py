"""The page's address, which is known only after a stack's first deployment.

The user pool must know where it returns users, and its client cannot refer to the HTTP API, which
refers to that client. So the address is a parameter.
"""

from collections.abc import Callable, Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

PAGE_URL = "PageUrl"
PLACEHOLDER = "https://HTTP_API_ID.execute-api.REGION.amazonaws.com/"
REASON = "Users sign in to the page at the user pool, which must know the page's address."

type RunSam = Callable[[Mapping[str, str]], int]
type ReadAddress = Callable[[], str | None]


def needs_page_url(chosen: Mapping[str, str]) -> bool:
    """Return whether the stack's own address must be passed as ``PageUrl``."""
    return not chosen.get(PAGE_URL) and not chosen.get("JwtIssuer")


def read_page_address(session: boto3.session.Session, stack: str) -> str | None:
    """Return the address at which the stack's HTTP API serves the page.

    Returns:
        None if the stack is not deployed or cannot be read. Without credentials nothing is
        printed, because ``sam deploy`` reports the problem next.
    """
    config = Config(connect_timeout=5, retries={"mode": "standard"})
    try:
        client = session.client("cloudformation", config=config)
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except NoCredentialsError:
        return None
    except (ClientError, BotoCoreError) as error:
        # CloudFormation has no error code for a missing stack, only a message.
        if "does not exist" not in str(error):
            print(f"The stack cannot be read, so PageUrl keeps its value: {error}")
        return None
    urls = [o["OutputValue"] for o in found.get("Outputs", []) if o["OutputKey"] == "HttpApiUrl"]
    return f"{urls[0]}/" if urls else None


def deploy_with_page(
    chosen: Mapping[str, str],
    run_sam: RunSam,
    read_address: ReadAddress,
    show: Callable[[str], None] = print,
) -> int:
    """Deploy with the page's address: once if it is known, and a second time if it is new.

    Args:
        chosen: The parameters. Their ``PageUrl`` is kept.
        run_sam: Deploys with parameters, and returns the exit code.
        read_address: Returns the page's address; None before the first deployment.
        show: Shows a line to the user.

    Returns:
        The exit code of the last deployment.
    """
    parameters = dict(chosen)
    if needs_page_url(parameters) and (address := read_address()) is not None:
        show(f"PageUrl is {address}, the address of the stack's HTTP API.")
        parameters[PAGE_URL] = address
    if code := run_sam(parameters):
        return code
    if (address := read_address()) is None:
        return code
    if needs_page_url(parameters):
        show(f"{REASON} A second change set passes it: PageUrl={address}")
        parameters[PAGE_URL] = address
        code = run_sam(parameters)
    if code == 0:
        show(f"The page: {parameters.get(PAGE_URL) or address}")
    return code
