"""Says a recording or types a text over a call, and waits for the whole answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from repartee_client.recordings import INPUT_SAMPLE_RATE_HZ, Recording
from repartee_client.turn_collector import TurnRecord
from repartee_client.voice_call import VoiceCall, now_ms

HANGOVER_MS = 300
"""Silence that a client's speech detector lets pass before it says that the user stopped."""
ANSWER_TIMEOUT_S = 60.0

_BYTES_PER_MS = INPUT_SAMPLE_RATE_HZ * 2 // 1_000
SILENCE = Recording(bytes(HANGOVER_MS * _BYTES_PER_MS))


class Pace(Enum):
    """How fast a recording is said."""

    REAL_TIME = auto()
    FAST = auto()


@dataclass(frozen=True, slots=True)
class AnsweredUtterance:
    """One utterance and all that answered it.

    Attributes:
        sent_pcm: Every byte of audio that was sent for it, the detector's silence included.
        started_at_ms: When it began.
        speech_sent_at_ms: When the last chunk of the recording itself left.
        turns: The turns that answer it, mostly one; a tool that outlives its turn answers in
            another.
    """

    sent_pcm: bytes
    started_at_ms: float
    speech_sent_at_ms: float
    turns: tuple[TurnRecord, ...]

    @property
    def heard(self) -> str:
        return " ".join(turn.heard.strip() for turn in self.turns if turn.heard).strip()

    @property
    def said(self) -> str:
        return " ".join(turn.said.strip() for turn in self.turns if turn.said).strip()

    @property
    def first_audio_ms(self) -> int | None:
        """From the last speech sample sent to the first reply audio received, if any came."""
        arrivals = [
            turn.first_audio_at_ms for turn in self.turns if turn.first_audio_at_ms is not None
        ]
        return round(min(arrivals) - self.speech_sent_at_ms) if arrivals else None

    @property
    def tool_calls(self) -> list[str]:
        """Names of the tools that were called, in order."""
        return [step.name for turn in self.turns for step in turn.tools if step.phase == "started"]

    @property
    def tokens_in(self) -> int:
        return sum(turn.end.tokens_in for turn in self.turns if turn.end)

    @property
    def tokens_out(self) -> int:
        return sum(turn.end.tokens_out for turn in self.turns if turn.end)

    @property
    def cost_usd(self) -> float:
        return sum(turn.end.cost_usd for turn in self.turns if turn.end)


@dataclass(frozen=True, slots=True)
class SentSpeech:
    """What was said into a call.

    Attributes:
        sent_pcm: Every byte of audio that was sent, the detector's silence included.
        started_at_ms: When it began.
        last_speech_place: The message with the end of the recording itself.
        restarts_before: The turns that were there before it, and how often each was restarted.
    """

    sent_pcm: bytes
    started_at_ms: float
    last_speech_place: int
    restarts_before: Mapping[int, int]


async def say(
    call: VoiceCall,
    recording: Recording,
    *,
    pace: Pace = Pace.REAL_TIME,
    timeout_s: float = ANSWER_TIMEOUT_S,
    silence: Recording = SILENCE,
) -> AnsweredUtterance:
    """Say ``recording`` as a user would, and wait until the answer is complete.

    Args:
        call: The call.
        recording: What is said.
        pace: How fast.
        timeout_s: For the answer.
        silence: What is sent while the client's detector waits for the user to go on.

    Raises:
        NoAnswerError: The answer is not complete ``timeout_s`` after the last chunk.
        VoiceClientError: The call failed.
    """
    speech = await speak(call, recording, pace=pace, timeout_s=timeout_s, silence=silence)
    turns = await _complete_answer(call, speech.restarts_before, timeout_s)
    speech_sent_at_ms = call.session.outbox.sent_at_ms[speech.last_speech_place]
    return AnsweredUtterance(speech.sent_pcm, speech.started_at_ms, speech_sent_at_ms, turns)


async def ask(
    call: VoiceCall, text: str, *, timeout_s: float = ANSWER_TIMEOUT_S
) -> tuple[TurnRecord, ...]:
    """Type ``text``, wait until the answer is complete, and return its turns.

    Raises:
        NoAnswerError: The answer is not complete after ``timeout_s``.
        VoiceClientError: The call failed.
    """
    before = _restarts(call)
    call.session.text(text, now_ms())
    call.push()
    return await _complete_answer(call, before, timeout_s)


def _restarts(call: VoiceCall) -> Mapping[int, int]:
    return {number: turn.restarts for number, turn in call.replies.turns.items()}


async def _complete_answer(
    call: VoiceCall, restarts_before: Mapping[int, int], timeout_s: float
) -> tuple[TurnRecord, ...]:
    replies = call.replies

    def answer() -> tuple[TurnRecord, ...] | None:
        if call.session.is_waiting_for_answer or not replies.is_settled:
            return None
        turns = [
            turn
            for number, turn in sorted(replies.turns.items())
            # An earlier turn that is answered anew may take in what was just said.
            if restarts_before.get(number) != turn.restarts
        ]
        return tuple(turns) if turns and all(turn.is_over for turn in turns) else None

    return await call.until(answer, timeout_s=timeout_s, what="complete answer")


async def speak(
    call: VoiceCall,
    recording: Recording,
    *,
    pace: Pace = Pace.REAL_TIME,
    timeout_s: float = ANSWER_TIMEOUT_S,
    silence: Recording = SILENCE,
) -> SentSpeech:
    """Send ``recording``, and return when all of it has left; nobody waits for the answer.

    In real time a chunk leaves when its last sample would have been recorded.

    Raises:
        NoAnswerError: The server did not accept enough for the rest to leave.
        VoiceClientError: The call failed.
    """
    ready = await call.until_ready()
    session = call.session
    before = _restarts(call)
    started_at_ms = clock_ms = now_ms()
    last_speech_place = 0
    sent = bytearray()
    session.speech_start()
    call.push()
    for part in (recording, silence):
        for chunk in part.chunks(ready.chunk_ms):
            clock_ms += len(chunk) / _BYTES_PER_MS
            if pace is Pace.REAL_TIME:
                await asyncio.sleep(max(0.0, clock_ms - now_ms()) / 1_000)
            seq = session.audio(chunk)
            call.push()
            sent += chunk
            if part is recording:
                last_speech_place = seq
    session.speech_end(now_ms())
    call.push()
    # The rest may still wait for room in flight: the answer's time runs from when it has left.
    await call.until(
        lambda: session.outbox.is_drained, timeout_s=timeout_s, what="room for the last words"
    )
    return SentSpeech(bytes(sent), started_at_ms, last_speech_place, before)
