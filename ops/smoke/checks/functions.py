"""Compares the configuration of a deployed stack's functions with the template."""

from typing import TYPE_CHECKING

from ops.finding import Finding, compared, noted

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient

_NAMES = (
    "authorizer",
    "connect",
    "message",
    "disconnect",
    "stream-agent",
    "core-agent",
    "http-api",
)


def findings(client: "LambdaClient", stack: str) -> list[Finding]:
    """Read the configuration of the stack's functions, without changes or invocations."""
    worker = f"{stack}-stream-agent"
    invokes = client.get_function_event_invoke_config(FunctionName=worker)
    summaries = client.get_function_event_invoke_config(FunctionName=f"{stack}-core-agent")
    concurrency = client.get_function_concurrency(FunctionName=worker)
    found = [
        compared("Lambda does not retry the stream agent", invokes.get("MaximumRetryAttempts"), 0),
        compared("its wakes expire after 60 s", invokes.get("MaximumEventAgeInSeconds"), 60),
        compared(
            "failed wakes go to the queue",
            "OnFailure" in invokes.get("DestinationConfig", {}),
            True,
        ),
        compared("Lambda does not retry summaries", summaries.get("MaximumRetryAttempts"), 0),
        compared(
            "the stream agent may invoke itself",
            client.get_function_recursion_config(FunctionName=worker)["RecursiveLoop"],
            "Allow",
        ),
        noted(
            "reserved concurrency of the stream agent",
            str(concurrency.get("ReservedConcurrentExecutions", "not reserved")),
        ),
    ]
    for name in _NAMES:
        logs = client.get_function_configuration(FunctionName=f"{stack}-{name}")["LoggingConfig"]
        levels = (logs.get("ApplicationLogLevel"), logs.get("SystemLogLevel"))
        found.append(compared(f"{name}'s log levels", levels, ("INFO", "WARN")))
    return found
