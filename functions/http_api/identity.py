"""Who is asking: only what API Gateway's JWT authorizer verified, never what a client wrote."""

from typing import Annotated

from fastapi import Depends, Request

from http_api.deps import Dependencies
from http_api.problems import Problem
from repartee.domain.errors import UserErased


def _user_id(request: Request) -> str:
    event = request.scope.get("aws.event", {})
    authorizer = event.get("requestContext", {}).get("authorizer", {})
    subject = authorizer.get("jwt", {}).get("claims", {}).get("sub")
    if not isinstance(subject, str) or not subject:
        raise Problem(401, "not_signed_in", "no verified token: send one as a bearer token")
    return subject


VerifiedUserId = Annotated[str, Depends(_user_id)]
"""Who asks, even when all that was theirs is erased."""


def _kept_user_id(user_id: VerifiedUserId, deps: Dependencies) -> str:
    if deps.eraser.store.find(user_id) is not None:
        raise UserErased(user_id)
    return user_id


UserId = Annotated[str, Depends(_kept_user_id)]
"""Who asks, unless they were erased: then every answer is the same."""
