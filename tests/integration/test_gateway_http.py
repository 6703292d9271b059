"""The local HTTP API verifies real tokens and uses payload format 2.0."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.gateway.http_api import HttpGateway
from local.hosting.servers import serving
from local.hosting.timers import SystemTimers
from local.issuer import IssuerApi, TokenIssuer
from local.lambdas.hosting_types import ThrottledError
from local.template.model import Cors, HttpApi, HttpRoute, JwtAuthorizer
from tests.fakes.functions import PATIENCE_S, FakeFunctions

pytestmark = pytest.mark.integration

OK = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}


class Site:
    def __init__(
        self, url: str, issuer: TokenIssuer, functions: FakeFunctions, http: aiohttp.ClientSession
    ) -> None:
        self.url = url
        self.issuer = issuer
        self.functions = functions
        self._http = http

    async def request(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> tuple[int, Any, Any]:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self._http.request(
            method, f"{self.url}{path}", headers=headers, **options
        ) as response:
            is_json = response.content_type == "application/json"
            body = await (response.json() if is_json else response.read())
            return response.status, body, response.headers


@contextlib.asynccontextmanager
async def running(
    handler: Any = lambda _: OK, cors: Cors | None = None, scopes: tuple[str, ...] = ()
) -> AsyncIterator[Site]:
    functions = FakeFunctions(Web=handler)
    issuer = TokenIssuer("", "somebody", SystemTimers())
    async with (
        asyncio.timeout(PATIENCE_S),
        serving(IssuerApi(issuer, SystemTimers()).application(), 0) as issuer_port,
        aiohttp.ClientSession() as http,
    ):
        issuer.url = f"http://127.0.0.1:{issuer_port}"
        guard = JwtAuthorizer("$request.header.Authorization", issuer.url, ("somebody",))
        routes = (
            HttpRoute("ANY", "/{proxy+}", "Web", guard, (), 30_000),
            HttpRoute("GET", "/items/{id}", "Web", guard, (), 30_000),
            HttpRoute("GET", "/admin", "Web", guard, scopes or ("admin",), 30_000),
            HttpRoute("ANY", "/health", "Web", None, (), 30_000),
        )
        api = HttpApi("Api", "$default", routes, cors)
        gateway = HttpGateway(api, functions, SystemTimers())
        async with serving(gateway.application(), 0) as port:
            yield Site(f"http://127.0.0.1:{port}", issuer, functions, http)


def test_a_valid_token_is_accepted_and_its_claims_are_passed_as_text():
    async def run() -> Any:
        async with running() as site:
            token = site.issuer.token("ada", groups=["a", "b"], email_verified=True)
            status, _, _ = await site.request("POST", "/sessions?a=1&a=2&b=x%20y", token, json={})
            return status, site.functions.events["Web"][0], site.issuer.url

    status, event, issuer = asyncio.run(run())
    assert status == 200
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /{proxy+}"
    assert (event["rawPath"], event["rawQueryString"]) == ("/sessions", "a=1&a=2&b=x%20y")
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y"}
    assert event["pathParameters"] == {"proxy": "sessions"}
    assert (event["body"], event["isBase64Encoded"]) == ("{}", False)
    context = event["requestContext"]
    assert context["http"]["method"] == "POST"
    assert context["stage"] == "$default"
    claims = context["authorizer"]["jwt"]["claims"]
    assert claims["sub"] == "ada"
    assert claims["iss"] == issuer
    assert claims["groups"] == "[a b]"
    assert claims["email_verified"] == "true"
    assert claims["exp"].isdigit()
    assert context["authorizer"]["jwt"]["scopes"] is None


def forged(issuer: TokenIssuer) -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    key_id = issuer.keys()["keys"][0]["kid"]
    claims = jwt.decode(issuer.token("ada"), options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id})


def signed_by_public_key(issuer: TokenIssuer) -> str:
    claims = jwt.decode(issuer.token("ada"), options={"verify_signature": False})
    secret = issuer.keys()["keys"][0]["n"]
    return jwt.encode(
        claims, secret, algorithm="HS256", headers={"kid": issuer.keys()["keys"][0]["kid"]}
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda issuer: None,
        lambda issuer: "no.token.at-all",
        lambda issuer: issuer.token("ada", exp=1_000_000_000),
        lambda issuer: issuer.token("ada", aud="somebody-else"),
        lambda issuer: issuer.token("ada", iss="https://elsewhere.example"),
        lambda issuer: issuer.token("ada", nbf=4_000_000_000),
        forged,
        signed_by_public_key,
        lambda issuer: TokenIssuer(issuer.url, "somebody", SystemTimers()).token("ada"),
    ],
    ids=[
        "missing",
        "malformed",
        "expired",
        "another audience",
        "another issuer",
        "too early",
        "forged",
        "signed with the public key",
        "an unknown key",
    ],
)
def test_any_other_token_is_unauthorized(make):
    async def run() -> Any:
        async with running() as site:
            answer = await site.request("GET", "/conversations", make(site.issuer))
            return answer[0], answer[1], site.functions.events["Web"]

    assert asyncio.run(run()) == (401, {"message": "Unauthorized"}, [])


def test_a_route_without_an_authorizer_needs_no_token():
    async def run() -> Any:
        async with running() as site:
            status, _, _ = await site.request("GET", "/health")
            return status, site.functions.events["Web"][0]

    status, event = asyncio.run(run())
    assert (status, event["routeKey"]) == (200, "ANY /health")
    assert "authorizer" not in event["requestContext"]


def test_the_most_specific_route_wins():
    async def run() -> Any:
        async with running() as site:
            token = site.issuer.token("ada")
            for method, path in (("GET", "/items/7"), ("PUT", "/items/7"), ("POST", "/other")):
                await site.request(method, path, token)
            missing = await site.request("GET", "/", token)
            return [
                (event["routeKey"], event.get("pathParameters"))
                for event in site.functions.events["Web"]
            ], missing[:2]

    routes, missing = asyncio.run(run())
    assert routes == [
        ("GET /items/{id}", {"id": "7"}),
        ("ANY /{proxy+}", {"proxy": "items/7"}),
        ("ANY /{proxy+}", {"proxy": "other"}),
    ]
    assert missing == (404, {"message": "Not Found"})


def test_a_token_must_have_the_scope_of_the_route():
    async def run() -> Any:
        async with running() as site:
            without = await site.request("GET", "/admin", site.issuer.token("ada", scope="read"))
            token = site.issuer.token("ada", scope="read admin")
            await site.request("GET", "/admin", token)
            return without[:2], site.functions.events["Web"]

    without, (event,) = asyncio.run(run())
    assert without == (403, {"message": "Forbidden"})
    assert event["requestContext"]["authorizer"]["jwt"]["scopes"] == ["read", "admin"]


def test_a_token_for_a_client_without_an_audience_is_judged_by_its_client_id():
    async def run() -> Any:
        async with running() as site:
            answers = []
            for claims in (
                {"client_id": "somebody"},
                {"client_id": "somebody-else"},
                {"client_id": "somebody-else", "aud": "somebody"},
                {"client_id": "somebody", "aud": "somebody-else"},
            ):
                token = site.issuer.token("ada", **claims)
                answers.append((await site.request("GET", "/x", token))[0])
            return answers

    assert asyncio.run(run()) == [200, 401, 200, 401]


def test_bodies_cookies_and_answers_keep_their_bytes():
    data = bytes(range(256))

    def mirror(event: Any) -> Any:
        return {
            "statusCode": 201,
            "headers": {"content-type": "audio/wav", "x-seen": ";".join(event["cookies"])},
            "cookies": ["a=1; Secure", "b=2"],
            "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"],
        }

    async def run() -> Any:
        async with running(mirror) as site:
            headers = {"Content-Type": "audio/wav", "Cookie": "one=1; two=2"}
            return await site.request(
                "POST", "/audio", site.issuer.token("ada"), data=data, headers=headers
            )

    status, body, headers = asyncio.run(run())
    assert (status, body) == (201, data)
    assert headers["x-seen"] == "one=1;two=2"
    assert headers.getall("set-cookie") == ["a=1; Secure", "b=2"]


def throttled(_event: Any) -> Any:
    raise ThrottledError("Web")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (lambda _: {"hello": 1}, (200, {"hello": 1})),
        (lambda _: 1 / 0, (500, {"message": "Internal Server Error"})),
        (lambda _: {"statusCode": "no"}, (500, {"message": "Internal Server Error"})),
        (lambda _: {"statusCode": 200, "body": 5}, (500, {"message": "Internal Server Error"})),
        (throttled, (503, {"message": "Service Unavailable"})),
    ],
)
def test_a_functions_result_becomes_a_response(handler, expected):
    async def run() -> Any:
        async with running(handler) as site:
            return (await site.request("GET", "/health"))[:2]

    assert asyncio.run(run()) == expected


def test_cors_comes_from_the_template():
    cors = Cors(("https://a.example",), ("GET", "POST"), ("authorization",), ("allow",), 600, True)

    def says_otherwise(_event: Any) -> Any:
        return {**OK, "headers": {"access-control-allow-origin": "*"}}

    async def run() -> Any:
        async with running(says_otherwise, cors) as site:
            answers = []
            await site.request("OPTIONS", "/health", headers={"Origin": "https://a.example"})
            for origin in ("https://a.example", "https://b.example"):
                headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                preflight = await site.request("OPTIONS", "/sessions", headers=headers)
                answer = await site.request("GET", "/health", headers=headers)
                answers.append((preflight[0], preflight[2], answer[2]))
            return answers, len(site.functions.events["Web"])

    ((status, preflight, answer), (_, refused, other)), calls = asyncio.run(run())
    # An OPTIONS request that names no method is no preflight, so the function answers it.
    assert (status, calls) == (204, 3)
    assert preflight["access-control-allow-origin"] == "https://a.example"
    assert preflight["access-control-allow-methods"] == "GET,POST"
    assert preflight["access-control-allow-headers"] == "authorization"
    assert preflight["access-control-max-age"] == "600"
    assert preflight["access-control-allow-credentials"] == "true"
    # API Gateway exposes headers in answers, not in preflights.
    assert "access-control-expose-headers" not in preflight
    assert answer["access-control-expose-headers"] == "allow"
    assert answer["access-control-allow-credentials"] == "true"
    assert answer["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-origin" not in refused
    assert "access-control-allow-origin" not in other


def test_the_issuer_gives_tokens_for_forms_and_json():
    async def run() -> Any:
        async with running() as site, aiohttp.ClientSession() as http:
            answers = []
            requests: list[Any] = [
                {"data": {"user": "ada"}},
                {"json": {"user": "ada"}},
                {"json": {}},
            ]
            for options in requests:
                async with http.post(f"{site.issuer.url}/token", **options) as response:
                    answers.append((response.status, await response.json()))
            statuses = []
            for status, body in answers[:2]:
                reached = await site.request("GET", "/x", body["access_token"])
                statuses.append((status, reached[0]))
            return statuses, answers[2], site.functions.events["Web"]

    statuses, refused, events = asyncio.run(run())
    assert statuses == [(200, 200)] * 2
    status, problem = refused
    assert (status, problem["error"]) == (400, "invalid_request")
    assert "user" in problem["error_description"]
    subjects = {e["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] for e in events}
    assert subjects == {"ada"}


async def raw(site: Site, start: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """Send bytes that no HTTP client sends; return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
    lines = (start + b" HTTP/1.1", b"Host: a:b:c", b"Connection: close", *headers)
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    return answer


