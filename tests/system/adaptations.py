"""All changes to the built template that MiniStack 1.5.33 needs, with their reasons."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

type Template = dict[str, Any]

_ADDRESS = re.compile(r"(http|ws)s://(\$\{\w+\})\.execute-api\.[^/]+")
_SIGN_IN = re.compile(r"https://\$\{UserPoolDomain\}\.auth\.[^/]+")


def without_metric_math(template: Template, _: str) -> Template:
    metric = {"Namespace": "Repartee", "MetricName": "Turns", "Statistic": "Sum", "Period": 60}

    def changed(found: dict[str, Any]) -> dict[str, Any]:
        if "Metrics" not in (properties := found.get("Properties", {})):
            return found
        kept = {name: value for name, value in properties.items() if name != "Metrics"}
        return {**found, "Properties": {**kept, **metric}}

    resources = {name: changed(found) for name, found in template["Resources"].items()}
    return {**template, "Resources": resources}


def without_composite_alarms(template: Template, _: str) -> Template:
    alarms = {"AWS::CloudWatch::CompositeAlarm": "AWS::CloudWatch::Alarm"}
    plain = {
        "Namespace": "Repartee",
        "MetricName": "Turns",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }

    def changed(found: dict[str, Any]) -> dict[str, Any]:
        if found["Type"] not in alarms:
            return found
        kept = {name: value for name, value in found["Properties"].items() if name != "AlarmRule"}
        return {**found, "Type": alarms[found["Type"]], "Properties": {**kept, **plain}}

    resources = {name: changed(found) for name, found in template["Resources"].items()}
    return {**template, "Resources": resources}


def secrets_by_id(template: Template, _: str) -> Template:
    secrets = [
        name
        for name, found in template["Resources"].items()
        if found["Type"] == "AWS::SecretsManager::Secret"
    ]

    def changed(value: Any) -> Any:
        if isinstance(value, dict) and value.get("Ref") in secrets:
            return {"Fn::GetAtt": [value["Ref"], "Id"]}
        return value

    adapted: Template = everywhere(template, changed)
    return adapted


def http_routes(template: Template, _: str) -> Template:
    """Add the routes, integration and authorizer that SAM writes into the API's body."""
    resources = dict(template["Resources"])
    function = resources["HttpApiFunction"]["Properties"]
    auth = resources["HttpApi"]["Properties"]["Auth"]["Authorizers"]["Jwt"]
    api = {"ApiId": {"Ref": "HttpApi"}}

    def add(name: str, kind: str, **properties: Any) -> None:
        resources[f"HttpApi{name}"] = {
            "Type": f"AWS::ApiGatewayV2::{kind}",
            "Properties": {**api, **properties},
        }

    add(
        "Authorizer",
        "Authorizer",
        AuthorizerType="JWT",
        Name="Jwt",
        IdentitySource=[auth["IdentitySource"]],
        JwtConfiguration={key.title(): value for key, value in auth["JwtConfiguration"].items()},
    )
    add(
        "Integration",
        "Integration",
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        PayloadFormatVersion="2.0",
        IntegrationUri={"Fn::GetAtt": ["HttpApiFunction", "Arn"]},
    )
    for name, event in function["Events"].items():
        route = event["Properties"]
        is_open = route.get("Auth", {}).get("Authorizer") == "NONE"
        jwt = {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": "HttpApiAuthorizer"}}
        add(
            f"{name}Route",
            "Route",
            RouteKey=f"{route['Method']} {route['Path']}",
            Target={"Fn::Sub": "integrations/${HttpApiIntegration}"},
            **({} if is_open else jwt),
        )
    return {**template, "Resources": resources}


def local_addresses(template: Template, endpoint: str) -> Template:
    host = endpoint.removeprefix("http://")

    def changed(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return _SIGN_IN.sub(endpoint, _ADDRESS.sub(rf"\1://{host}/_aws/execute-api/\2", value))

    adapted: Template = everywhere(template, changed)
    # The page's address is neither https nor at the root.
    del adapted["Parameters"]["PageUrl"]["AllowedPattern"]
    return adapted


def without_saved_queries(template: Template, _: str) -> Template:
    resources = {
        name: found
        for name, found in template["Resources"].items()
        if found["Type"] != "AWS::Logs::QueryDefinition"
    }
    return {**template, "Resources": resources}


def page_files(template: Template, _: str) -> Template:
    resources = template["Resources"]
    folder = f"{resources['PageLayer']['Properties']['ContentUri']}/site"
    adapted: Template = everywhere(template, lambda v: folder if v == "/opt/site" else v)
    return adapted


def everywhere(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return ``value`` with ``change`` applied to every value in it."""
    if isinstance(value, dict):
        value = {key: everywhere(item, change) for key, item in value.items()}
    elif isinstance(value, list):
        value = [everywhere(item, change) for item in value]
    return change(value)


@dataclass(frozen=True, slots=True)
class Adaptation:
    """One change.

    Attributes:
        reason: How MiniStack differs from AWS.
        change: Takes the template and MiniStack's endpoint, and returns the changed template.
    """

    reason: str
    change: Callable[[Template, str], Template]


ADAPTATIONS = {
    "no metric math": Adaptation(
        "an alarm with Metrics makes the stack roll back", without_metric_math
    ),
    "no composite alarms": Adaptation(
        "a composite alarm is an unknown type of resource", without_composite_alarms
    ),
    "secrets by Id": Adaptation(
        "Ref of a secret is its name and not its ARN, which no policy matches", secrets_by_id
    ),
    "HTTP routes": Adaptation(
        "the Body of an HTTP API is ignored, so it has no route", http_routes
    ),
    "no saved queries": Adaptation(
        "a saved query is an unknown type of resource", without_saved_queries
    ),
    "page files": Adaptation("functions are processes, whose layers are not in /opt", page_files),
    "addresses": Adaptation(
        "APIs and sign-in answer below MiniStack's own address, and not at hosts of their own",
        local_addresses,
    ),
}
