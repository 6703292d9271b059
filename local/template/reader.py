"""Reads template.yaml by the rules of SAM and CloudFormation that the local stack supports."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.template.intrinsics import Resolver, TemplateError, merge_globals, parse
from local.template.model import (
    REGION,
    Application,
    Cors,
    EventInvokeConfig,
    Function,
    HttpApi,
    HttpRoute,
    JwtAuthorizer,
    LocalValues,
    Queue,
    RequestAuthorizer,
    Secret,
    Table,
    WebSocketApi,
    WebSocketRoute,
)
from local.template.references import parameter_references, reference_and_arn

_FUNCTION = "AWS::Serverless::Function"
_WEBSOCKET_API = "AWS::Serverless::WebSocketApi"
_HTTP_API = "AWS::Serverless::HttpApi"


def read_template(
    path: Path, parameters: Mapping[str, str], local: LocalValues | None = None
) -> Application:
    """Read a SAM template.

    Args:
        path: The template.
        parameters: Values of parameters; the others have their defaults.
        local: Values of this machine.

    Raises:
        TemplateError: The template is wrong, or a parameter is unknown or has no value.
    """
    return _Reader(parse(path.read_text()), parameters, local or LocalValues()).read()


def declared_parameters(path: Path) -> dict[str, dict[str, Any]]:
    """Return the Parameters section of a template.

    Raises:
        TemplateError: It is not YAML, or its root is not a mapping.
    """
    parameters: dict[str, dict[str, Any]] = parse(path.read_text()).get("Parameters", {})
    return parameters


def variables_from_parameters(path: Path) -> dict[str, str]:
    """Return the environment variables that have the value of a parameter, with its name.

    Raises:
        TemplateError: It is not YAML, or its root is not a mapping.
    """
    document = parse(path.read_text())
    parameters = document.get("Parameters", {})
    return {
        variable: value["Ref"]
        for resource in document.get("Resources", {}).values()
        if resource.get("Type") == _FUNCTION
        for variable, value in resource["Properties"]
        .get("Environment", {})
        .get("Variables", {})
        .items()
        if isinstance(value, dict) and value.get("Ref") in parameters
    }


def parameters_without_effect(path: Path, parameters: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the parameters whose values change nothing that runs locally.

    Raises:
        TemplateError: The template cannot be run with these parameters.
    """
    document = parse(path.read_text())

    def read(chosen: Mapping[str, str]) -> Application:
        return _Reader(document, chosen, LocalValues()).read()

    whole = read(parameters)
    return frozenset(
        name
        for name in parameters
        if read({other: parameters[other] for other in parameters if other != name}) == whole
    )


