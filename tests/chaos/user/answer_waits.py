"""Waits of a run's user for the start or the end of an answer."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from local.calls.utterances import Pace, hear_greeting, speak
from local.calls.voice_call import VoiceCall
from local.demo.recorded_script import word_error_rate, words_of
from repartee_client.errors import NoAnswerError
from repartee_client.recordings import Recording
from tests.chaos.judgement.gemini_checks import MAX_WORD_ERROR
from tests.chaos.plan.run_plan import Takeover

ANSWER_TIMEOUT_S = 40.0
_GREETING_TIMEOUT_S = 5.0
_HEARD_PART_S = 0.4
"""How much of a reply the user hears before interrupting it."""


async def speak_and_listen(call: VoiceCall, recording: Recording) -> None:
    """Send an utterance, and wait for the start of the answer."""
    heard_before = _audible(call)
    await speak(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
    await call.until(
        lambda: _audible(call) - heard_before,
        timeout_s=ANSWER_TIMEOUT_S,
        what="start of an answer",
    )
    await asyncio.sleep(_HEARD_PART_S)


def _audible(call: VoiceCall) -> set[int]:
    """Return the turns of which the client has audio."""
    return {number for number, turn in call.replies.turns.items() if turn.pcm}


async def listen_to_greeting(call: VoiceCall) -> None:
    """Wait until the agent has greeted; a fault may prevent that."""
    with contextlib.suppress(NoAnswerError):
        await hear_greeting(call, timeout_s=_GREETING_TIMEOUT_S)


async def until_answered(call: VoiceCall, script: Sequence[str]) -> None:
    """Wait until an ended turn contains the last words of the script.

    The end of any turn does not suffice, because an earlier turn may restart.
    """
    with contextlib.suppress(NoAnswerError):
        await call.until(
            partial(is_answered, call, script),
            timeout_s=ANSWER_TIMEOUT_S,
            what="answer to the last words",
        )


def is_answered(call: VoiceCall, script: Sequence[str]) -> bool:
    """Return whether an ended turn contains the last words."""
    turns = call.replies.turns.values()
    return any(turn.end is not None and is_last_of(script, turn.heard) for turn in turns)


async def speak_until(
    call: VoiceCall, recording: Recording, takeover: Takeover, script: Sequence[str]
) -> None:
    """Send the last words of a script, and wait for the takeover's point of their turn."""
    outbox, heard_before = call.session.outbox, _audible(call)
    await speak(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
    end_place = outbox.last_place

    def is_reached() -> bool:
        match takeover:
            case Takeover.REPLY:
                return bool(_audible(call) - heard_before)
            case Takeover.DELIVERED:
                return is_answered(call, script)
            case _:
                return outbox.accepted_through >= end_place

    # A user who hears nothing for so long may continue on another device.
    with contextlib.suppress(NoAnswerError):
        await call.until(is_reached, timeout_s=ANSWER_TIMEOUT_S, what=takeover)


def is_last_of(script: Sequence[str], heard: str) -> bool:
    """Return whether a transcript ends with the last sentence of ``script``.

    Sentences of a script may differ in one word, so no other sentence may match better.
    """

    def error(words: str) -> float:
        return word_error_rate(words, " ".join(words_of(heard)[-len(words_of(words)) :]))

    last = error(script[-1])
    return last <= MAX_WORD_ERROR and all(last < error(words) for words in script[:-1])
