"""A program that an empty environment with the client's wheel runs: two conversations.

Usage: ``wheel_conversation.py HTTP_API TOKEN WAV``. It prints one line of JSON for each event. The
test cuts the line when it reads ``"cut me"``.
"""

import asyncio
import json
import sys
import wave
from importlib.util import find_spec

from repartee_client import connect
from repartee_client.events import Reconnected, ReplyAudio, Transcript, TurnEnded


def show(**fields: object) -> None:
    print(json.dumps(fields), flush=True)  # noqa: T201 - the test reads it


async def answer(call) -> None:
    said, heard, pcm_bytes, reconnects, has_asked = "", "", 0, 0, False
    async for event in call:
        if isinstance(event, Transcript):
            said += event.text if event.role == "model" else ""
            heard += event.text if event.role == "user" else ""
        elif isinstance(event, ReplyAudio):
            pcm_bytes += len(event.pcm)
            if not has_asked:
                has_asked = True
                show(event="cut me")
        elif isinstance(event, Reconnected):
            reconnects += 1
        elif isinstance(event, TurnEnded) and not call.is_waiting_for_answer:
            break
    show(event="answer", said=said, heard=heard, pcm_bytes=pcm_bytes, reconnects=reconnects)


async def main(http_api: str, token: str, wav: str) -> None:
    async with connect(http_api, token=lambda: token) as call:
        call.say("When do you open on Monday?")
        await answer(call)
    async with connect(http_api, token=token, conversation=None, marks_speech=True) as call:
        with wave.open(wav, "rb") as file:
            call.speech_start()
            call.send_audio(file.readframes(file.getnframes()))
            call.speech_end()
        await answer(call)
        await call.hang_up()


if __name__ == "__main__":
    others = ("repartee", "pydantic", "aiohttp", "local")
    show(
        event="start",
        python=sys.version_info[:2],
        found=[name for name in others if find_spec(name)],
    )
    asyncio.run(main(*sys.argv[1:]))
