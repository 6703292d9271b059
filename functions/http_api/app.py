from typing import Any

from fastapi import FastAPI

from http_api.deps import Deps
from http_api.problems import answer_with_problems
from http_api.routes import (
    conversations,
    documents,
    export,
    health,
    me,
    notes,
    preferences,
    sessions,
    settings,
    site,
    turns,
    usage,
)

_ROUTERS = tuple(
    routes.router
    for routes in (
        site,
        settings,
        health,
        documents,
        sessions,
        conversations,
        turns,
        preferences,
        notes,
        me,
        usage,
        export,
    )
)


class Api(FastAPI):
    """FastAPI that makes its OpenAPI document at the first request for it."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            # Few requests need this module, so the others do not wait for its import.
            from http_api.openapi import describe

            self.openapi_schema = describe(self)
        return self.openapi_schema


def create_app(deps: Deps) -> FastAPI:
    """Make the HTTP API."""
    app = Api(
        title="Repartee",
        version="1",
        # ``documents`` serves these two without content from other hosts.
        openapi_url=None,
        docs_url=None,
        # Starlette builds a redirect from the Host header, which the client controls.
        redirect_slashes=False,
        # Client generators name their functions after these ids.
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.deps = deps
    app.state.routes = [route for router in _ROUTERS for route in router.routes]
    answer_with_problems(app)
    for router in _ROUTERS:
        app.include_router(router)
    return app
