"""The options of the local stack, and the addresses of its servers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from local.gateway.chaos import ChaosSettings
from local.gateway.settings import GatewaySettings
from local.hosting.ports import DEFAULT_BASE
from local.hosting.table_faults import TableFaultProxy
from local.lambdas.code_changes import CodeChange
from local.lambdas.event_queue import EventSettings
from local.lambdas.hosting_types import FunctionCode

PROJECT = Path(__file__).resolve().parents[2]
SOURCE_CODE = FunctionCode(
    task_root=PROJECT / "functions",
    python_path=(PROJECT / "functions", PROJECT / "layers" / "shared"),
)
PAGE_DIRECTORY = PROJECT / "clients" / "web" / "site"
STAGE = "local"
AUDIENCE = "repartee-local"
# The folders that the Gemini simulator reads when it starts.
SIMULATOR_FILES = tuple(PROJECT / "local" / "gemini" / name for name in ("languages", "tools"))
GEMINI_KEY_SECRET = "GeminiKeySecret"  # noqa: S105 - a logical id
# Enough for a first conversation without a cold start. The first messages of a session arrive
# together, and each may need its own environment.
PREWARM = {
    "MessageFunction": 2,
    "AuthorizerFunction": 1,
    "ConnectFunction": 1,
    "HttpApiFunction": 1,
    "StreamAgentFunction": 1,
    "CoreAgentFunction": 1,
}
# On a laptop, more concurrent starts slow each other down. Further invocations wait.
MAX_ENVIRONMENTS = {
    "MessageFunction": 4,
    "AuthorizerFunction": 2,
    "ConnectFunction": 2,
    "DisconnectFunction": 2,
    "HttpApiFunction": 2,
    "CoreAgentFunction": 4,
    "StreamAgentFunction": 10,
}
# Lambda's quota. A function with this timeout is built to be ended by it; shorter timeouts only
# guard single requests.
LAMBDA_LIMIT_S = 900


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Options of the stack.

    Args:
        template: The SAM template, which defines all functions, routes and tables.
        run_directory: The folder for logs and records; None creates one below ``.local/``.
        port_base: The first of ten ports; None selects free ones.
        parameters: Template parameters, which override the stack's own values.
        environment: Environment variables that override the template's; other names are ignored.
        code: The functions' code by logical id; None for the source tree.
        gemini_api_key: A real key, with which the functions use Google's Gemini.
        gemini: Whether to run the simulator when there is no key.
        gemini_pace: The speed of the simulator's answers.
        gemini_arguments: Further arguments for the simulator.
        dynamodb: The program that holds the tables; "auto" is DynamoDB Local if it is installed.
        dynamodb_data: The folder that keeps DynamoDB Local's tables; None keeps them in memory.
            MiniStack keeps none.
        prewarm: Environments to start beforehand, by function; functions that are not in the
            template are ignored.
        prewarm_at_once: The number of environments that start concurrently.
        max_environments: The largest number of processes, by function; 10 by default.
        time_scale: The factor by which long limits pass faster: the gateway's idle time and life
            of connections, Lambda's 15 minutes, the age of Gemini's connections. The remaining
            time that a worker reads is scaled too. Leases, timeouts of single requests and
            speech take their real time.
        gateway: The gateway's limits.
        chaos: The gateway's faults.
        table_faults: A proxy in front of the tables that makes faults; None lets the functions
            call DynamoDB directly.
        events: The delivery of Event invocations.
        tracing: Whether turns are traced to the observer, unless ``TraceUrl`` is set.
        deadline_s: The time that each program has to start.
        code_changed: Called when the functions' source files were edited; later invocations run
            the new code. None looks for no changes.
    """

    template: Path = PROJECT / "template.yaml"
    run_directory: Path | None = None
    port_base: int | None = DEFAULT_BASE
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, FunctionCode] | None = None
    gemini_api_key: str | None = None
    gemini: bool = True
    gemini_pace: Literal["human", "instant"] = "human"
    gemini_arguments: tuple[str, ...] = ()
    dynamodb: Literal["auto", "dynamodb-local", "ministack"] = "auto"
    dynamodb_data: Path | None = None
    prewarm: Mapping[str, int] = field(default_factory=lambda: dict(PREWARM))
    prewarm_at_once: int = 2
    max_environments: Mapping[str, int] = field(default_factory=lambda: dict(MAX_ENVIRONMENTS))
    time_scale: float = 1.0
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    chaos: ChaosSettings = field(default_factory=ChaosSettings)
    table_faults: TableFaultProxy | None = None
    events: EventSettings = field(default_factory=EventSettings)
    tracing: bool = False
    deadline_s: float = 60.0
    code_changed: Callable[[CodeChange], None] | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the stack's servers, and the key to its tables.

    Args:
        websocket: The WebSocket API, with its stage.
        http: The HTTP API.
        connections: The ``@connections`` endpoint, with its stage.
        gateway_control: The prefix of the gateway's ``/control``.
        lambdas: Lambda's endpoint for boto3, and the prefix of its ``/control``.
        dynamodb: DynamoDB's endpoint.
        aws: The endpoint of Secrets Manager and SQS.
        gemini: The simulator; "" without one.
        issuer: The token issuer.
        observer: The pages for operators, and the collector of traces.
        access_key: The access key of the tables; other keys see an empty DynamoDB.
    """

    websocket: str
    http: str
    connections: str
    gateway_control: str
    lambdas: str
    dynamodb: str
    aws: str
    gemini: str
    issuer: str
    observer: str
    access_key: str = field(repr=False)
