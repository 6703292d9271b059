"""Rules that template.yaml keeps."""

import importlib
import json
import re
from typing import Any

import pytest

from repartee.domain.live.model_profiles import profile_of
from repartee.observability import NAMESPACE
from tests.build.cloudformation import (
    ROOT,
    as_list,
    load_template,
    resources_of_type,
    text_of,
)
from tests.documents import page, rows, section

pytestmark = pytest.mark.build

TEMPLATE = load_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
FUNCTIONS = resources_of_type(TEMPLATE, "AWS::Serverless::Function")
LAYERS = resources_of_type(TEMPLATE, "AWS::Serverless::LayerVersion")
TABLES = resources_of_type(TEMPLATE, "AWS::DynamoDB::Table")
FOLDERS = {
    "AuthorizerFunction": "authorizer",
    "ConnectFunction": "connect",
    "MessageFunction": "message",
    "DisconnectFunction": "disconnect",
    "StreamAgentFunction": "stream_agent",
    "CoreAgentFunction": "core_agent",
    "HttpApiFunction": "http_api",
}
# The permissions of each function: actions by resource.
GRANTS: dict[str, dict[str, set[str]]] = {
    "AuthorizerFunction": {"TicketKeySecret": {"secretsmanager:GetSecretValue"}},
    "ConnectFunction": {
        "LiveTable": {
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        },
        "MemoryTable": {
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
        },
        "POST/@connections/*": {"execute-api:ManageConnections"},
        "DELETE/@connections/*": {"execute-api:ManageConnections"},
    },
    "MessageFunction": {
        "LiveTable": {
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        },
        "StreamAgentFunction": {"lambda:InvokeFunction"},
        "POST/@connections/*": {"execute-api:ManageConnections"},
        "DELETE/@connections/*": {"execute-api:ManageConnections"},
    },
    "DisconnectFunction": {
        "LiveTable": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        },
    },
    "StreamAgentFunction": {
        "LiveTable": {
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        },
        "MemoryTable": {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
        },
        "GeminiKeySecret": {"secretsmanager:GetSecretValue"},
        "TraceTokenSecretArn": {"secretsmanager:GetSecretValue"},
        "CoreAgentFunction": {"lambda:InvokeFunction"},
        "StreamAgentFunction": {"lambda:InvokeFunction"},
        "POST/@connections/*": {"execute-api:ManageConnections"},
        "DELETE/@connections/*": {"execute-api:ManageConnections"},
    },
    "CoreAgentFunction": {
        "MemoryTable": {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
        },
        "DeskTable": {
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:DeleteItem",
        },
        "LiveTable": {"dynamodb:ConditionCheckItem", "dynamodb:UpdateItem"},
        "GeminiKeySecret": {"secretsmanager:GetSecretValue"},
    },
    "HttpApiFunction": {
        "TicketKeySecret": {"secretsmanager:GetSecretValue"},
        "MemoryTable": {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        },
        "LiveTable": {
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:BatchWriteItem",
        },
        "DeskTable": {"dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"},
        "GET/@connections/*": {"execute-api:ManageConnections"},
        "POST/@connections/*": {"execute-api:ManageConnections"},
        "DELETE/@connections/*": {"execute-api:ManageConnections"},
    },
}

each_function = pytest.mark.parametrize("name", FUNCTIONS)


def statements(name: str) -> list[dict[str, Any]]:
    return [
        # A conditional statement counts as if its condition holds.
        statement["Fn::If"][1] if "Fn::If" in statement else statement
        for policy in FUNCTIONS[name]["Policies"]
        for statement in policy["Statement"]
    ]


def granted_on(resource: Any) -> str:
    """Return the logical id that a policy names, or its path below @connections."""
    match resource:
        case {"Fn::GetAtt": [str(name), "Arn"]} | {"Ref": str(name)}:
            return name
        case {"Fn::Sub": str(arn)} if "/@connections/" in arn:
            assert ":${WebSocketApi}/${StageName}/" in arn
            return arn.rpartition("${StageName}/")[2]
        case {"Fn::Sub": str(arn)} if ":function:" in arn:
            called = {text_of(found["FunctionName"]): key for key, found in FUNCTIONS.items()}
            return called[arn.rpartition(":function:")[2]]
    raise AssertionError(resource)


