"""Typed conversations for tests: their replies and their set-ups of Gemini."""

from typing import Any

import aiohttp

from local.calls.opening import open_voice_call
from local.calls.turn_collector import TurnRecord
from local.calls.voice_call import VoiceCall
from local.gemini.live.records import read_events
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.transport import now_ms
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack


def turns(call: VoiceCall) -> list[TurnRecord]:
    """Return all turns in order."""
    return [turn for _, turn in sorted(call.replies.turns.items())]


def said(call: VoiceCall) -> str:
    """Return all replies so far."""
    return " ".join(filter(None, (turn.said.strip() for turn in turns(call))))


async def hear(call: VoiceCall, words: str, timeout_s: float = PATIENCE_S) -> str:
    """Wait until ``words`` were said and all turns are over; return all replies so far."""

    def answer() -> str | None:
        is_over = call.replies.is_settled and all(turn.is_over for turn in turns(call))
        return said(call) if is_over and words in said(call) else None

    return await call.until(answer, timeout_s=timeout_s, what=words)


async def write(call: VoiceCall, text: str) -> None:
    """Type a text."""
    await call.until_ready()
    call.session.text(text, now_ms())
    call.flush()


async def converse(api: HttpApiClient, *exchanges: tuple[str, str]) -> tuple[SessionTicket, str]:
    """Type each text in a new session and wait for its answer; return all replies.

    For an empty text nothing is typed.
    """
    ticket = await api.start_session()
    async with open_voice_call(ticket.url) as call:
        for text, answer in exchanges:
            if text:
                await write(call, text)
            await hear(call, answer)
        await call.hang_up()
    return ticket, said(call)


async def preferences(api: HttpApiClient) -> dict[str, Any]:
    """Return the user's preferences."""
    headers = {"authorization": f"Bearer {api.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{api.url}/me/preferences") as response,
    ):
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


def setups(running: RunningStack, after: set[str]) -> list[dict[str, Any]]:
    """Return the set-up of each connection to Gemini since ``after``, oldest first."""
    found = []
    assert running.stack.simulator is not None
    for record in running.records():
        if record.name not in after:
            events = read_events(running.stack.simulator.record_directory / record.name)
            found += [event["setup"] for event in events if event["kind"] == "setup"]
    return found
