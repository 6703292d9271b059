"""A user's usage, and the export and erasure of the user's data."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from repartee_client.errors import AccessRefusedError
from repartee_client.http_requests import expected_form

_ERASE_AGAIN_AFTER_S = 2.0


class UserApi(Protocol):
    """The HTTP API on behalf of one user, such as an ``HttpApiClient``."""

    async def request(self, target: str, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the JSON of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class UserData:
    """The data of one user; docs/protocol.md, "HTTP API", describes the answers.

    Attributes:
        api: The HTTP API on behalf of the user.
    """

    api: UserApi

    async def usage(self, days: int = 30) -> dict[str, Any]:
        """Return ``today``, ``limits``, ``resets_at`` and the last ``days``, 1 to 100.

        Raises:
            VoiceClientError: The API refused the request or cannot be reached.
        """
        answer: dict[str, Any] = await self.api.request("usage", "GET", f"/me/usage?days={days}")
        return answer

    async def export(self) -> dict[str, Any]:
        """Return all stored data of the user: the pages of the export in one document.

        Raises:
            VoiceClientError: The API refused a page or cannot be reached.
        """
        with expected_form("export"):
            return await self._merged_export()

    async def _merged_export(self) -> dict[str, Any]:
        document: dict[str, Any] = {}
        async for page in self._pages():
            if not document:
                document = page
                continue
            document["tool_records"] += page["tool_records"]
            for conversation in page["conversations"]:
                if conversation["continued"]:
                    start = document["conversations"][-1]
                    start["calls"] += conversation["calls"]
                    start["turns"] += conversation["turns"]
                    start["summary"] = start["summary"] or conversation["summary"]
                else:
                    document["conversations"].append(conversation)
        del document["next_after"]
        return document

    async def _pages(self) -> AsyncIterator[dict[str, Any]]:
        query = ""
        while True:
            page = await self.api.request("export", "GET", f"/me/export{query}")
            yield page
            if page["next_after"] is None:
                return
            query = f"?after={quote(page['next_after'], safe='')}"

    async def erase(self, conversation_id: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Erase the user, or one conversation, and yield the progress after each request.

        The last progress has a true ``finished``. The erasure may be started again at any time.

        Raises:
            VoiceClientError: The API refused the request or cannot be reached.
        """
        path = (
            "/me"
            if conversation_id is None
            else f"/conversations/{quote(conversation_id, safe='')}"
        )
        while True:
            wait_s = _ERASE_AGAIN_AFTER_S
            try:
                progress = await self.api.request("erasure", "DELETE", path)
            except AccessRefusedError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
                # Another request erases the same data.
                wait_s = error.retry_after_s or wait_s
            else:
                with expected_form("erasure"):
                    is_finished = progress["finished"]
                yield progress
                if is_finished:
                    return
            await asyncio.sleep(wait_s)
