"""The template reader takes from a SAM template what the local stack runs, and nothing else."""

from pathlib import Path

import pytest

from local.template.intrinsics import NO_VALUE, Resolver, TemplateError, parse
from local.template.model import (
    Cors,
    EventInvokeConfig,
    JwtAuthorizer,
    LocalValues,
    RequestAuthorizer,
)
from local.template.reader import read_template

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).resolve().parents[4]

SMALL = """
Parameters:
  StageName: {Type: String, Default: dev}
  Issuer: {Type: String, Default: ""}
  Origins: {Type: String, Default: "https://a.example,https://b.example"}
  Pool: {Type: Number, Default: 7}
Conditions:
  OwnPool: !Equals [!Ref Issuer, ""]
  HavePool: !Not [!Equals [!Ref Pool, 0]]
Globals:
  Function:
    Timeout: 10
    MemorySize: 256
    Environment: {Variables: {LOG_LEVEL: INFO, SHARED: yes}}
    LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: INFO}
Resources:
  Guard:
    Type: AWS::Serverless::Function
    Properties: {Handler: guard.handler}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${AWS::StackName}-worker"
      Handler: worker.handler
      Timeout: 900
      ReservedConcurrentExecutions: !If [HavePool, !Ref Pool, !Ref AWS::NoValue]
      Policies: [{Statement: [{Resource: !GetAtt Nowhere.Arn}]}]
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        MaximumEventAgeInSeconds: 60
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failures.Arn}}
      Environment:
        Variables:
          LOG_LEVEL: DEBUG
          TABLE: !Ref Notes
          KEY: !Ref Key
          WORKER: !GetAtt Worker.Arn
          ENDPOINT: !Sub "https://${Socket}.execute-api.${AWS::Region}.amazonaws.com/${StageName}"
          FLAG: true
          MAYBE: !If [OwnPool, own, !Ref AWS::NoValue]
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web.handler
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: "/{proxy+}"}}
        Health:
          Type: HttpApi
          Properties: {ApiId: !Ref Api, Method: get, Path: /health, Auth: {Authorizer: NONE}}
  OnlyWithIssuer:
    Type: AWS::SQS::Queue
    Condition: OtherIssuer
  Failures: {Type: AWS::SQS::Queue}
  Key: {Type: AWS::SecretsManager::Secret, Properties: {GenerateSecretString: {PasswordLength: 64}}}
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: notes
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Socket:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: !Ref StageName
      RouteSelectionExpression: $request.body.type
      Auth:
        AuthType: CUSTOM
        AuthArn: !GetAtt Guard.Arn
        IdentitySource: [route.request.querystring.ticket]
      Routes:
        $connect: {FunctionArn: !GetAtt Worker.Arn, IntegrationTimeout: 5000}
        $default: {FunctionArn: !GetAtt Worker.Arn}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {allowOrigins: !Split [",", !Ref Origins], allowMethods: [GET], maxAge: 5}
      Auth:
        DefaultAuthorizer: Jwt
        Authorizers:
          Jwt: {JwtConfiguration: {issuer: !Ref Issuer, audience: [somebody]}}
"""
SMALL = SMALL.replace("Globals:", "  OtherIssuer: !Not [!Condition OwnPool]\nGlobals:", 1)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(SMALL)
    return path


def test_a_functions_own_properties_go_over_the_globals(small):
    functions = read_template(small, {}).functions
    worker, guard = functions["Worker"], functions["Guard"]
    assert (worker.timeout_s, guard.timeout_s) == (900, 10)
    assert guard.memory_mb == worker.memory_mb == 256
    assert guard.environment == {"LOG_LEVEL": "INFO", "SHARED": "true"}
    assert worker.environment["LOG_LEVEL"] == "DEBUG"
    assert (worker.log_format, worker.log_level) == ("JSON", "INFO")
    assert worker.event_invoke == EventInvokeConfig(
        0, 60, "arn:aws:sqs:us-east-1:000000000000:Failures"
    )
    assert guard.event_invoke == EventInvokeConfig(2, 21_600, None)


def test_references_become_local_names_and_arns(small):
    functions = read_template(small, {}).functions
    arn = "arn:aws:lambda:us-east-1:000000000000:function:local-worker"
    assert functions["Worker"].arn == arn
    variables = functions["Worker"].environment
    assert variables["TABLE"] == "notes"
    assert variables["WORKER"] == arn
    assert variables["ENDPOINT"] == "https://Socket.execute-api.us-east-1.amazonaws.com/dev"
    assert variables["FLAG"] == "true"
    assert variables["MAYBE"] == "own"


def test_local_values_replace_only_what_the_template_defines(small):
    local = LocalValues(
        references={"Key": "arn:secret-1"},
        environment={"ENDPOINT": "http://127.0.0.1:1", "NOT_IN_TEMPLATE": "x"},
    )
    functions = read_template(small, {}, local).functions
    assert functions["Worker"].environment["KEY"] == "arn:secret-1"
    assert functions["Worker"].environment["ENDPOINT"] == "http://127.0.0.1:1"
    assert "ENDPOINT" not in functions["Guard"].environment
    assert "NOT_IN_TEMPLATE" not in functions["Worker"].environment


