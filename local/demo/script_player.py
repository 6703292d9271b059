"""Plays a script in two calls; the second one has at least the last utterance."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, say
from local.demo.recorded_script import Utterance, word_error_rate
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.recordings import read_wav


@dataclass(frozen=True, slots=True)
class SpokenUtterance:
    """One utterance of the script and its answer.

    Attributes:
        name: The name of the recording, such as ``1-greeting``.
        spoken: The words in the recording, None if they are not known.
        session_id: The session in which the utterance was spoken.
    """

    name: str
    spoken: str | None
    session_id: str
    answered: AnsweredUtterance

    @property
    def word_error(self) -> float | None:
        """The word error rate of the transcript, None if the spoken words are not known."""
        if self.spoken is None:
            return None
        return word_error_rate(self.spoken, self.answered.heard)

    @property
    def reply_pcm(self) -> bytes:
        """The received audio of the reply, 24 kHz."""
        return b"".join(bytes(turn.pcm) for turn in self.answered.turns)


async def play_script(
    api: HttpApiClient,
    script: Sequence[Utterance],
    *,
    pace: Pace = Pace.REAL_TIME,
    between: Callable[[], Awaitable[None]] | None = None,
    is_complete: Callable[[], Awaitable[bool]] | None = None,
    on_spoken: Callable[[SpokenUtterance], None] | None = None,
) -> list[SpokenUtterance]:
    """Hold the conversation; hang up after each call, which stores all of its turns.

    Args:
        api: The user's HTTP API. The first call starts a new conversation; the second continues
            the user's latest one.
        script: Two utterances or more.
        pace: The speed at which recordings are spoken.
        is_complete: Called after each utterance of the first call, which ends once it returns true,
            at the latest before the last utterance.
        between: Called after the end of the first call and before the second.
        on_spoken: Called with each utterance once its answer is complete.

    Raises:
        VoiceClientError: A call could not be held.
    """
    spoken: list[SpokenUtterance] = []

    async def hold(ticket: SessionTicket, end: int) -> None:
        async with open_voice_call(ticket.url, features=ticket.features) as call:
            for utterance in script[len(spoken) : end]:
                answered = await say(call, read_wav(utterance.wav), pace=pace)
                spoken_utterance = SpokenUtterance(
                    utterance.wav.stem, utterance.spoken, ticket.session_id, answered
                )
                spoken.append(spoken_utterance)
                if on_spoken is not None:
                    on_spoken(spoken_utterance)
                if end < len(script) and is_complete is not None and await is_complete():
                    break
            await call.hang_up()

    await hold(await api.start_session(conversation_id="new"), len(script) - 1)
    if between is not None:
        await between()
    await hold(await api.start_session(), len(script))
    return spoken


def recalled_from(spoken: Sequence[SpokenUtterance]) -> int:
    """Return the number of the first utterance of the last call."""
    sessions = [one.session_id for one in spoken]
    return sessions.index(sessions[-1])


def match_replies(spoken: Sequence[SpokenUtterance], emitted: Sequence[bytes]) -> list[bytes]:
    """Join the emitted replies that answer each utterance, usually one.

    The answer of a tool is a separate reply, after the model's first words.
    """
    matched: list[bytes] = []
    rest = deque(emitted)
    for utterance in spoken:
        reply = b""
        while rest and len(reply) < len(utterance.reply_pcm):
            reply += rest.popleft()
        matched.append(reply)
    return [*matched, *rest]