def own_environment(name: str) -> dict[str, Any]:
    variables: dict[str, Any] = FUNCTIONS[name]["Environment"]["Variables"]
    return {key: value for key, value in variables.items() if not key.startswith("POWERTOOLS_")}


def test_features_are_supported_before_they_are_listed() -> None:
    # http_api lists the features with a ticket; message refuses a hello with an unknown field.
    before = as_list(RESOURCES["HttpApiFunction"].get("DependsOn", []))
    assert "MessageFunction" in before
    # http_api erases conversations; an older connect could restore them.
    assert "ConnectFunction" in before


def test_there_are_seven_functions_six_layers_and_three_tables() -> None:
    assert set(FUNCTIONS) == set(FOLDERS)
    assert set(LAYERS) == {
        "SharedLayer",
        "RuntimeLayer",
        "GeminiLayer",
        "LangchainLayer",
        "WebLayer",
        "PageLayer",
    }
    assert set(TABLES) == {"MemoryTable", "LiveTable", "DeskTable"}


@each_function
def test_a_function_runs_the_handler_of_its_folder(name: str) -> None:
    assert FUNCTIONS[name]["Handler"] == f"{FOLDERS[name]}.handler.lambda_handler"
    assert GLOBALS["CodeUri"] == "functions/"
    assert "CodeUri" not in FUNCTIONS[name]


@each_function
def test_a_function_has_only_the_permissions_that_it_needs(name: str) -> None:
    granted: dict[str, set[str]] = {}
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        for resource in as_list(statement["Resource"]):
            granted.setdefault(granted_on(resource), set()).update(as_list(statement["Action"]))
    assert granted == GRANTS[name]


@each_function
def test_a_policy_has_no_wildcard_action_or_resource(name: str) -> None:
    for statement in statements(name):
        assert not any("*" in action for action in as_list(statement["Action"]))
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        for resource in as_list(statement["Resource"]):
            assert text_of(resource) != "*"
            # The id of a connection is unknown before the connection is opened.
            assert text_of(resource).replace("/@connections/*", "").count("*") == 0


