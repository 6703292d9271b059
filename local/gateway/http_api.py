"""The HTTP API: routes, JWT authorizers and CORS from the template."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from local.cloudwatch.aws_metrics import AwsMetrics, HttpApiMetrics
from local.gateway.http_events import (
    HttpRequest,
    HttpResponse,
    InvalidResponseError,
    request_event,
    response_from,
)
from local.gateway.jwt_tokens import (
    FetchJson,
    Principal,
    TokenVerifier,
    UnauthorizedError,
    fetch_json,
)
from local.hosting.timers import Timers, within
from local.lambdas.hosting_types import MAX_SYNC_PAYLOAD_BYTES, Invoker, ThrottledError
from local.template.model import Cors, HttpApi, HttpRoute, JwtAuthorizer

_MAX_BODY_BYTES = 10 * 1024 * 1024  # HTTP API quota, read 2026-11-22
_PARAMETER = re.compile(r"\\\{(\w+)(\\\+)?\\\}")


@dataclass(frozen=True, slots=True)
class _Match:
    route: HttpRoute
    parameters: Mapping[str, str]


class _Routes:
    """Finds the most specific route: a full match, then ``{proxy+}``, then ``$default``."""

    def __init__(self, api: HttpApi) -> None:
        # Within each kind, paths with fewer parameters come first, then longer paths.
        self._routes = sorted(
            api.routes,
            key=lambda route: (
                route.path is None,
                "+}" in (route.path or ""),
                (route.path or "").count("{"),
                -len(route.path or ""),
                route.method == "ANY",
            ),
        )

    def find(self, method: str, path: str) -> _Match | None:
        for route in self._routes:
            if route.method not in ("ANY", method) and route.path is not None:
                continue
            if route.path is None:
                return _Match(route, {})
            found = re.fullmatch(_expression(route.path), path, re.DOTALL)
            if found is not None:
                return _Match(route, found.groupdict())
        return None


def _expression(path: str) -> str:
    def group(match: re.Match[str]) -> str:
        return f"(?P<{match.group(1)}>{'.+' if match.group(2) else '[^/]+'})"

    return _PARAMETER.sub(group, re.escape(path))


class HttpGateway:
    """Serves one HTTP API of the template as an aiohttp application."""

    def __init__(
        self,
        api: HttpApi,
        invoker: Invoker,
        timers: Timers,
        fetch: FetchJson = fetch_json,
        metrics: AwsMetrics | None = None,
    ) -> None:
        self._metrics = HttpApiMetrics(metrics or AwsMetrics(), {"ApiId": api.logical_id})
        self._api = api
        self._invoker = invoker
        self._timers = timers
        self._fetch = fetch
        self._routes = _Routes(api)
        self._verifiers: dict[JwtAuthorizer, TokenVerifier] = {}

    def application(self) -> web.Application:
        """Return the application, which passes every path to ``handle``."""
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
        application.router.add_route("*", r"/{path:[\s\S]*}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.Response:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        prefix = "" if self._api.stage == "$default" else f"/{self._api.stage}"
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            answer = _TOO_LARGE
        else:
            answer = await self.handle(
                HttpRequest(
                    method=request.method,
                    path=request.rel_url.path.removeprefix(prefix) or "/",
                    query=request.rel_url.raw_query_string,
                    headers=[(name, value) for name, value in request.headers.items()],
                    body=body,
                    source_ip=peer[0] if peer else "",
                )
            )
        response = web.Response(status=answer.status, body=answer.body)
        for name, value in answer.headers:
            response.headers.add(name, value)
        return response

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        headers = request.joined_headers()
        origin, cors = headers.get("origin"), self._api.cors
        is_preflight = request.method == "OPTIONS" and "access-control-request-method" in headers
        if cors is not None and origin is not None and is_preflight:
            return HttpResponse(204, _cors_headers(cors, origin, preflight=True), b"")
        started_at_s = self._timers.now_s()
        answer, integration_ms = await self._routed(request)
        self._metrics.answered(answer.status, self._ms_since(started_at_s), integration_ms)
        if cors is None:
            return answer
        # The CORS settings of the API replace the headers of the function.
        kept = [h for h in answer.headers if not h[0].lower().startswith("access-control-")]
        added = [] if origin is None else _cors_headers(cors, origin, preflight=False)
        return HttpResponse(answer.status, [*kept, *added], answer.body)

    def _ms_since(self, at_s: float) -> float:
        return (self._timers.now_s() - at_s) * 1000

    async def _routed(self, request: HttpRequest) -> tuple[HttpResponse, float | None]:
        """Return the answer, and the function's time in ms; None if no function was called."""
        match = self._routes.find(request.method, request.path)
        if match is None:
            return _message(404, "Not Found"), None
        principal: Principal | None = None
        if match.route.authorizer is not None:
            try:
                principal = await self._verifier(match.route.authorizer).verify(
                    request.joined_headers(), request.joined_query()
                )
            except UnauthorizedError:
                return _message(401, "Unauthorized", ("www-authenticate", "Bearer")), None
            if match.route.scopes and not set(match.route.scopes) & set(principal.scopes):
                return _message(403, "Forbidden"), None
        event = request_event(
            self._api, match.route, match.parameters, request, principal, self._timers.now_s()
        )
        payload = json.dumps(event).encode()
        if len(payload) > MAX_SYNC_PAYLOAD_BYTES:
            return _TOO_LARGE, None
        started_at_s = self._timers.now_s()
        try:
            result = await within(
                self._timers,
                match.route.timeout_ms / 1000,
                self._invoker.invoke(match.route.function, payload),
            )
            answer = response_from(result)
        except (TimeoutError, ThrottledError):
            answer = _message(503, "Service Unavailable")
        except InvalidResponseError:
            answer = _message(500, "Internal Server Error")
        return answer, self._ms_since(started_at_s)

    def _verifier(self, authorizer: JwtAuthorizer) -> TokenVerifier:
        if authorizer not in self._verifiers:
            self._verifiers[authorizer] = TokenVerifier(authorizer, self._fetch)
        return self._verifiers[authorizer]


def _message(status: int, message: str, *headers: tuple[str, str]) -> HttpResponse:
    body = json.dumps({"message": message}).encode()
    return HttpResponse(status, [("content-type", "application/json"), *headers], body)


_TOO_LARGE = _message(413, "Request Entity Too Large")


def _cors_headers(cors: Cors, origin: str, *, preflight: bool) -> list[tuple[str, str]]:
    """Return the CORS headers for a request; none for an origin that is not allowed."""
    if "*" not in cors.allow_origins and origin not in cors.allow_origins:
        return []
    allowed = "*" if "*" in cors.allow_origins and not cors.allow_credentials else origin
    headers = [("access-control-allow-origin", allowed)]
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if preflight:
        if cors.allow_methods:
            headers.append(("access-control-allow-methods", ",".join(cors.allow_methods)))
        if cors.allow_headers:
            headers.append(("access-control-allow-headers", ",".join(cors.allow_headers)))
        if cors.max_age_s is not None:
            headers.append(("access-control-max-age", str(cors.max_age_s)))
    elif cors.expose_headers:
        headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
    return headers
