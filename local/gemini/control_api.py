"""The control API under ``/control``: it shows connections and accepts orders for faults."""

from collections.abc import Mapping

from aiohttp import web
from pydantic import ValidationError

from local.gemini.faults import Fault, Faults
from local.gemini.live.session import SimulatedLiveSession


class ControlApi:
    """Handlers over the connections and faults of one simulator."""

    def __init__(self, connections: Mapping[str, SimulatedLiveSession], faults: Faults) -> None:
        self._connections = connections
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/health", self.health),
            web.get("/control/connections", self.connections),
            web.get("/control/connections/{id}", self.connection),
            web.get("/control/faults", self.faults),
            web.post("/control/faults", self.order),
            web.delete("/control/faults", self.clear),
        ]

    async def health(self, request: web.Request) -> web.Response:
        count = sum(session.open for session in self._connections.values())
        return web.json_response({"status": "ok", "open_connections": count})

    async def connections(self, request: web.Request) -> web.Response:
        found = [session.describe() for session in self._connections.values()]
        return web.json_response({"connections": found})

    async def connection(self, request: web.Request) -> web.Response:
        session = self._connections.get(request.match_info["id"])
        if session is None:
            raise web.HTTPNotFound
        return web.json_response(session.describe())

    async def faults(self, request: web.Request) -> web.Response:
        waiting = [fault.model_dump(exclude_none=True) for fault in self._faults.waiting]
        return web.json_response({"waiting": waiting, "consumed": dict(self._faults.consumed)})

    async def order(self, request: web.Request) -> web.Response:
        """Order one fault; for ``now``, the response lists the affected connections."""
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        struck: list[str] = []
        if fault.moment == "now":
            for session in list(self._connections.values()):
                if session.open and fault.connection in (None, session.connection_id):
                    self._faults.consumed[fault.kind] += 1
                    await session.strike(fault)
                    struck.append(session.connection_id)
        else:
            self._faults.order(fault)
        return web.json_response({"struck": struck})

    async def clear(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({})
