"""HTTP servers inside this process, and waits for servers of child processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from local.hosting.processes import ChildProcess

_POLL_S = 0.05
# Longer than functions idle between two calls: some of their clients do not retry, and fail when
# the server closes a connection at the moment of its next use.
_KEEP_ALIVE_S = 3_600.0
# An HTTP API's quota for the request line and all headers together, read 2026-11-30.
_MAX_LINE_BYTES = 10_240


@contextlib.asynccontextmanager
async def serving(application: web.Application, port: int) -> AsyncIterator[int]:
    """Serve an application on 127.0.0.1 during the context; yield the port (0 selects one)."""
    runner = web.AppRunner(
        application,
        access_log=None,
        shutdown_timeout=0.5,
        keepalive_timeout=_KEEP_ALIVE_S,
        # Like AWS's servers, these do not decompress bodies and accept the long lines of tokens.
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
    """Wait until a child's HTTP server answers with any status.

    Raises:
        ChildFailedError: The child ended, or the deadline passed.
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
