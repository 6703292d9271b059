"""Connects the stack's parts: their addresses, the template's values, function environments."""

import os
from collections.abc import Mapping
from pathlib import Path

from local.hosting.ports import Ports
from local.lambdas.hosting_types import HostedFunction
from local.stack.options import (
    AUDIENCE,
    LAMBDA_LIMIT_S,
    PAGE_DIRECTORY,
    SOURCE_CODE,
    STAGE,
    Addresses,
    StackOptions,
)
from local.template.intrinsics import TemplateError
from local.template.model import Application, Function, LocalValues
from local.template.reader import declared_parameters, read_template

_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")


def addresses_at(ports: Ports, *, dynamodb: str, access_key: str, gemini: str) -> Addresses:
    """Return the addresses of the stack's servers.

    Args:
        ports: The ports of this run.
        dynamodb: DynamoDB's endpoint, which depends on the program that holds the tables.
        access_key: The access key of the tables.
        gemini: The simulator's URL; "" without a simulator.
    """
    local = "127.0.0.1"
    return Addresses(
        websocket=f"ws://{local}:{ports.websocket}/{STAGE}",
        http=f"http://{local}:{ports.http}",
        connections=f"http://{local}:{ports.connections}/{STAGE}",
        gateway_control=f"http://{local}:{ports.connections}",
        lambdas=f"http://{local}:{ports.lambdas}",
        dynamodb=dynamodb,
        aws=f"http://{local}:{ports.aws}",
        gemini=gemini,
        issuer=f"http://{local}:{ports.issuer}",
        observer=f"http://{local}:{ports.observer}",
        access_key=access_key,
    )


def page_addresses(http: str) -> tuple[str, str]:
    """Return both addresses under which a developer may open the page of an HTTP API."""
    return f"{http}/", f"{http.replace('127.0.0.1', 'localhost')}/"


def read_application(
    options: StackOptions, run_directory: Path, addresses: Addresses, references: Mapping[str, str]
) -> Application:
    """Read the template with the stack's own values.

    Args:
        options: The options of the run.
        run_directory: The folder of the run; recorded sessions go to its ``recordings``.
        addresses: The addresses of the servers.
        references: The results of ``!Ref`` for secrets and queues, by logical id.

    Raises:
        TemplateError: The template cannot be run.
    """
    own = {
        "StageName": STAGE,
        "JwtIssuer": addresses.issuer,
        "JwtAudience": AUDIENCE,
        "PageUrl": page_addresses(addresses.http)[0],
        "SignInAuthorizeUrl": f"{addresses.issuer}/authorize",
        "SignInTokenUrl": f"{addresses.issuer}/token",
    }
    declared = declared_parameters(options.template)
    application = read_template(
        options.template,
        {
            **{name: value for name, value in own.items() if name in declared},
            **_defaults(options, addresses),
            **options.parameters,
        },
        LocalValues(
            references=references,
            environment={
                "MANAGEMENT_ENDPOINT": addresses.connections,
                "WEBSOCKET_URL": addresses.websocket,
                "GEMINI_BASE_URL": addresses.gemini,
                "RECORD_DIRECTORY": str((run_directory / "recordings").resolve()),
                "PAGE_DIRECTORY": str(PAGE_DIRECTORY),
                "PAGE_ADDRESSES": ",".join(page_addresses(addresses.http)),
                **options.environment,
            },
        ),
    )
    if len(application.websocket_apis) != 1 or len(application.http_apis) > 1:
        raise TemplateError("the stack serves one WebSocket API and at most one HTTP API")
    return application


def _defaults(options: StackOptions, addresses: Addresses) -> dict[str, str]:
    """Return the values of parameters that differ here, unless the developer sets them."""
    return {"TraceUrl": f"{addresses.observer}/v1/traces"} if options.tracing else {}


def hosted_function(
    function: Function,
    options: StackOptions,
    addresses: Addresses,
    *,
    tables: str,
    simulator_ca: Path | None,
) -> HostedFunction:
    """Return how a function of the template runs on this machine.

    Args:
        function: The function as the template defines it.
        options: The options of the run.
        addresses: The addresses of the servers.
        tables: The endpoint of the tables.
        simulator_ca: The CA of the simulator's certificate; None without a simulator.
    """
    extra = {
        "AWS_ACCESS_KEY_ID": addresses.access_key,
        "AWS_ENDPOINT_URL_DYNAMODB": tables,
        "AWS_ENDPOINT_URL_LAMBDA": addresses.lambdas,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": addresses.aws,
        "AWS_ENDPOINT_URL_SQS": addresses.aws,
    }
    if "GEMINI_BASE_URL" in function.environment:
        if simulator_ca is not None:
            extra["SSL_CERT_FILE"] = str(simulator_ca)
        else:
            # Requests to Google may need the developer's own CA certificates and proxy.
            extra |= {n: os.environ[n] for n in _CA_VARIABLES if n in os.environ}
    is_scaled = function.timeout_s >= LAMBDA_LIMIT_S
    return HostedFunction(
        function,
        (options.code or {}).get(function.logical_id, SOURCE_CODE),
        extra,
        options.max_environments.get(function.logical_id, 10),
        options.time_scale if is_scaled else 1.0,
    )
