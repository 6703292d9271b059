"""The page with the dashboards, which another process draws at each request."""

import asyncio
import sys
from html import escape
from pathlib import Path

from aiohttp import web

from local.observer.pages import page

# matplotlib's SVG has inline styles, and the form asks for one session's story.
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class DashboardPages:
    """Draws the dashboards of a run.

    Args:
        run_directory: The folder of the run.
    """

    def __init__(self, run_directory: Path) -> None:
        self._run_directory = run_directory
        self._drawing = asyncio.Lock()

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the dashboards as of now; ``session`` chooses a session."""
        session = request.query.get("session", "")
        async with self._drawing:
            error = await self._draw(session)
            drawn = "" if error else self._drawn()
        form = (
            '<form><label>Session id <input name="session" size="28" '
            f'value="{escape(session)}"></label> <button>Show</button></form>'
        )
        answer = page(
            "Dashboards", f'{form}<p>{escape(error)}</p><div class="dashboards">{drawn}</div>'
        )
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    async def _draw(self, session: str) -> str:
        """Draw the dashboards; return what went wrong, "" for success."""
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.dashboard", "--run", str(self._run_directory)),
            *((f"--session={session}",) if session else ()),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await program.communicate()
        if program.returncode == 0:
            return ""
        return errors.decode(errors="replace").strip().rpartition("\n")[2]

    def _drawn(self) -> str:
        folder = self._run_directory / "dashboard"
        return "\n".join(path.read_text() for path in sorted(folder.glob("*.svg")))
