"""How to run the local stack, and where its parts then listen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from local.gateway.chaos import ChaosSettings
from local.gateway.settings import GatewaySettings
from local.hosting.ports import DEFAULT_BASE
from local.hosting.table_faults import TableFaultProxy
from local.lambdas.event_queue import EventSettings
from local.lambdas.hosting_types import FunctionCode

PROJECT = Path(__file__).resolve().parent.parent
SOURCE_CODE = FunctionCode(
    task_root=PROJECT / "functions",
    python_path=(PROJECT / "functions", PROJECT / "layers" / "shared"),
)
STAGE = "local"
AUDIENCE = "repartee-local"
# For many talks with the same recordings: the simulator decodes the same samples only once.
UTTERANCE_CACHE = ("--utterance-cache", str(PROJECT / ".local" / "utterances"))
GEMINI_KEY_SECRET = "GeminiKeySecret"  # noqa: S105 - a logical id
# Enough for a first conversation without a cold start (build notes: the first messages of a
# session may each start an environment of their own).
PREWARM = {
    "MessageFunction": 2,
    "AuthorizerFunction": 1,
    "ConnectFunction": 1,
    "HttpApiFunction": 1,
    "StreamAgentFunction": 1,
    "CoreAgentFunction": 1,
}
# More starts at once than this only slow each other down on a laptop; further invocations wait.
MAX_ENVIRONMENTS = {
    "MessageFunction": 4,
    "AuthorizerFunction": 2,
    "ConnectFunction": 2,
    "DisconnectFunction": 2,
    "HttpApiFunction": 2,
    "CoreAgentFunction": 4,
    "StreamAgentFunction": 10,
}
# Lambda's quota. Who may run as long as that must cope with its end; shorter timeouts only guard
# single requests.
LAMBDA_LIMIT_S = 900


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How to run the stack.

    Args:
        template: The SAM template; nothing is wired that it does not say.
        run_directory: Data and logs; None makes a new folder under ``.local/``.
        port_base: First of nine ports; None takes free ones.
        parameters: Values for template parameters, over the stack's own.
        live_model: Gemini's live model, whose rules the simulator follows; None for the template's.
        environment: Values for functions' variables that the template defines, over its own.
        code: Where the functions' code is; None for the source tree.
        gemini_api_key: A real key: the functions then talk to Google's Gemini.
        gemini: Whether to run the simulator when there is no key.
        gemini_pace: How fast the simulator answers.
        gemini_arguments: More arguments for the simulator.
        dynamodb: Which program holds the tables; "auto" is DynamoDB Local where it is installed.
        dynamodb_data: Folder that keeps DynamoDB Local's tables; None keeps them in memory.
        prewarm: Environments to start beforehand, by function; functions that the template
            lacks are ignored.
        prewarm_at_once: How many of them start side by side.
        max_environments: Processes at most, by function; 10 where nothing is said.
        time_scale: How many times as fast the limits pass that a long conversation crosses: the
            gateway's idle time and life of connections, Lambda's 15 minutes, the age of Gemini's
            connections. What a worker is told of its time left is told in that time. Everything
            else takes its real time: leases, timeouts of single requests, the talk itself.
        gateway: The gateway's limits.
        chaos: The gateway's faults.
        table_faults: Stands between the functions and the tables, and makes faults that no emulator
            makes; None lets the functions call DynamoDB itself.
        events: How Event invocations are delivered.
        deadline_s: How long each program may take to start.
    """

    template: Path = PROJECT / "template.yaml"
    run_directory: Path | None = None
    port_base: int | None = DEFAULT_BASE
    parameters: Mapping[str, str] = field(default_factory=dict)
    live_model: str | None = None
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
    deadline_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens.

    Args:
        websocket: What a client connects to, stage included.
        http: The HTTP API.
        connections: The ``@connections`` endpoint, stage included.
        gateway_control: Prefix of the gateway's ``/control``.
        lambdas: Lambda's endpoint for boto3; its ``/control`` too.
        dynamodb: DynamoDB's endpoint.
        aws: Endpoint of Secrets Manager and SQS.
        gemini: The simulator; "" with the real Gemini or without any.
        issuer: The token issuer.
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
