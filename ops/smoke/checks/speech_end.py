"""Tests how Gemini Live detects the end of an utterance that no silence follows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import ObservedSession, is_audio, is_over, refused_with
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveInterrupted, TurnDetection
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee_client.recordings import Recording

# A turn that ends within this time after a message may have ended before the message arrived.
_ON_THE_WAY_S = 0.5
# The reply is long enough to be interrupted.
_LONG_REPLY = "Please count slowly from one to twenty."

type Ending = Callable[[ObservedSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to an utterance.

    Attributes:
        first_audio_ms: The time from the end of the utterance to the first audio; None: no audio.
        trouble: Why there is no audio.
    """

    first_audio_ms: int | None
    trouble: str = ""

    @property
    def seen(self) -> str:
        """The reply as text."""
        if self.first_audio_ms is None:
            return self.trouble
        return f"first audio after {self.first_audio_ms} ms"

    @property
    def came(self) -> bool:
        """Whether the reply has audio."""
        return self.first_audio_ms is not None


class Interruption(StrEnum):
    """The effect of speech on a reply."""

    DONE = "it is interrupted"
    TOO_LATE = "it was over before"
    IGNORED = "it continues"


@dataclass(frozen=True, slots=True)
class Replies:
    """One reply for each way to end an utterance.

    Attributes:
        stream_end: After ``audioStreamEnd`` alone.
        burst: After the silence that the worker sends at once; None if it sends none.
        server: After everything that the worker sends (``TurnDetection=server``).
        client: Between ``activityStart`` and ``activityEnd`` (``TurnDetection=client``).
        typed: To typed text with ``TurnDetection=client``; None if it was not tested.
        interruption: The effect of ``activityStart`` on the reply to the text.
    """

    stream_end: Reply
    burst: Reply | None
    server: Reply
    client: Reply
    typed: Reply | None = None
    interruption: Interruption | None = None


async def findings(context: CheckContext, recording: Recording) -> list[Finding]:
    """Send the same speech to several sessions, and end it in different ways.

    Raises:
        LiveSetupFailed: A session with the model's own detector was refused.
    """
    profile = context.profile

    stream_end = await _server(context, recording, lambda live: live.session.end_audio_stream())
    burst = None
    if burst_ms := profile.silence_burst_ms:
        burst = await _server(context, recording, lambda live: live.send_silence(burst_ms))
    server = await _server(context, recording, lambda live: live.end_speech(profile))
    replies = Replies(stream_end, burst, server, client=Reply(None))
    return judge(await _client(context, recording, replies), profile)


async def _server(context: CheckContext, recording: Recording, end: Ending) -> Reply:
    async with context.open_session(context.config()) as live:
        ended_s = await live.speak(recording)
        await end(live)
        reply = await _reply(live, ended_s, context.limits.reply_s)
        # The usage arrives at the end of the turn.
        await live.until(is_over, context.limits.reply_s if reply.came else 0)
        return reply


async def _client(context: CheckContext, recording: Recording, replies: Replies) -> Replies:
    reply_s = context.limits.reply_s
    config = replace(context.config(), turn_detection=TurnDetection.CLIENT)
    try:
        async with context.open_session(config) as live:
            await live.session.start_activity()
            ended_s = await live.speak(recording)
            await live.session.end_activity()
            client = await _reply(live, ended_s, reply_s)
            if not client.came:
                return replace(replies, client=client)
            await live.until(is_over, reply_s)
            since = len(live.arrived)
            asked_s = asyncio.get_running_loop().time()
            await live.session.send_text(_LONG_REPLY)
            typed = await _reply(live, asked_s, reply_s, since)
            interruption = await _interrupt(live, context.limits.settle_s, since)
            return replace(
                replies,
                client=client,
                typed=typed,
                interruption=interruption if typed.came else None,
            )
    except LiveSetupFailed as error:
        return replace(replies, client=Reply(None, refused_with(error)))


async def _reply(live: ObservedSession, ended_s: float, reply_s: float, since: int = 0) -> Reply:
    first = await live.until(is_audio, reply_s, since)
    if first is not None:
        return Reply(round((first.at_s - ended_s) * 1_000))
    return Reply(None, live.trouble or f"no reply within {reply_s:.0f} s")


async def _interrupt(live: ObservedSession, settle_s: float, since: int) -> Interruption:
    sent_s = asyncio.get_running_loop().time()
    await live.session.start_activity()
    if await live.until(lambda event: isinstance(event, LiveInterrupted), settle_s, since):
        return Interruption.DONE
    over = await live.until(is_over, 0, since)
    is_late = over is not None and over.at_s < sent_s + _ON_THE_WAY_S
    return Interruption.TOO_LATE if is_late else Interruption.IGNORED


def judge(replies: Replies, profile: LiveModelProfile) -> list[Finding]:
    """Judge the replies for ``TurnDetection`` and for the model's profile."""
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
        else "silence counts only in real time here, so replies begin later by its duration"
    )
    return [noted("speech, then silence at once", replies.burst.seen, means)]


def _client_findings(replies: Replies) -> list[Finding]:
    if replies.typed is None:
        return []
    found = [
        noted(
            "TurnDetection=client: typed text",
            replies.typed.seen,
            ""
            if replies.typed.came
            else "typed messages are not answered: keep TurnDetection=server",
        )
    ]
    if replies.interruption is not None:
        is_ignored = replies.interruption is Interruption.IGNORED
        found.append(
            noted(
                "TurnDetection=client: activityStart during a reply",
                replies.interruption.value,
                "users cannot interrupt replies: keep TurnDetection=server" if is_ignored else "",
            )
        )
    return found


def _stream_end_means(came: bool, profile: LiveModelProfile) -> str:
    if came == profile.ends_speech_by_stream_end:
        return "as the model's profile says; nothing to set"
    if came:
        return "the model's profile is wrong: the silence that the worker adds is not needed"
    return "the model's profile is wrong in ends_speech_by_stream_end"


def _detection_means(server: Reply, client: Reply) -> str:
    if server.first_audio_ms is not None and client.first_audio_ms is not None:
        faster = "server" if server.first_audio_ms <= client.first_audio_ms else "client"
        by_ms = abs(server.first_audio_ms - client.first_audio_ms)
        return f"both values of TurnDetection work; {faster} is faster by {by_ms} ms"
    if server.came:
        return "keep TurnDetection=server"
    if client.came:
        return "set TurnDetection=client; clients that do not mark speech are not answered"
    return "spoken turns stall: deploy with another GeminiLiveModel"
