from fastapi import FastAPI

from http_api.deps import Deps
from http_api.problems import answer_with_problems
from http_api.routes import conversations, export, health, me, preferences, sessions, turns, usage


def create_app(deps: Deps) -> FastAPI:
    """Make the HTTP API; its OpenAPI document can be generated, but is not served."""
    app = FastAPI(title="Repartee", version="1", openapi_url=None)
    app.state.deps = deps
    answer_with_problems(app)
    for routes in (health, sessions, conversations, turns, preferences, me, usage, export):
        app.include_router(routes.router)
    return app
