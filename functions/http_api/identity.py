"""Who is asking: only what API Gateway's JWT authorizer verified, never what a client wrote."""

from typing import Annotated

from fastapi import Depends, Request

from http_api.problems import Problem


def _user_id(request: Request) -> str:
    event = request.scope.get("aws.event", {})
    authorizer = event.get("requestContext", {}).get("authorizer", {})
    subject = authorizer.get("jwt", {}).get("claims", {}).get("sub")
    if not isinstance(subject, str) or not subject:
        raise Problem(401, "not_signed_in", "no verified token: send one as a bearer token")
    return subject


UserId = Annotated[str, Depends(_user_id)]
