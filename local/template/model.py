"""The typed content of template.yaml: functions, routes, tables, queues and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """The retries of asynchronous invocations; the defaults are Lambda's."""

    maximum_retry_attempts: int = 2
    maximum_event_age_s: int = 21_600
    on_failure_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function."""

    logical_id: str
    arn: str
    handler: str
    timeout_s: int
    memory_mb: int
    environment: Mapping[str, str]
    reserved_concurrency: int | None
    event_invoke: EventInvokeConfig
    log_format: str = "Text"
    log_level: str | None = None

    @property
    def name(self) -> str:
        """The deployed function's name."""
        return self.arn.rsplit(":", 1)[-1]


@dataclass(frozen=True, slots=True)
class WebSocketRoute:
    """One route of the WebSocket API, and the function it calls."""

    route_key: str
    function: str
    integration_timeout_ms: int
    has_response: bool


@dataclass(frozen=True, slots=True)
class RequestAuthorizer:
    """The REQUEST authorizer of ``$connect``; sources look like ``route.request.querystring.x``."""

    function: str
    identity_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    logical_id: str
    stage: str
    route_selection_expression: str
    routes: Mapping[str, WebSocketRoute]
    authorizer: RequestAuthorizer | None


@dataclass(frozen=True, slots=True)
class JwtAuthorizer:
    identity_source: str
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One route of the HTTP API; ``path`` is None for ``$default``."""

    method: str
    path: str | None
    function: str
    authorizer: JwtAuthorizer | None
    scopes: tuple[str, ...]
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Cors:
    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None
    allow_credentials: bool = False


@dataclass(frozen=True, slots=True)
class HttpApi:
    logical_id: str
    stage: str
    routes: tuple[HttpRoute, ...]
    cors: Cors | None


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table; ``key_schema`` and ``attributes`` have the form of the API."""

    logical_id: str
    name: str
    key_schema: tuple[Mapping[str, str], ...]
    attributes: tuple[Mapping[str, str], ...]
    global_secondary_indexes: tuple[Mapping[str, Any], ...]
    ttl_attribute: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    logical_id: str
    name: str
    arn: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret; ``generated_length`` is set if CloudFormation generates its value."""

    logical_id: str
    name: str
    generated_length: int | None


@dataclass(frozen=True, slots=True)
class Application:
    """The parts of the template that the local stack runs."""

    functions: Mapping[str, Function]
    websocket_apis: Mapping[str, WebSocketApi]
    http_apis: Mapping[str, HttpApi]
    tables: Mapping[str, Table]
    queues: Mapping[str, Queue]
    secrets: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class LocalValues:
    """Values of this machine that replace values of the template.

    Args:
        references: Results of ``Ref`` by logical id. For example, only the service knows the last
            characters of a secret's ARN.
        environment: Environment variables, used only where a function defines that name.
    """

    references: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def function_arn(name: str) -> str:
    """Return the ARN of a function of the local account."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
