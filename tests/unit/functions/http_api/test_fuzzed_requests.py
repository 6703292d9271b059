"""schemathesis sends valid and invalid requests of the OpenAPI document to the function."""

import json
from itertools import count
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import ignored_auth

from local.gateway.http_events import HttpRequest, request_event, response_from
from local.gateway.jwt_tokens import Principal
from local.lambdas.hosting_types import InvocationResult
from local.template.model import HttpApi, HttpRoute
from tests.unit.functions.http_api.document import document
from tests.unit.functions.http_api.harness import HttpApiHarness

pytestmark = pytest.mark.unit

_ROUTE = HttpRoute("ANY", "/{proxy+}", "HttpApiFunction", None, (), 30_000)
_GATEWAY = HttpApi("Api", "$default", (_ROUTE,), None)
_USERS = count(1)


@pytest.fixture(scope="module")
def api() -> HttpApiHarness:
    return HttpApiHarness()


# Whether a token is good is API Gateway's business, so there is nothing about tokens to find here.
# Which languages there are, and which cursors, no schema says.
CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "operations": [
            {"include-path": path, "checks": {"positive_data_acceptance": {"enabled": False}}}
            for path in ("/me/preferences", "/me/export", "/me/notes", "/conversations")
        ],
    }
)
schema = schemathesis.openapi.from_dict(document(), config=CONFIG)
# The document is valid (test_document.py), so each one is found.
OPERATIONS = [cast("Any", found).ok() for found in schema.get_all_operations()]


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def answer(api: HttpApiHarness, request: requests.PreparedRequest) -> schemathesis.Response:
    """Send a request as an API Gateway event, each for another user."""
    path, _, query = request.path_url.partition("?")
    asked = HttpRequest(
        method=request.method or "",
        path=path,
        query=query,
        headers=[
            (name, value if isinstance(value, str) else value.decode("latin-1"))
            for name, value in request.headers.items()
        ],
        body=_bytes(request.body),
        source_ip="",
    )
    user = Principal({"sub": f"user-{next(_USERS)}"}, ())
    event = request_event(_GATEWAY, _ROUTE, {}, asked, user, 0)
    result = api.application.handle(json.loads(json.dumps(event)), None)
    given = response_from(InvocationResult(json.dumps(result).encode(), None))
    headers = {name: [value] for name, value in given.headers}
    return schemathesis.Response(given.status, headers, given.body, request, 0.0, verify=False)


# Each operation has a name as a test, because tests of one name run once on two processes.
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(max_examples=20)
@given(data=st.data())
def test_no_request_gets_an_answer_that_the_document_does_not_promise(
    operation: Any, data: st.DataObject, api: HttpApiHarness
) -> None:
    case = data.draw(operation.as_strategy())
    sent = requests.Request(**case.as_transport_kwargs(base_url="http://api")).prepare()
    case.validate_response(answer(api, sent), excluded_checks=[ignored_auth])
    assert "request failed" not in str(api.log.lines)