def resolved_resources(
    path: Path, kind: str, parameters: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type, without intrinsic functions.

    Args:
        path: The template.
        kind: The type, such as ``AWS::CloudWatch::Alarm``.
        parameters: Values of parameters; the others have their defaults.

    Raises:
        TemplateError: The template is wrong, or a parameter is unknown or has no value.
    """
    return _Reader(parse(path.read_text()), parameters or {}, LocalValues()).resources(kind)


class _Reader:
    def __init__(
        self, document: dict[str, Any], parameters: Mapping[str, str], local: LocalValues
    ) -> None:
        self._local = local
        self._globals = document.get("Globals", {})
        references = parameter_references(document.get("Parameters", {}), parameters)
        conditions, mappings = document.get("Conditions", {}), document.get("Mappings", {})
        chooser = Resolver(references, {}, conditions, mappings)
        self._resources: dict[str, dict[str, Any]] = {
            name: resource
            for name, resource in document.get("Resources", {}).items()
            if "Condition" not in resource or chooser.condition(resource["Condition"])
        }
        attributes: dict[tuple[str, str], str] = {}
        for name, resource in self._resources.items():
            reference, arn = reference_and_arn(name, resource, chooser)
            references[name] = local.references.get(name, reference)
            attributes[name, "Arn"] = arn
            attributes[name, "QueueName"] = reference.rsplit("/", 1)[-1]
            attributes[name, "ApiEndpoint"] = f"https://{name}.execute-api.{REGION}.amazonaws.com"
        self._resolver = Resolver(references, attributes, conditions, mappings)
        self._function_by_arn = {
            attributes[name, "Arn"]: name for name, _ in self._of_type(_FUNCTION)
        }

    def read(self) -> Application:
        functions = {name: self._function(name) for name, _ in self._of_type(_FUNCTION)}
        return Application(
            functions=functions,
            websocket_apis={
                name: self._websocket_api(name) for name, _ in self._of_type(_WEBSOCKET_API)
            },
            http_apis={name: self._http_api(name) for name, _ in self._of_type(_HTTP_API)},
            tables={name: self._table(name) for name, _ in self._of_type("AWS::DynamoDB::Table")},
            queues={name: self._queue(name) for name, _ in self._of_type("AWS::SQS::Queue")},
            secrets={
                name: self._secret(name) for name, _ in self._of_type("AWS::SecretsManager::Secret")
            },
        )

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: self._properties(name) for name, _ in self._of_type(kind)}

    def _of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((n, r) for n, r in self._resources.items() if r.get("Type") == kind)

    def _properties(self, name: str) -> dict[str, Any]:
        resource = self._resources[name]
        properties: dict[str, Any] = resource.get("Properties", {})
        if resource["Type"].startswith("AWS::Serverless::"):
            section = resource["Type"].removeprefix("AWS::Serverless::")
            properties = merge_globals(self._globals.get(section, {}), properties)
        resolved: dict[str, Any] = self._resolver.resolve(properties)
        return resolved

    def _function_name(self, arn: str) -> str:
        if arn not in self._function_by_arn:
            raise TemplateError(f"{arn} is not a function of this template")
        return self._function_by_arn[arn]

    def _function(self, name: str) -> Function:
        # Only used properties are resolved, because policies may refer to any resource.
        wanted = ("Handler", "Timeout", "MemorySize", "Environment", "EventInvokeConfig")
        raw = merge_globals(
            self._globals.get("Function", {}), self._resources[name].get("Properties", {})
        )
        resolve = self._resolver.resolve
        properties = {key: resolve(raw[key]) for key in wanted if key in raw}
        variables = properties.get("Environment", {}).get("Variables", {})
        reserved = resolve(raw.get("ReservedConcurrentExecutions"))
        invoke = properties.get("EventInvokeConfig", {})
        default = EventInvokeConfig()
        settings = raw.get("LoggingConfig", {})
        logging = {
            key: resolve(settings[key])
            for key in ("LogFormat", "ApplicationLogLevel")
            if key in settings
        }
        return Function(
            logical_id=name,
            arn=self._resolver.attributes[name, "Arn"],
            handler=str(properties["Handler"]),
            timeout_s=int(properties.get("Timeout", 3)),
            memory_mb=int(properties.get("MemorySize", 128)),
            environment={
                key: self._local.environment.get(key, _text(value))
                for key, value in variables.items()
            },
            reserved_concurrency=int(reserved) if isinstance(reserved, int | str) else None,
            log_format=str(logging.get("LogFormat", "Text")),
            log_level=logging.get("ApplicationLogLevel"),
            event_invoke=EventInvokeConfig(
                maximum_retry_attempts=int(
                    invoke.get("MaximumRetryAttempts", default.maximum_retry_attempts)
                ),
                maximum_event_age_s=int(
                    invoke.get("MaximumEventAgeInSeconds", default.maximum_event_age_s)
                ),
                on_failure_arn=invoke.get("DestinationConfig", {})
                .get("OnFailure", {})
                .get("Destination"),
            ),
        )

    def _websocket_api(self, name: str) -> WebSocketApi:
        properties = self._properties(name)
        auth = properties.get("Auth", {})
        if auth.get("AuthType", "NONE") not in ("NONE", "CUSTOM"):
            raise TemplateError(f"{name}: AuthType {auth['AuthType']} is not supported locally")
        answered = {
            route
            for response, _ in self._of_type("AWS::ApiGatewayV2::RouteResponse")
            if (route := self._properties(response).get("RouteId"))
        }
        return WebSocketApi(
            logical_id=name,
            stage=str(properties.get("StageName", "default")),
            route_selection_expression=properties.get("RouteSelectionExpression", ""),
            routes={
                key: WebSocketRoute(
                    route_key=key,
                    function=self._function_name(route["FunctionArn"]),
                    integration_timeout_ms=int(route.get("IntegrationTimeout", 29_000)),
                    has_response=bool(answered)
                    and route.get("RouteResponseSelectionExpression") == "$default",
                )
                for key, route in properties["Routes"].items()
            },
            authorizer=RequestAuthorizer(
                function=self._function_name(auth["AuthArn"]),
                identity_sources=tuple(auth.get("IdentitySource", ())),
            )
            if auth.get("AuthType") == "CUSTOM"
            else None,
        )

    def _http_api(self, name: str) -> HttpApi:
        properties = self._properties(name)
        if "DefinitionBody" in properties or "DefinitionUri" in properties:
            raise TemplateError(f"{name}: an OpenAPI definition is not supported locally")
        auth = properties.get("Auth", {})
        authorizers = {
            key: JwtAuthorizer(
                identity_source=spec.get("IdentitySource", "$request.header.Authorization"),
                issuer=spec["JwtConfiguration"]["issuer"],
                audience=tuple(spec["JwtConfiguration"]["audience"]),
            )
            for key, spec in auth.get("Authorizers", {}).items()
        }
        return HttpApi(
            logical_id=name,
            stage=str(properties.get("StageName", "$default")),
            routes=tuple(self._http_routes(name, authorizers, auth.get("DefaultAuthorizer"))),
            cors=_cors(properties.get("CorsConfiguration")),
        )

    def _http_routes(
        self, api: str, authorizers: Mapping[str, JwtAuthorizer], default: str | None
    ) -> Iterator[HttpRoute]:
        for function, resource in self._of_type(_FUNCTION):
            for event in resource.get("Properties", {}).get("Events", {}).values():
                if event.get("Type") != "HttpApi":
                    continue
                spec = self._resolver.resolve(event.get("Properties", {}))
                if spec.get("ApiId", "ServerlessHttpApi") != api:
                    continue
                auth = spec.get("Auth", {})
                chosen = auth.get("Authorizer", default)
                if chosen not in (None, "NONE") and chosen not in authorizers:
                    raise TemplateError(f"{function}: no authorizer {chosen} in {api}")
                yield HttpRoute(
                    method=spec.get("Method", "ANY").upper().replace("X-AMAZON-APIGATEWAY-", ""),
                    path=None if spec.get("Path") in (None, "$default") else spec["Path"],
                    function=function,
                    authorizer=None if chosen in (None, "NONE") else authorizers[chosen],
                    scopes=tuple(auth.get("AuthorizationScopes", ())),
                    timeout_ms=int(spec.get("TimeoutInMillis", 30_000)),
                )

    def _table(self, name: str) -> Table:
        properties = self._properties(name)
        ttl = properties.get("TimeToLiveSpecification", {})
        return Table(
            logical_id=name,
            name=self._resolver.references[name],
            key_schema=tuple(properties["KeySchema"]),
            attributes=tuple(properties["AttributeDefinitions"]),
            global_secondary_indexes=tuple(properties.get("GlobalSecondaryIndexes", ())),
            ttl_attribute=ttl.get("AttributeName") if ttl.get("Enabled") else None,
        )

    def _queue(self, name: str) -> Queue:
        arn = self._resolver.attributes[name, "Arn"]
        return Queue(name, arn.rsplit(":", 1)[-1], arn)

    def _secret(self, name: str) -> Secret:
        properties = self._properties(name)
        generate = properties.get("GenerateSecretString")
        length = None if generate is None else int(generate.get("PasswordLength", 32))
        return Secret(name, str(properties.get("Name", name)), length)


def _text(value: Any) -> str:
    """Return an environment value as CloudFormation writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        raise TemplateError(f"an environment value must be text, not {value!r}")
    return str(value)


def _cors(value: Any) -> Cors | None:
    if value is None or value is False:
        return None
    if value is True:
        return Cors(allow_origins=("*",))
    if isinstance(value, str):
        return Cors(allow_origins=(value.strip("'"),))
    # The names of SAM or of API Gateway's resource.
    named = {key[0].upper() + key[1:]: item for key, item in value.items()}
    return Cors(
        allow_origins=_texts(named.get("AllowOrigins")),
        allow_methods=_texts(named.get("AllowMethods")),
        allow_headers=_texts(named.get("AllowHeaders")),
        expose_headers=_texts(named.get("ExposeHeaders")),
        max_age_s=None if named.get("MaxAge") is None else int(named["MaxAge"]),
        allow_credentials=str(named.get("AllowCredentials", False)).lower() == "true",
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value or ())
