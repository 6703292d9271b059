"""The events that API Gateway's WebSocket APIs send to functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.gateway.ids import gateway_id
from local.template.model import ACCOUNT, REGION


@dataclass(frozen=True, slots=True)
class Handshake:
    """A client's request to open a connection."""

    target: str
    headers: Sequence[tuple[str, str]]
    source_ip: str

    def header(self, name: str) -> str | None:
        """Return the last value of a header; case does not matter."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[-1] if values else None

    def query(self) -> Mapping[str, Sequence[str]]:
        """Return the decoded query parameters with all their values."""
        grouped: dict[str, list[str]] = {}
        for key, value in parse_qsl(urlsplit(self.target).query, keep_blank_values=True):
            grouped.setdefault(key, []).append(value)
        return grouped


@dataclass(frozen=True, slots=True)
class Api:
    """The id, stage and domain of a WebSocket API."""

    api_id: str
    stage: str
    domain_name: str

    @property
    def connect_arn(self) -> str:
        """The ARN of ``$connect``, the resource of an authorizer's policy."""
        return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self.api_id}/{self.stage}/$connect"


@dataclass(slots=True)
class ConnectionContext:
    """The fields that all events of one connection share."""

    api: Api
    handshake: Handshake
    connected_at_ms: int
    connection_id: str = field(default_factory=gateway_id)
    authorizer: Mapping[str, Any] | None = None


def _request_context(
    context: ConnectionContext, route_key: str, event_type: str, now_s: float
) -> dict[str, Any]:
    request_id = gateway_id()
    now = datetime.fromtimestamp(now_s, UTC)
    identity = {"sourceIp": context.handshake.source_ip}
    if user_agent := context.handshake.header("User-Agent"):
        identity["userAgent"] = user_agent
    fields: dict[str, Any] = {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": request_id,
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "messageDirection": "IN",
        "stage": context.api.stage,
        "connectedAt": context.connected_at_ms,
        "requestTimeEpoch": int(now_s * 1000),
        "identity": identity,
        "requestId": request_id,
        "domainName": context.api.domain_name,
        "connectionId": context.connection_id,
        "apiId": context.api.api_id,
    }
    if context.authorizer is not None:
        fields["authorizer"] = dict(context.authorizer)
    return fields


def _request_parts(handshake: Handshake) -> dict[str, Any]:
    """Return headers and query parameters; without parameters, AWS leaves out their fields."""
    headers: dict[str, list[str]] = {}
    for key, value in handshake.headers:
        headers.setdefault(key, []).append(value)
    parts: dict[str, Any] = {
        "headers": {key: values[-1] for key, values in headers.items()},
        "multiValueHeaders": headers,
    }
    if query := handshake.query():
        parts["queryStringParameters"] = {key: values[-1] for key, values in query.items()}
        parts["multiValueQueryStringParameters"] = dict(query)
    return parts


def authorizer_event(context: ConnectionContext, now_s: float) -> dict[str, Any]:
    """Return the event of a REQUEST authorizer."""
    return {
        "type": "REQUEST",
        "methodArn": context.api.connect_arn,
        **_request_parts(context.handshake),
        "requestContext": _request_context(context, "$connect", "CONNECT", now_s),
    }


def connect_event(context: ConnectionContext, now_s: float) -> dict[str, Any]:
    """Return the event of ``$connect``."""
    return {
        **_request_parts(context.handshake),
        "requestContext": _request_context(context, "$connect", "CONNECT", now_s),
        "isBase64Encoded": False,
    }


def message_event(
    context: ConnectionContext, route_key: str, body: str, now_s: float
) -> dict[str, Any]:
    """Return the event of a client's message."""
    request_context = _request_context(context, route_key, "MESSAGE", now_s)
    request_context["messageId"] = gateway_id()
    return {"requestContext": request_context, "body": body, "isBase64Encoded": False}


def disconnect_event(
    context: ConnectionContext, status_code: int, reason: str, now_s: float
) -> dict[str, Any]:
    """Return the event of ``$disconnect``."""
    request_context = _request_context(context, "$disconnect", "DISCONNECT", now_s)
    request_context["disconnectStatusCode"] = status_code
    request_context["disconnectReason"] = reason
    wanted = ("Host", "x-api-key", "X-Forwarded-For", "x-restapi")
    headers = {name: context.handshake.header(name) or "" for name in wanted}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": request_context,
        "isBase64Encoded": False,
    }
