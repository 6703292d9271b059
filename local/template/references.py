"""The results of ``Ref`` and the ARNs of the template's resources."""

from collections.abc import Mapping
from typing import Any

from local.template.intrinsics import Resolver, TemplateError
from local.template.model import ACCOUNT, REGION, function_arn


def parameter_references(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> dict[str, Any]:
    """Return the results of ``Ref`` for parameters and pseudo parameters.

    Args:
        declared: The Parameters section of the template.
        given: Values of parameters; the others have their defaults.

    Raises:
        TemplateError: A parameter is unknown or has no value.
    """
    if unknown := given.keys() - declared.keys():
        raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
    values = {
        name: given[name] if name in given else spec.get("Default")
        for name, spec in declared.items()
    }
    if missing := [name for name, value in values.items() if value is None]:
        raise TemplateError(f"no value for parameter {', '.join(missing)}")
    return {
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": "local",
        "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/local/0",
        **{
            name: [member.strip() for member in value.split(",")]
            if declared[name].get("Type") == "CommaDelimitedList" and isinstance(value, str)
            else value
            for name, value in values.items()
        },
    }


def reference_and_arn(name: str, resource: dict[str, Any], chooser: Resolver) -> tuple[str, str]:
    """Return the ``Ref`` and the ARN of a resource."""
    properties = resource.get("Properties", {})

    def physical(key: str) -> str:
        # CloudFormation generates a name if the template has none.
        return str(chooser.resolve(properties[key])) if key in properties else name

    match resource.get("Type"):
        case "AWS::Serverless::Function" | "AWS::Lambda::Function":
            function = physical("FunctionName")
            return function, function_arn(function)
        case "AWS::DynamoDB::Table":
            table = physical("TableName")
            return table, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
        case "AWS::SQS::Queue":
            queue = physical("QueueName")
            url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue}"
            return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
        case "AWS::SecretsManager::Secret":
            arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{physical('Name')}"
            return arn, arn
        case "AWS::Logs::LogGroup":
            group = physical("LogGroupName")
            return group, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
        case kind:
            service = str(kind).split("::")[1].lower() if kind else "unknown"
            return name, f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"
