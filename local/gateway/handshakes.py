"""Opens connections: a handshake waits for identity source, authorizer and ``$connect``."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.cloudwatch.aws_metrics import WebSocketMetrics
from local.gateway.authorizer_policy import InvalidAuthorizerResponseError, evaluate
from local.gateway.ids import gateway_id
from local.gateway.websocket_events import ConnectionContext, authorizer_event, connect_event
from local.hosting.timers import Timers, within
from local.lambdas.hosting_types import InvocationResult, Invoker, ThrottledError
from local.template.model import RequestAuthorizer, WebSocketApi

_AUTHORIZER_TIMEOUT_S = 29.0
_SUBPROTOCOL = "sec-websocket-protocol"


class Refusal(Exception):
    """The handshake is refused.

    Args:
        status: The HTTP status.
        body: The JSON body.
    """

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer of ``$connect``; without a subprotocol in it, the connection uses none."""

    subprotocol: str | None


class HandshakeHandler:
    """Accepts or refuses connections."""

    def __init__(
        self, api: WebSocketApi, invoker: Invoker, timers: Timers, metrics: WebSocketMetrics
    ) -> None:
        self._api = api
        self._invoker = invoker
        self._timers = timers
        self._metrics = metrics

    async def open(self, context: ConnectionContext) -> Admission:
        """Run the authorizer and ``$connect``; set ``context.authorizer``.

        Raises:
            Refusal: One of them refused or failed.
        """
        path = urlsplit(context.handshake.target).path
        if path.strip("/") != self._api.stage:
            raise self._refused(403, "Forbidden", context)
        if self._api.authorizer is not None:
            await self._authorize(self._api.authorizer, context)
        return await self._connect(context)

    async def _authorize(self, authorizer: RequestAuthorizer, context: ConnectionContext) -> None:
        if not all(_identity(source, context) for source in authorizer.identity_sources):
            raise self._refused(401, "Unauthorized", context)
        started_at_s = self._timers.now_s()
        event = authorizer_event(context, started_at_s)
        result = await self._call(authorizer.function, event, _AUTHORIZER_TIMEOUT_S)
        if result is None:
            raise _refusal(500, None, context)
        if result.function_error is not None:
            # API Gateway interprets only this message: an authorizer raises it to answer 401.
            unauthorized = json.loads(result.payload).get("errorMessage") == "Unauthorized"
            raise (
                self._refused(401, "Unauthorized", context)
                if unauthorized
                else _refusal(500, None, context)
            )
        try:
            authorization = evaluate(result.payload, context.api.connect_arn)
        except InvalidAuthorizerResponseError as error:
            raise _refusal(500, None, context) from error
        if not authorization.allowed:
            text = "User is not authorized to access this resource"
            if authorization.is_explicitly_denied:
                text += " with an explicit deny"
            raise self._refused(403, text, context)
        context.authorizer = {
            **authorization.context,
            "principalId": authorization.principal_id,
            "integrationLatency": int((self._timers.now_s() - started_at_s) * 1000),
        }

    async def _connect(self, context: ConnectionContext) -> Admission:
        route = self._api.routes.get("$connect")
        if route is None:
            return Admission(None)
        event = connect_event(context, self._timers.now_s())
        started_at_s = self._timers.now_s()
        result = await self._call(route.function, event, route.integration_timeout_ms / 1000)
        latency_ms = None if result is None else (self._timers.now_s() - started_at_s) * 1000
        answer: dict[str, Any] = {}
        if result is not None and result.function_error is None:
            given = json.loads(result.payload or b"null")
            answer = given if isinstance(given, dict) else {}
        status = answer.get("statusCode")
        status = status if isinstance(status, int) else None
        self._metrics.integrated("$connect", latency_ms, status=status)
        if status is None:
            raise _refusal(502, "Internal server error", context)
        if not 200 <= status < 300:
            raise _refusal(status, answer.get("body") or "Forbidden", context)
        headers = answer.get("headers") or {}
        named = [value for key, value in headers.items() if key.lower() == _SUBPROTOCOL]
        return Admission(named[-1] if named else None)

    def _refused(self, status: int, message: str, context: ConnectionContext) -> Refusal:
        """Count and return a refusal by API Gateway itself."""
        self._metrics.refused()
        return _refusal(status, message, context)

    async def _call(
        self, function: str, event: dict[str, Any], timeout_s: float
    ) -> InvocationResult | None:
        """Return a function's result, None if it was throttled or timed out."""
        try:
            return await within(
                self._timers,
                timeout_s,
                self._invoker.invoke(function, json.dumps(event).encode()),
            )
        except (TimeoutError, ThrottledError):
            return None


def _identity(source: str, context: ConnectionContext) -> str | None:
    """Return the value of an identity source such as ``route.request.querystring.ticket``."""
    kind, _, name = source.removeprefix("route.request.").partition(".")
    match kind:
        case "querystring":
            values = context.handshake.query().get(name, ())
            return values[-1] if values else None
        case "header":
            return context.handshake.header(name)
        case "context":
            known = {
                "apiId": context.api.api_id,
                "stage": context.api.stage,
                "domainName": context.api.domain_name,
                "connectionId": context.connection_id,
                "routeKey": "$connect",
            }
            return known.get(name)
    return None


def _refusal(status: int, message: str | None, context: ConnectionContext) -> Refusal:
    ids = {"connectionId": context.connection_id, "requestId": gateway_id()}
    return Refusal(status, {"message": message, **ids})
