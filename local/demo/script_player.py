"""A scripted conversation: all but the last utterance in one call, the last one in another."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from local.demo.recorded_script import Utterance, word_error_rate
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.conversation import AnsweredUtterance, Pace, say
from repartee_client.recordings import read_wav
from repartee_client.voice_call import EventListener, open_voice_call


@dataclass(frozen=True, slots=True)
class SpokenUtterance:
    """One utterance of the script and what came of it.

    Attributes:
        name: The recording's, such as ``1-greeting``.
        spoken: The words in the recording, None where they are not known.
        session_id: The session that it was said in.
    """

    name: str
    spoken: str | None
    session_id: str
    exchange: AnsweredUtterance

    @property
    def word_error(self) -> float | None:
        """Word error rate of what was heard, None where the spoken words are not known."""
        if self.spoken is None:
            return None
        return word_error_rate(self.spoken, self.exchange.heard)

    @property
    def reply_pcm(self) -> bytes:
        """The reply's audio as it was received, 24 kHz."""
        return b"".join(bytes(turn.pcm) for turn in self.exchange.turns)


async def do_nothing() -> None:
    """Leave everything as it is between the two calls."""


async def play_script(
    api: HttpApiClient,
    script: Sequence[Utterance],
    *,
    pace: Pace = Pace.REAL_TIME,
    between: Callable[[], Awaitable[None]] = do_nothing,
    on_spoken: Callable[[SpokenUtterance], None] | None = None,
    listener: EventListener | None = None,
) -> list[SpokenUtterance]:
    """Hold the conversation; hangs up after each call, so everything said is remembered by then.

    Args:
        api: The user's way in. The first call starts a conversation of its own; the second
            continues the user's latest one.
        script: Two utterances or more.
        pace: How fast recordings are said.
        between: Done after the first call has ended and before the second begins.
        on_spoken: Called with each utterance once its answer is complete.
        listener: Called with each event of both calls.

    Raises:
        VoiceClientError: A call could not be held.
    """
    spoken: list[SpokenUtterance] = []

    async def hold(ticket: SessionTicket, utterances: Sequence[Utterance]) -> None:
        async with open_voice_call(ticket.url, listener=listener, features=ticket.features) as call:
            for utterance in utterances:
                exchange = await say(call, read_wav(utterance.wav), pace=pace)
                one = SpokenUtterance(
                    utterance.wav.stem, utterance.spoken, ticket.session_id, exchange
                )
                spoken.append(one)
                if on_spoken is not None:
                    on_spoken(one)
            await call.hang_up()

    await hold(await api.start_session(conversation_id="new"), script[:-1])
    await between()
    await hold(await api.start_session(), script[-1:])
    return spoken


def match_replies(spoken: Sequence[SpokenUtterance], emitted: Sequence[bytes]) -> list[bytes]:
    """Join emitted replies as they answered each utterance, mostly one to one.

    An answer that a tool brings is a reply of its own, after the model's first words.
    """
    matched: list[bytes] = []
    rest = deque(emitted)
    for one in spoken:
        reply = b""
        while rest and len(reply) < len(one.reply_pcm):
            reply += rest.popleft()
        matched.append(reply)
    return [*matched, *rest]