def test_malformed_bytes_cause_no_error_of_the_gateway():
    async def run() -> Any:
        async with running() as site:
            token = b"Authorization: Bearer " + site.issuer.token("ada").encode()
            large = b"Content-Length: 7000000"
            answers = {
                "a header": await raw(site, b"GET /health", b"X: \xff", b"Cookie: a=\xff"),
                "a path": await raw(site, b"GET /a%0Ab%ff%zz", token),
                "a coding": await raw(
                    site,
                    b"POST /x",
                    token,
                    b"Content-Encoding: gzip",
                    b"Content-Length: 1",
                    body=b"x",
                ),
                "a token": await raw(site, b"GET /x", b"Authorization: Bearer \xff.\xff.\xff"),
                "a head": await raw(site, b"HEAD /x"),
                "a body": await raw(site, b"POST /x", token, large, body=b"x" * 7_000_000),
            }
            odd_claims: list[dict[str, Any]] = [{"aud": 5}, {"aud": [{}]}, {"scope": 5}]
            for claims in odd_claims:
                odd = b"Authorization: Bearer " + site.issuer.token("ada", **claims).encode()
                answers[str(claims)] = await raw(site, b"GET /admin", odd)
            return {name: (int(each[9:12]), each) for name, each in answers.items()}

    answers = asyncio.run(run())
    assert {name: status for name, (status, _) in answers.items()} == {
        "a header": 200,
        "a path": 200,
        "a coding": 200,
        "a token": 401,
        "a head": 401,
        "a body": 413,
        "{'aud': 5}": 401,
        "{'aud': [{}]}": 401,
        "{'scope': 5}": 403,
    }
    assert answers["a head"][1].endswith(b"\r\n\r\n")
    assert answers["a body"][1].endswith(b'{"message": "Request Entity Too Large"}')


def test_a_binary_body_reaches_the_function_in_base64():
    async def run() -> Any:
        async with running() as site:
            await site.request("POST", "/x", site.issuer.token("ada"), data=b"\x00\xff")
            return site.functions.events["Web"][0]

    event = asyncio.run(run())
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\x00\xff"
