"""Plays a WAV file with whatever player the machine has."""

import asyncio
import shutil
from pathlib import Path

_PLAYERS = (
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def find_player() -> tuple[str, ...] | None:
    """The first player that is installed, with its arguments, or None."""
    return next((player for player in _PLAYERS if shutil.which(player[0])), None)


async def play(player: tuple[str, ...], wav: Path) -> None:
    """Play a file to its end; a cancelled play falls silent at once."""
    process = await asyncio.create_subprocess_exec(*player, str(wav))
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