@each_function
def test_a_function_logs_to_its_own_group_with_a_retention(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    users = [
        key
        for key, properties in FUNCTIONS.items()
        if properties["LoggingConfig"]["LogGroup"] == {"Ref": group}
    ]
    assert users == [name]
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"


def test_every_log_group_has_the_retention_of_the_parameter() -> None:
    groups = resources_of_type(TEMPLATE, "AWS::Logs::LogGroup")
    assert groups
    for properties in groups.values():
        assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_no_function_logs_its_events() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert "POWERTOOLS_LOGGER_LOG_EVENT" not in text
    assert "POWERTOOLS_DEV" not in text


@each_function
def test_a_function_has_a_timeout_with_its_reason_above_it(name: str) -> None:
    assert isinstance(FUNCTIONS[name]["Timeout"], int)
    body = (ROOT / "template.yaml").read_text().partition(f"\n  {name}:\n")[2]
    before = body.partition("      Timeout:")[0].splitlines()
    assert before[-1].lstrip().startswith("# ")


@pytest.mark.parametrize("name", ["ConnectFunction", "MessageFunction", "DisconnectFunction"])
def test_a_route_and_its_function_have_matching_timeouts(name: str) -> None:
    routes = RESOURCES["WebSocketApi"]["Properties"]["Routes"].values()
    (waits_ms,) = [
        route["IntegrationTimeout"]
        for route in routes
        if route["FunctionArn"] == {"Fn::GetAtt": [name, "Arn"]}
    ]
    assert FUNCTIONS[name]["Timeout"] * 1000 == waits_ms


@each_function
def test_a_function_gets_exactly_the_settings_that_it_reads(name: str) -> None:
    config = importlib.import_module("repartee.config")
    settings = getattr(config, f"{name.removesuffix('Function')}Settings")
    assert set(own_environment(name)) == {field.upper() for field in settings.model_fields}


@each_function
def test_a_function_calls_itself_by_its_deployed_name(name: str) -> None:
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == FUNCTIONS[name]["FunctionName"]
    assert text_of(FUNCTIONS[name]["FunctionName"]).startswith("${AWS::StackName}-")


@pytest.mark.parametrize(
    ("parameter", "variable"),
    [
        ("LingerSeconds", "LINGER_S"),
        ("GraceSeconds", "GRACE_S"),
        ("ChunkMs", "CHUNK_MS"),
        ("MaxMessagesInFlight", "MAX_IN_FLIGHT"),
        ("TurnsWithoutListener", "TURNS_WITHOUT_LISTENER"),
        ("MemoryTokens", "MEMORY_TOKENS"),
        ("RetentionDays", "RETENTION_DAYS"),
        ("MaxSessionsPerUser", "MAX_SESSIONS_PER_USER"),
        ("MaxConnectionsPerSession", "MAX_CONNECTIONS_PER_SESSION"),
        ("MaxTalkSecondsPerDay", "MAX_TALK_S_PER_DAY"),
        ("MaxUsdPerDay", "MAX_USD_PER_DAY"),
        ("MaxServiceUsdPerDay", "MAX_SERVICE_USD_PER_DAY"),
    ],
)
def test_a_parameter_and_the_setting_behind_it_agree(parameter: str, variable: str) -> None:
    config = importlib.import_module("repartee.config")
    declared = TEMPLATE["Parameters"][parameter]
    readers = [name for name in FUNCTIONS if variable in own_environment(name)]
    assert readers
    for name in readers:
        settings = getattr(config, f"{name.removesuffix('Function')}Settings")
        field = settings.model_fields[variable.lower()]
        limits = {
            kind: getattr(limit, kind)
            for limit in field.metadata
            for kind in ("ge", "le")
            if hasattr(limit, kind)
        }
        assert field.default == declared["Default"]
        assert limits == {"ge": declared["MinValue"], "le": declared["MaxValue"]}


def test_the_default_live_model_has_the_default_voice_and_language() -> None:
    profile = profile_of(TEMPLATE["Parameters"]["GeminiLiveModel"]["Default"])
    tags = [tag for tags in profile.languages.values() for tag in tags]
    assert TEMPLATE["Parameters"]["Voice"]["AllowedValues"] == list(profile.voices)
    assert TEMPLATE["Parameters"]["Language"]["AllowedValues"] == ["", *tags]


def test_every_parameter_is_described_grouped_and_used() -> None:
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    used = json.dumps([TEMPLATE["Conditions"], TEMPLATE["Globals"], RESOURCES])
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"].endswith(".")
        assert f'"Ref": "{name}"' in used or f"${{{name}}}" in used


def test_a_failed_summary_is_not_retried() -> None:
    asynchronous = FUNCTIONS["CoreAgentFunction"]["EventInvokeConfig"]
    assert asynchronous == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_a_failed_or_late_wake_is_kept_and_never_retried() -> None:
    stream_agent = FUNCTIONS["StreamAgentFunction"]
    asynchronous = stream_agent["EventInvokeConfig"]
    assert asynchronous["MaximumRetryAttempts"] == 0
    assert asynchronous["MaximumEventAgeInSeconds"] == 60
    assert asynchronous["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",
        "Destination": {"Fn::GetAtt": ["OnFailureQueue", "Arn"]},
    }


def test_a_stream_agent_may_run_long_hand_over_and_have_a_pool() -> None:
    stream_agent = FUNCTIONS["StreamAgentFunction"]
    assert stream_agent["Timeout"] == 900
    assert stream_agent["RecursiveLoop"] == "Allow"
    pool = {"Ref": "StreamAgentConcurrency"}
    assert stream_agent["ReservedConcurrentExecutions"] == {
        "Fn::If": ["ReservePool", pool, {"Ref": "AWS::NoValue"}]
    }


def test_the_stack_deploys_to_a_new_account_because_no_pool_is_reserved() -> None:
    """Its whole quota of 10 must stay unreserved."""
    (reserve,) = TEMPLATE["Conditions"]["ReservePool"]["Fn::Not"]
    assert reserve == {"Fn::Equals": [{"Ref": "StreamAgentConcurrency"}, "0"]}
    parameter = TEMPLATE["Parameters"]["StreamAgentConcurrency"]
    assert (parameter["Default"], parameter["MinValue"]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("StreamAgentFunction", "GeminiLayer"),
        ("CoreAgentFunction", "LangchainLayer"),
        ("HttpApiFunction", "WebLayer"),
        ("HttpApiFunction", "PageLayer"),
    ],
)
def test_only_the_function_that_needs_it_has_a_heavy_layer(name: str, layer: str) -> None:
    assert GLOBALS["Layers"] == [{"Ref": "SharedLayer"}, {"Ref": "RuntimeLayer"}]
    users = [key for key, found in FUNCTIONS.items() if {"Ref": layer} in found.get("Layers", [])]
    assert users == [name]


