"""Identifies the user, only by the token that API Gateway's JWT authorizer verified."""

from typing import Annotated

from fastapi import Depends, Request

from http_api.deps import Dependencies
from http_api.problems import Problem
from repartee.domain.errors import UserErased
from repartee.domain.users.user_id import user_id_problem


def verified_user_id(request: Request, deps: Dependencies) -> str:
    """Return the verified token's subject.

    Raises:
        Problem: The token has no subject, or one that cannot identify a user.
    """
    event = request.scope.get("aws.event", {})
    authorizer = event.get("requestContext", {}).get("authorizer") or {}
    subject = authorizer.get("jwt", {}).get("claims", {}).get("sub")
    if not isinstance(subject, str) or not subject:
        raise Problem("not_signed_in")
    if (fault := user_id_problem(subject)) is not None:
        # The identity provider may issue such a subject to every user, so the operator must know.
        deps.log.warning("token subject refused", extra={"reason": fault})
        detail = f"the token's sub {fault}; the identity provider must issue another subject"
        raise Problem("subject_refused", detail)
    return subject


VerifiedUserId = Annotated[str, Depends(verified_user_id)]
"""The verified user, also after an erasure."""


def unerased_user_id(user_id: VerifiedUserId, deps: Dependencies) -> str:
    """Return the verified user.

    Raises:
        UserErased: The user's data is erased.
    """
    if deps.eraser.store.find(user_id) is not None:
        raise UserErased(user_id)
    return user_id


UserId = Annotated[str, Depends(unerased_user_id)]
"""The verified user; after an erasure, the request is refused."""
