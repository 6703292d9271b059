"""Threads for blocking calls that nobody waits for once the loop has gone."""

from concurrent.futures import ThreadPoolExecutor


class NonJoiningExecutor(ThreadPoolExecutor):
    """A default executor that ``asyncio.run`` does not join at its end.

    A worker that leaves has awaited all that matters. What still runs then is a call that it gave
    up, such as one of core_agent: joining it would hold the worker for as long as that call's
    timeout, perhaps beyond Lambda's limit.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, drop those that have not begun, and leave the others alone."""
        super().shutdown(wait=False, cancel_futures=True)