def test_a_websocket_opens_only_with_a_valid_ticket() -> None:
    api = RESOURCES["WebSocketApi"]["Properties"]
    assert api["Auth"] == {
        "AuthType": "CUSTOM",
        "AuthArn": {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]},
        "IdentitySource": ["route.request.querystring.ticket"],
    }
    assert {route: to["FunctionArn"] for route, to in api["Routes"].items()} == {
        "$connect": {"Fn::GetAtt": ["ConnectFunction", "Arn"]},
        "$default": {"Fn::GetAtt": ["MessageFunction", "Arn"]},
        "$disconnect": {"Fn::GetAtt": ["DisconnectFunction", "Arn"]},
    }


def test_posts_go_to_the_api_stage_and_not_to_a_custom_domain() -> None:
    api = "${WebSocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${StageName}"
    addresses = [
        variables["MANAGEMENT_ENDPOINT"]["Fn::Sub"]
        for function in FUNCTIONS.values()
        if "MANAGEMENT_ENDPOINT" in (variables := function["Environment"]["Variables"])
    ]
    assert addresses == [f"https://{api}"] * 4
    # An event names the custom domain that its client used; posts to that domain are refused.
    sources = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/shared").rglob("*.py")]
    assert not [path for path in sources if "domainName" in path.read_text()]


def test_gateway_logs_hold_neither_tickets_nor_messages() -> None:
    api = RESOURCES["WebSocketApi"]["Properties"]
    assert api["DefaultRouteSettings"]["DataTraceEnabled"] is False
    for name in ("WebSocketApi", "HttpApi"):
        text = json.dumps(RESOURCES[name]["Properties"]["AccessLogSettings"])
        logged = set(re.findall(r"\$context\.([A-Za-z.]+)", text))
        assert logged
        assert not {key for key in logged if "query" in key.lower() or key in ("path", "identity")}
        # Abuse is traced by caller and time.
        assert {"identity.sourceIp", "identity.userAgent", "requestTime"} <= logged
        # A user agent with quotation marks could repeat the keys before it only.
        first = re.search(r"\$context\.([A-Za-z.]+)", text)
        assert first
        assert first[1] == "identity.userAgent"


def test_both_apis_are_throttled() -> None:
    websocket = RESOURCES["WebSocketApi"]["Properties"]
    http = RESOURCES["HttpApi"]["Properties"]
    for settings in (
        websocket["DefaultRouteSettings"],
        websocket["RouteSettings"]["$connect"],
        http["DefaultRouteSettings"],
        *http["RouteSettings"].values(),
    ):
        assert settings["ThrottlingRateLimit"]
        assert settings["ThrottlingBurstLimit"]


def test_the_http_api_requires_a_token_except_for_the_page_its_description_and_preflight() -> None:
    assert RESOURCES["HttpApi"]["Properties"]["Auth"]["DefaultAuthorizer"] == "Jwt"
    routes = [event["Properties"] for event in FUNCTIONS["HttpApiFunction"]["Events"].values()]
    everything = {(route["Method"], route["Path"]) for route in routes}
    open_to_all = {
        (route["Method"], route["Path"])
        for route in routes
        if route.get("Auth") == {"Authorizer": "NONE"}
    }
    assert ("ANY", "/{proxy+}") in everything
    page = {("ANY", path) for path in ("/", "/web/{proxy+}", "/settings")}
    described = {("ANY", path) for path in ("/health", "/openapi.json", "/docs")}
    assert open_to_all == {*page, *described, ("OPTIONS", "/{proxy+}")}


