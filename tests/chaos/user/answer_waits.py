"""How long the user of a run listens: to the end of an answer, or to the begin of one."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from local.demo.recorded_script import word_error_rate, words_of
from repartee_client.conversation import Pace, speak
from repartee_client.errors import NoAnswerError
from repartee_client.recordings import Recording
from repartee_client.voice_call import VoiceCall
from tests.chaos.judgement.gemini_checks import MAX_WORD_ERROR
from tests.chaos.plan.run_plan import Takeover

ANSWER_TIMEOUT_S = 40.0
_HEARD_PART_S = 0.4
"""How much of a reply the user hears before speaking over it."""


async def speak_and_listen(call: VoiceCall, recording: Recording) -> None:
    """Say something, and hear the begin of the answer."""
    heard_before = _audible(call)
    await speak(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
    await call.until(
        lambda: _audible(call) - heard_before,
        timeout_s=ANSWER_TIMEOUT_S,
        what="begin of an answer",
    )
    await asyncio.sleep(_HEARD_PART_S)


def _audible(call: VoiceCall) -> set[int]:
    """The turns of which the client has any sound."""
    return {number for number, turn in call.replies.turns.items() if turn.pcm}


async def until_answered(call: VoiceCall, script: Sequence[str]) -> None:
    """Wait until a turn that ended holds the last words: an older one may be answered anew.

    Some sentences of a script differ in one word.
    """
    with contextlib.suppress(NoAnswerError):
        await call.until(
            partial(is_answered, call, script),
            timeout_s=ANSWER_TIMEOUT_S,
            what="answer to the last words",
        )


def is_answered(call: VoiceCall, script: Sequence[str]) -> bool:
    """Whether a turn that ended holds the last words."""
    turns = call.replies.turns.values()
    return any(turn.end is not None and is_last_of(script, turn.heard) for turn in turns)


async def speak_until(
    call: VoiceCall, recording: Recording, takeover: Takeover, script: Sequence[str]
) -> None:
    """Say the last words of a script; return once their turn is as far as the takeover wants it."""
    outbox, heard_before = call.session.outbox, _audible(call)
    await speak(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
    end_seq = outbox.last_place

    def is_so_far() -> bool:
        match takeover:
            case Takeover.REPLY:
                return bool(_audible(call) - heard_before)
            case Takeover.DELIVERED:
                return is_answered(call, script)
            case _:
                return outbox.accepted_through >= end_seq

    # Who hears nothing for so long may well go on elsewhere.
    with contextlib.suppress(NoAnswerError):
        await call.until(is_so_far, timeout_s=ANSWER_TIMEOUT_S, what=takeover)


def is_last_of(script: Sequence[str], heard: str) -> bool:
    """Whether what was heard ends with the last sentence of ``script``, and with no other one."""

    def error(words: str) -> float:
        return word_error_rate(words, " ".join(words_of(heard)[-len(words_of(words)) :]))

    last = error(script[-1])
    return last <= MAX_WORD_ERROR and all(last < error(words) for words in script[:-1])
