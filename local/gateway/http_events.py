"""Payload format 2.0 of HTTP APIs, for requests and responses."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from local.gateway.ids import gateway_id
from local.gateway.jwt_tokens import Principal
from local.lambdas.hosting_types import InvocationResult
from local.template.model import ACCOUNT, HttpApi, HttpRoute

_TEXT_TYPE = re.compile(r"text/.*|application/(json|javascript|xml|.*\+json|.*\+xml)")


class InvalidResponseError(ValueError):
    """The function failed, or its answer is not an HTTP response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; header names keep their case, values their order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str

    def joined_headers(self) -> Mapping[str, str]:
        """Return headers by lower-case name; several values are joined with commas."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        return joined

    def joined_query(self) -> Mapping[str, str]:
        """Return the decoded parameters; several values are joined with commas."""
        joined: dict[str, str] = {}
        for key, value in parse_qsl(self.query, keep_blank_values=True):
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        return joined


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def request_event(
    api: HttpApi,
    route: HttpRoute,
    path_parameters: Mapping[str, str],
    request: HttpRequest,
    principal: Principal | None,
    now_s: float,
) -> dict[str, Any]:
    """Return the event for the route's function."""
    headers = dict(request.joined_headers())
    cookies = headers.pop("cookie", None)
    route_key = "$default" if route.path is None else f"{route.method} {route.path}"
    domain_name = headers.get("host", "")
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "apiId": api.logical_id,
        "domainName": domain_name,
        "domainPrefix": domain_name.split(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": gateway_id(),
        "routeKey": route_key,
        "stage": api.stage,
        "time": datetime.fromtimestamp(now_s, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now_s * 1000),
    }
    if principal is not None:
        scopes = list(principal.scopes) if route.scopes else None
        context["authorizer"] = {"jwt": {"claims": dict(principal.claims), "scopes": scopes}}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies is not None:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if query := request.joined_query():
        event["queryStringParameters"] = dict(query)
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if request.body:
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        is_text = _TEXT_TYPE.fullmatch(content_type) is not None
        event["body"] = (
            request.body.decode(errors="replace")
            if is_text
            else base64.b64encode(request.body).decode()
        )
        event["isBase64Encoded"] = not is_text
    return event


def response_from(result: InvocationResult) -> HttpResponse:
    """Return a function's result as an HTTP response.

    Raises:
        InvalidResponseError: API Gateway would answer 500.
    """
    if result.function_error is not None:
        raise InvalidResponseError("the function failed")
    answer = json.loads(result.payload or b"null")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # In format 2.0, an answer without a status is the body of a 200.
        return HttpResponse(
            200, [("content-type", "application/json")], json.dumps(answer).encode()
        )
    try:
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
        headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
        status = int(answer["statusCode"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidResponseError(str(error)) from error
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return HttpResponse(status, headers, data)
