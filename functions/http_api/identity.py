"""Who is asking: only what API Gateway's JWT authorizer verified, never what a client wrote."""

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
        # This identity provider may give such a subject to every user, so the operator must know.
        deps.log.warning("token subject refused", extra={"reason": fault})
        detail = f"the token's sub {fault}: the identity provider has to give another one"
        raise Problem("subject_refused", detail)
    return subject


VerifiedUserId = Annotated[str, Depends(verified_user_id)]
"""Who asks, even when all that was theirs is erased."""


def unerased_user_id(user_id: VerifiedUserId, deps: Dependencies) -> str:
    """Return the verified user.

    Raises:
        UserErased: They asked to be forgotten.
    """
    if deps.eraser.store.find(user_id) is not None:
        raise UserErased(user_id)
    return user_id


UserId = Annotated[str, Depends(unerased_user_id)]
"""Who asks, unless they were erased: then every answer is the same."""