def test_parameters_decide_conditions(small):
    own, other = (
        read_template(small, {}),
        read_template(small, {"Issuer": "https://i", "Pool": "0"}),
    )
    assert own.functions["Worker"].reserved_concurrency == 7
    assert other.functions["Worker"].reserved_concurrency is None
    assert "MAYBE" not in other.functions["Worker"].environment
    assert set(own.queues) == {"Failures"}
    assert set(other.queues) == {"Failures", "OnlyWithIssuer"}


def test_the_websocket_api_has_exactly_the_templates_routes(small):
    (api,) = read_template(small, {"StageName": "local"}).websocket_apis.values()
    assert api.stage == "local"
    assert {key: route.function for key, route in api.routes.items()} == {
        "$connect": "Worker",
        "$default": "Worker",
    }
    assert api.routes["$connect"].integration_timeout_ms == 5_000
    assert api.routes["$default"].integration_timeout_ms == 29_000
    assert not api.routes["$default"].has_response
    assert api.authorizer == RequestAuthorizer("Guard", ("route.request.querystring.ticket",))


def test_the_http_api_has_routes_authorizers_and_cors(small):
    (api,) = read_template(small, {"Issuer": "https://i"}).http_apis.values()
    routes = {(route.method, route.path): route.authorizer for route in api.routes}
    jwt = JwtAuthorizer("$request.header.Authorization", "https://i", ("somebody",))
    assert routes == {("ANY", "/{proxy+}"): jwt, ("GET", "/health"): None}
    assert api.cors == Cors(("https://a.example", "https://b.example"), ("GET",), max_age_s=5)


def test_tables_queues_and_secrets_are_there(small):
    application = read_template(small, {})
    table = application.tables["Notes"]
    assert (table.name, table.ttl_attribute) == ("notes", "expires_at")
    assert table.key_schema == ({"AttributeName": "pk", "KeyType": "HASH"},)
    assert application.secrets["Key"].generated_length == 64
    assert application.queues["Failures"].name == "Failures"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Default: dev", "Description: none"), "no value for parameter StageName"),
        (("!GetAtt Guard.Arn", "!GetAtt Nobody.Arn"), "Nobody.Arn"),
        (("!Ref Notes", "!Ref Nobody"), "Ref to unknown Nobody"),
        (("!Ref Notes", "!ImportValue other"), "Fn::ImportValue is not supported"),
        (("AuthType: CUSTOM", "AuthType: AWS_IAM"), "AWS_IAM"),
        (("{Authorizer: NONE}", "{Authorizer: Other}"), "no authorizer Other"),
        (("[HavePool,", "[NoSuch,"), "unknown condition NoSuch"),
    ],
)
def test_an_unknown_construct_is_refused(small, change, message):
    small.write_text(SMALL.replace(*change))
    with pytest.raises(TemplateError, match=message):
        read_template(small, {})


def test_an_unknown_parameter_is_refused(small):
    with pytest.raises(TemplateError, match=r"no parameter Stage$"):
        read_template(small, {"Stage": "x"})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Join ['-', [a, !Ref Name]]", "a-n"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!Sub ['${Name}/${Mine}/${!Literal}', {Mine: !Ref Name}]", "n/n/${Literal}"),
        ("!FindInMap [Sizes, small, disk]", 5),
        ("!If [Same, 1, 2]", 1),
        ("!If [Never, 1, 2]", 2),
        ("[1, !Ref 'AWS::NoValue']", [1]),
        ("{a: !Ref 'AWS::NoValue', b: 2}", {"b": 2}),
        ("2010-09-09", "2010-09-09"),
        ("Fn::Join: ['', [x, y]]", "xy"),
    ],
)
def test_intrinsic_functions(expression, value):
    conditions = parse(
        "Same: !Equals [1, '1']\nNever: !And [!Condition Same, !Not [!Condition Same]]"
    )
    mappings = {"Sizes": {"small": {"disk": 5}}}
    resolver = Resolver({"Name": "n"}, {}, conditions, mappings)
    text = expression if expression.startswith("Fn::") else f"Value: {expression}"
    document = parse(text if text.startswith("Value") else f"Value: {{{text}}}")
    assert resolver.resolve(document["Value"]) == value
    assert resolver.resolve({"Ref": "AWS::NoValue"}) is NO_VALUE


def test_the_projects_own_template_is_wired_in_full():
    parameters = {"StageName": "local", "JwtIssuer": "http://i", "JwtAudience": "me"}
    application = read_template(PROJECT / "template.yaml", parameters)
    (api,) = application.websocket_apis.values()
    assert {key: route.function for key, route in api.routes.items()} == {
        "$connect": "ConnectFunction",
        "$default": "MessageFunction",
        "$disconnect": "DisconnectFunction",
    }
    assert api.authorizer is not None
    assert api.authorizer.function == "AuthorizerFunction"
    stream_agent = application.functions["StreamAgentFunction"]
    assert stream_agent.event_invoke.maximum_retry_attempts == 0
    assert stream_agent.event_invoke.on_failure_arn == application.queues["OnFailureQueue"].arn
    assert stream_agent.reserved_concurrency is None
    assert set(application.tables) == {"MemoryTable", "LiveTable", "DeskTable"}
    assert application.tables["LiveTable"].ttl_attribute == "expires_at"
    (http_api,) = application.http_apis.values()
    guarded = [route for route in http_api.routes if route.authorizer is not None]
    assert {route.authorizer.issuer for route in guarded if route.authorizer} == {"http://i"}