def test_a_route_of_the_http_api_with_its_own_throttle_exists() -> None:
    """CloudFormation refuses settings of a route that is not there."""
    routes = [event["Properties"] for event in FUNCTIONS["HttpApiFunction"]["Events"].values()]
    existing = {f"{route['Method']} {route['Path']}" for route in routes}
    assert set(RESOURCES["HttpApi"]["Properties"]["RouteSettings"]) <= existing


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_key_pk_and_sk_and_is_billed_per_request(name: str) -> None:
    assert TABLES[name]["BillingMode"] == "PAY_PER_REQUEST"
    assert TABLES[name]["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {attribute["AttributeType"] for attribute in TABLES[name]["AttributeDefinitions"]} == {
        "S"
    }


@pytest.mark.parametrize("name", ["MemoryTable", "DeskTable"])
def test_memory_and_bookings_are_protected_from_mistakes_and_stack_deletion(name: str) -> None:
    table = TABLES[name]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert RESOURCES[name]["DeletionPolicy"] == "Retain"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_a_key_of_the_operator_encrypts_everything_that_is_stored() -> None:
    encrypted = {
        "AWS::DynamoDB::Table",
        "AWS::SecretsManager::Secret",
        "AWS::Logs::LogGroup",
        "AWS::SQS::Queue",
    }
    stores = [name for name, found in RESOURCES.items() if found["Type"] in encrypted]
    assert len(stores) > 10
    for name in stores:
        text = json.dumps(RESOURCES[name]["Properties"])
        assert '{"Ref": "KmsKeyArn"}' in text, name
    roles = {role["Ref"] for role in RESOURCES["UseKmsKey"]["Properties"]["Roles"]}
    assert roles == {f"{name}Role" for name in FUNCTIONS}


def test_a_condition_on_keys_names_some_partitions_of_its_table_and_not_all() -> None:
    layout: dict[str, set[str]] = {}
    for row in rows(section(page("docs/architecture.md"), "Tables")):
        cell = re.match(r"`([a-z]+)(?:#([^`]+))?`", row[1])
        assert cell
        # Parts in capital letters stand for values.
        is_prefix = (cell[2] or "").isupper()
        name = f"{cell[1]}#*" if is_prefix else cell[0].strip("`")
        layout.setdefault(row[0], set()).add(name)
    conditions = 0
    for statement in (statement for name in FUNCTIONS for statement in statements(name)):
        condition = statement.get("Condition")
        if condition is None:
            continue
        named = set(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
        (table,) = map(granted_on, as_list(statement["Resource"]))
        assert named < layout[table], statement["Sid"]
        conditions += 1
    assert conditions


@pytest.mark.parametrize("name", ["LiveTable", "MemoryTable"])
def test_items_with_an_expiry_are_deleted(name: str) -> None:
    assert TABLES[name]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


def test_the_template_gives_secrets_no_value() -> None:
    secrets = resources_of_type(TEMPLATE, "AWS::SecretsManager::Secret")
    assert set(secrets) == {"GeminiKeySecret", "TicketKeySecret"}
    assert all("SecretString" not in secret for secret in secrets.values())
    assert secrets["TicketKeySecret"]["GenerateSecretString"]["PasswordLength"] >= 32
    assert not any(parameter.get("NoEcho") for parameter in TEMPLATE["Parameters"].values())


def test_the_account_wide_log_role_is_made_only_on_request() -> None:
    assert RESOURCES["ApiGatewayAccount"]["Condition"] == "MakeLogRole"
    assert TEMPLATE["Parameters"]["ManageApiGatewayLogRole"]["Default"] == "false"


def test_metrics_go_into_the_namespace_that_alarms_and_dashboards_read() -> None:
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == NAMESPACE


def test_outputs_name_the_addresses_and_the_resources() -> None:
    wanted = {"WebSocketUrl", "HttpApiUrl", "UserPoolId", "UserPoolClientId", "GeminiKeySecretArn"}
    wanted |= {f"{name}Name" for name in (*FUNCTIONS, *TABLES)}
    assert wanted <= set(TEMPLATE["Outputs"])
