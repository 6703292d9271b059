"""HTTP servers inside this process, and waiting for those outside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from local.hosting.processes import ChildProcess

_POLL_S = 0.05
# Longer than functions idle between two calls: some of their clients must not retry, and would
# fail on a connection that is closed just as they use it again.
_KEEP_ALIVE_S = 3_600.0
# An HTTP API's quota for the request line and all headers together, read 2026-11-30.
_MAX_LINE_BYTES = 10_240


@contextlib.asynccontextmanager
async def serving(application: web.Application, port: int) -> AsyncIterator[int]:
    """Serve an application on 127.0.0.1 while the context lasts; gives the port (0 picks one)."""
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=0.5,
        keepalive_timeout=_KEEP_ALIVE_S,
        # As AWS's servers, these take a body as it is and lines of a length that tokens need.
        auto_decompress=False,
        max_line_size=_MAX_LINE_BYTES,
        max_field_size=_MAX_LINE_BYTES,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def wait_until_answering(child: ChildProcess, url: str, deadline_s: float) -> None:
    """Wait until a child's HTTP server answers, with whatever status.

    Raises:
        ChildFailedError: It ended, or the deadline passed.
    """
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with asyncio.timeout(deadline_s), aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                if not child.running:
                    raise child.failed(f"ended with status {child.process.returncode}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(url):
                        return
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise child.failed(f"did not answer at {url} within {deadline_s:.0f} s") from error
