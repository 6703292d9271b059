"""Asks the real Gemini Live how it finds the end of an utterance that no silence follows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import ObservedSession, is_audio, is_over, refused_with
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveInterrupted, TurnDetection
from repartee.domain.live.profiles import LiveModelProfile
from repartee_client.recordings import Recording

# A turn that ends within this time of a message may have ended before it arrived.
_ON_THE_WAY_S = 0.5
# Long enough to be interrupted.
_LONG_REPLY = "Please count slowly from one to twenty."

type Ending = Callable[[ObservedSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What followed an utterance.

    Attributes:
        first_audio_ms: From the end of the utterance to the first reply audio; None: no audio.
        trouble: Why there is none.
    """

    first_audio_ms: int | None
    trouble: str = ""

    @property
    def seen(self) -> str:
        """The reply in words."""
        if self.first_audio_ms is None:
            return self.trouble
        return f"first audio after {self.first_audio_ms} ms"

    @property
    def came(self) -> bool:
        """Whether there was one."""
        return self.first_audio_ms is not None


class Interruption(StrEnum):
    """What became of a reply that was spoken over."""

    DONE = "it is interrupted"
    TOO_LATE = "it was over before"
    IGNORED = "it goes on"


@dataclass(frozen=True, slots=True)
class Replies:
    """One reply for each way to end an utterance.

    Attributes:
        stream_end: Only ``audioStreamEnd`` follows.
        burst: Only the silence follows that the worker sends at once; None where it sends none.
        server: What the worker sends follows (``TurnDetection=server``).
        client: It stands between ``activityStart`` and ``activityEnd`` (``TurnDetection=client``).
        typed: Typed text, with ``TurnDetection=client``; None where that did not get so far.
        interruption: What ``activityStart`` did to the reply to it.
    """

    stream_end: Reply
    burst: Reply | None
    server: Reply
    client: Reply
    typed: Reply | None = None
    interruption: Interruption | None = None


async def findings(setting: CheckContext, recording: Recording) -> list[Finding]:
    """Say the same words in several sessions, each ended in another way.

    Raises:
        LiveSetupFailed: A session with the model's own detector was refused.
    """
    profile = setting.profile

    stream_end = await _server(setting, recording, lambda talk: talk.session.end_audio_stream())
    burst = None
    if burst_ms := profile.silence_burst_ms:
        burst = await _server(setting, recording, lambda talk: talk.send_silence(burst_ms))
    server = await _server(setting, recording, lambda talk: talk.end_speech(profile))
    replies = Replies(stream_end, burst, server, client=Reply(None))
    return judge(await _client(setting, recording, replies), profile)


async def _server(setting: CheckContext, recording: Recording, end: Ending) -> Reply:
    async with setting.talk(setting.config()) as talk:
        ended_s = await talk.speak(recording)
        await end(talk)
        reply = await _reply(talk, ended_s, setting.patience.reply_s)
        # The bill comes at the end.
        await talk.until(is_over, setting.patience.reply_s if reply.came else 0)
        return reply


async def _client(setting: CheckContext, recording: Recording, replies: Replies) -> Replies:
    reply_s = setting.patience.reply_s
    config = replace(setting.config(), turn_detection=TurnDetection.CLIENT)
    try:
        async with setting.talk(config) as talk:
            await talk.session.start_activity()
            ended_s = await talk.speak(recording)
            await talk.session.end_activity()
            client = await _reply(talk, ended_s, reply_s)
            if not client.came:
                return replace(replies, client=client)
            await talk.until(is_over, reply_s)
            since = len(talk.arrived)
            asked_s = asyncio.get_running_loop().time()
            await talk.session.send_text(_LONG_REPLY)
            typed = await _reply(talk, asked_s, reply_s, since)
            interruption = await _interrupt(talk, setting.patience.settle_s, since)
            return replace(
                replies,
                client=client,
                typed=typed,
                interruption=interruption if typed.came else None,
            )
    except LiveSetupFailed as error:
        return replace(replies, client=Reply(None, refused_with(error)))


async def _reply(talk: ObservedSession, ended_s: float, reply_s: float, since: int = 0) -> Reply:
    first = await talk.until(is_audio, reply_s, since)
    if first is not None:
        return Reply(round((first.at_s - ended_s) * 1_000))
    return Reply(None, talk.trouble or f"no reply within {reply_s:.0f} s")


async def _interrupt(talk: ObservedSession, settle_s: float, since: int) -> Interruption:
    sent_s = asyncio.get_running_loop().time()
    await talk.session.start_activity()
    if await talk.until(lambda event: isinstance(event, LiveInterrupted), settle_s, since):
        return Interruption.DONE
    over = await talk.until(is_over, 0, since)
    is_late = over is not None and over.at_s < sent_s + _ON_THE_WAY_S
    return Interruption.TOO_LATE if is_late else Interruption.IGNORED


def judge(replies: Replies, profile: LiveModelProfile) -> list[Finding]:
    """Say what the replies mean for ``TurnDetection`` and for the model's profile."""
    return [
        noted(
            "speech, then audioStreamEnd alone",
            replies.stream_end.seen,
            _stream_end_means(replies.stream_end.came, profile),
        ),
        *_burst_findings(replies),
        noted(
            "TurnDetection=server: speech, then what the worker sends after it",
            replies.server.seen,
        ),
        noted(
            "TurnDetection=client: speech between activityStart and activityEnd",
            replies.client.seen,
        ),
        *_client_findings(replies),
        judged(
            "spoken turns are answered",
            replies.server.came or replies.client.came,
            ", ".join(
                f"{name}: {'yes' if one.came else 'no'}"
                for name, one in (("server", replies.server), ("client", replies.client))
            ),
            _detection_means(replies.server, replies.client),
        ),
    ]


def _burst_findings(replies: Replies) -> list[Finding]:
    if replies.burst is None:
        return []
    means = (
        "the silence that the worker sends at once is enough"
        if replies.burst.came
        else "silence only counts in real time here, so replies begin that much later"
    )
    return [noted("speech, then silence at once", replies.burst.seen, means)]


def _client_findings(replies: Replies) -> list[Finding]:
    if replies.typed is None:
        return []
    found = [
        noted(
            "TurnDetection=client: typed text",
            replies.typed.seen,
            "" if replies.typed.came else "typed messages are not answered: leave it at server",
        )
    ]
    if replies.interruption is not None:
        is_ignored = replies.interruption is Interruption.IGNORED
        found.append(
            noted(
                "TurnDetection=client: activityStart during a reply",
                replies.interruption.value,
                "users cannot interrupt replies: leave it at server" if is_ignored else "",
            )
        )
    return found


def _stream_end_means(came: bool, profile: LiveModelProfile) -> str:
    if came == profile.ends_speech_by_stream_end:
        return "as the model's profile says; nothing to set"
    if came:
        return "the profile expects otherwise: the silence that the worker adds is not needed here"
    return "the profile expects otherwise: ends_speech_by_stream_end is wrong for this model"


def _detection_means(server: Reply, client: Reply) -> str:
    if server.first_audio_ms is not None and client.first_audio_ms is not None:
        quicker = "server" if server.first_audio_ms <= client.first_audio_ms else "client"
        by_ms = abs(server.first_audio_ms - client.first_audio_ms)
        return f"both values of TurnDetection work; {quicker} is quicker by {by_ms} ms"
    if server.came:
        return "leave TurnDetection at server"
    if client.came:
        return "set TurnDetection=client; clients that do not mark speech are not answered"
    return "spoken turns stall: deploy with another GeminiLiveModel"
