"""The REQUEST authorizer of ``$connect``: allows a valid ticket from an allowed page.

A spent ticket passes here, because ``connect`` refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger

from repartee.adapters.aws.authorizer_answer import allow, deny
from repartee.adapters.aws.gateway_event import header_values
from repartee.adapters.aws.secrets_manager import SecretsManager
from repartee.adapters.clock import SystemClock
from repartee.adapters.ticket_jwt import JwtTicketSigner
from repartee.config import AuthorizerSettings
from repartee.domain.errors import TicketRefused
from repartee.domain.protocol.origins import OriginPolicy, OriginRefused
from repartee.observability import get_logger
from repartee.ports.runtime import Clock, TicketSigner


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies; tests pass fakes."""

    signer: TicketSigner
    origins: OriginPolicy
    clock: Clock
    log: Logger


def handle(event: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Return an IAM policy: Allow with the ticket's ids as context, or Deny, which means 403.

    API Gateway itself answers with 401 if there is no ticket. If it calls the function for an empty
    ticket, the answer is Deny: the usual exception for 401 would count as an error of the function,
    so any client could trigger its alarm.
    """
    refusal = {"connection_id": event["requestContext"]["connectionId"]}
    token = (event.get("queryStringParameters") or {}).get("ticket")
    if not token:
        deps.log.warning("connection refused", extra={**refusal, "reason": "ticket_missing"})
        return deny(event["methodArn"])
    try:
        deps.origins.check(header_values(event, "origin"))
        ticket = deps.signer.verify(token, now_ms=deps.clock.now_ms())
    except (TicketRefused, OriginRefused) as refused:
        deps.log.warning("connection refused", extra={**refusal, "reason": refused.reason})
        return deny(event["methodArn"])
    return allow(ticket, event["methodArn"])


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    settings = AuthorizerSettings.from_env()
    clock, log = SystemClock(), get_logger()
    secrets = SecretsManager(clock, log)
    return Deps(
        signer=JwtTicketSigner(secrets, settings.ticket_key_secret_arn),
        origins=OriginPolicy(
            (*settings.allowed_origins, *settings.page_addresses), settings.allow_missing_origin
        ),
        clock=clock,
        log=log,
    )


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway."""
    return handle(event, build())
