from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools import Logger
from fastapi import Depends, Request

from http_api.site.files import Site
from http_api.site.sign_in import SignIn
from repartee.adapters.cursors import Cursors
from repartee.application.answers.check_limits import LimitChecker
from repartee.application.connections.start_session import SessionStarter
from repartee.application.users.change_preferences import PreferenceChanger
from repartee.application.users.erase_user import UserEraser
from repartee.application.users.export_user import UserExporter
from repartee.application.users.forget_note import NoteForgetter
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.ports.conversations import ConversationReader
from repartee.ports.runtime import Clock
from repartee.ports.users import ProfileStore, UsageStore


@dataclass(frozen=True, slots=True)
class Deps:
    """The routes' dependencies.

    Attributes:
        live_model: The profile of the live model, with its languages and voices.
        persona: The name of the persona.
        business: The name of the persona's business.
        websocket_url: The URL for clients; a ticket is added as the query.
        site: The files of the page.
        sign_in: How users sign in to the page; None if they cannot.
    """

    starter: SessionStarter
    reader: ConversationReader
    profiles: ProfileStore
    preferences: PreferenceChanger
    eraser: UserEraser
    exporter: UserExporter
    forgetter: NoteForgetter
    cursors: Cursors
    limits: LimitChecker
    usage: UsageStore
    clock: Clock
    live_model: LiveModelProfile
    persona: str
    business: str
    websocket_url: str
    site: Site
    sign_in: SignIn | None
    log: Logger


def _deps(request: Request) -> Deps:
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]
