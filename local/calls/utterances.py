"""Sends an utterance or a text over a call, and waits for the complete answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import dropwhile

from local.calls.turn_collector import TurnRecord
from local.calls.voice_call import VoiceCall
from repartee_client.errors import VoiceClientError
from repartee_client.recordings import INPUT_SAMPLE_RATE_HZ, SAMPLE_WIDTH_BYTES, Recording
from repartee_client.transport import now_ms

HANGOVER_MS = 300
"""The silence after which a client's speech detector reports the end of speech."""
ANSWER_TIMEOUT_S = 60.0

_BYTES_PER_MS = INPUT_SAMPLE_RATE_HZ * SAMPLE_WIDTH_BYTES // 1_000
SILENCE = Recording(bytes(HANGOVER_MS * _BYTES_PER_MS))


class NoSpeechHeardError(VoiceClientError):
    """The server heard no speech in the utterance, so no answer follows."""

    def __init__(self) -> None:
        super().__init__("no speech was heard in the recording")


class Pace(Enum):
    """How fast a recording is sent."""

    REAL_TIME = auto()
    FAST = auto()


@dataclass(frozen=True, slots=True)
class AnsweredUtterance:
    """One utterance and its answer.

    Attributes:
        sent_pcm: All audio that was sent, including the detector's silence.
        started_at_ms: When the utterance began.
        speech_sent_at_ms: When the last chunk of the recording was sent.
        turns: The turns of the answer, usually one. A tool call that outlives its turn is answered
            in another turn.
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
        """The time from the last speech sample to the first reply audio; None without audio."""
        arrivals = [
            turn.first_audio_at_ms for turn in self.turns if turn.first_audio_at_ms is not None
        ]
        return round(min(arrivals) - self.speech_sent_at_ms) if arrivals else None

    @property
    def tool_calls(self) -> list[str]:
        """The names of the called tools, in order."""
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
    """One utterance that was sent.

    Attributes:
        sent_pcm: All audio that was sent, including the detector's silence.
        started_at_ms: When the utterance began.
        last_speech_place: The place in the outbox of the recording's last chunk.
        restarts_before: The earlier turns by number, and how often each was restarted.
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
    """Send ``recording`` as a user's speech, and wait for the complete answer.

    Args:
        call: The call.
        recording: The speech.
        pace: How fast the recording is sent.
        timeout_s: The time limit for the answer.
        silence: The audio between the end of the speech and its detection.

    Raises:
        NoAnswerError: The answer is not complete ``timeout_s`` after the last chunk.
        NoSpeechHeardError: The server heard no speech in the recording.
        VoiceClientError: The call failed.
    """
    no_speech_before = call.replies.no_speech_count
    speech = await speak(call, recording, pace=pace, timeout_s=timeout_s, silence=silence)
    turns = await _complete_answer(call, speech.restarts_before, timeout_s, no_speech_before)
    speech_sent_at_ms = call.session.outbox.sent_at_ms[speech.last_speech_place]
    return AnsweredUtterance(speech.sent_pcm, speech.started_at_ms, speech_sent_at_ms, turns)


async def hear_greeting(call: VoiceCall, *, timeout_s: float = ANSWER_TIMEOUT_S) -> TurnRecord:
    """Wait until an agent that speaks first has completed its greeting, and return that turn.

    Raises:
        NoAnswerError: No reply is complete after ``timeout_s``.
        VoiceClientError: The call failed.
    """

    def greeting() -> TurnRecord | None:
        return next((turn for turn in call.replies.turns.values() if turn.is_over), None)

    return await call.until(greeting, timeout_s=timeout_s, what="complete greeting")


async def ask(
    call: VoiceCall, text: str, *, timeout_s: float = ANSWER_TIMEOUT_S
) -> tuple[TurnRecord, ...]:
    """Send ``text``, wait for the complete answer, and return its turns.

    Raises:
        NoAnswerError: The answer is not complete after ``timeout_s``.
        VoiceClientError: The call failed.
    """
    before = _restarts(call)
    call.session.text(text, now_ms())
    call.flush()
    return await _complete_answer(call, before, timeout_s, call.replies.no_speech_count)


def _restarts(call: VoiceCall) -> Mapping[int, int]:
    return {number: turn.restarts for number, turn in call.replies.turns.items()}


async def _complete_answer(
    call: VoiceCall, restarts_before: Mapping[int, int], timeout_s: float, no_speech_before: int
) -> tuple[TurnRecord, ...]:
    replies = call.replies

    def answer() -> tuple[TurnRecord, ...] | None:
        if call.session.is_waiting_for_answer:
            return None
        turns = [
            turn
            for number, turn in sorted(replies.turns.items())
            # A restarted earlier turn may answer this utterance too.
            if restarts_before.get(number) != turn.restarts
        ]
        # The agent's greeting may come after the request, and does not answer it.
        turns = list(dropwhile(lambda turn: turn.has_no_input, turns))
        if not turns and replies.no_speech_count > no_speech_before:
            raise NoSpeechHeardError
        is_over = bool(turns) and replies.is_settled and all(turn.is_over for turn in turns)
        return tuple(turns) if is_over else None

    return await call.until(answer, timeout_s=timeout_s, what="complete answer")


async def speak(
    call: VoiceCall,
    recording: Recording,
    *,
    pace: Pace = Pace.REAL_TIME,
    timeout_s: float = ANSWER_TIMEOUT_S,
    silence: Recording = SILENCE,
) -> SentSpeech:
    """Send ``recording``, and return when all of it was sent, without waiting for the answer.

    In real time a chunk is sent when its last sample would have been recorded.

    Raises:
        NoAnswerError: The server did not accept enough messages to send the rest.
        VoiceClientError: The call failed.
    """
    ready = await call.until_ready()
    session = call.session
    before = _restarts(call)
    started_at_ms = clock_ms = now_ms()
    last_speech_place = 0
    sent = bytearray()
    session.speech_start()
    call.flush()
    for part in (recording, silence):
        for chunk in part.chunks(ready.chunk_ms):
            clock_ms += len(chunk) / _BYTES_PER_MS
            if pace is Pace.REAL_TIME:
                await asyncio.sleep(max(0.0, clock_ms - now_ms()) / 1_000)
            place = session.audio(chunk)
            call.flush()
            sent += chunk
            if part is recording:
                last_speech_place = place
    session.speech_end(now_ms())
    call.flush()
    # The last chunks may be queued until the server accepts earlier ones. The time limit of the
    # answer begins after they were sent.
    await call.until(
        lambda: session.outbox.is_drained, timeout_s=timeout_s, what="acceptance of enough messages"
    )
    return SentSpeech(bytes(sent), started_at_ms, last_speech_place, before)
