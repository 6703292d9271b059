"""Measures the cost of a minute of conversation on AWS: counted operations at list prices."""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal

from bench.mailbox_results import MeasuredPeriod, mailbox_report
from bench.report import RESULTS, Report, print_now
from bench.speech.room_noise import with_room_noise
from bench.units.counting_proxies import CountingProxies
from bench.units.prices import BilledItem, Usage
from bench.units.purposes import DELETES
from local.calls.opening import open_voice_call
from local.calls.utterances import SILENCE, say
from local.calls.voice_call import VoiceCall
from local.demo.front_desk import FrontDesk
from local.demo.recorded_script import DEFAULT_RECORDINGS, Utterance, load_script
from local.stack import PREWARM, Stack, StackOptions, running_stack
from repartee_client.access import HttpApiClient, get_token
from repartee_client.recordings import Recording, read_wav
from repartee_client.transport import now_ms

WORKER = "StreamAgentFunction"
# The user speaks 40 % of the time.
SPEECH_SHARE = 0.4
SILENCE_S = 6.0
COMMIT_S = 1.0
# m$ per talking minute (0.001 USD): client marks speech; microphone always open.
TARGETS_MILLI_USD = {"marked": Decimal("2.5"), "open": Decimal("4")}
_SETTLED_TIMEOUT_S = 60.0
_BYTES_PER_MS = 32


class Meter:
    """Reads every counter of a running stack."""

    def __init__(self, stack: Stack, proxies: CountingProxies) -> None:
        self._stack = stack
        self._counts = proxies.counts
        self._started_at_ms = now_ms()

    def read(self) -> Usage:
        """Return all counts since the creation of the meter.

        The worker's invocation is reported only at its end. Its duration is therefore the time of
        the period, in which one worker serves all the time.
        """
        counts, stack = self._counts, self._stack
        functions = stack.application.functions
        gb_s = sum(
            report.duration_ms / 1_000 * functions[report.function].memory_mb / 1_024
            for report in stack.lambdas.reports
            if report.function != WORKER
        )
        invocations = {
            report.request_id for report in stack.lambdas.reports if report.function != WORKER
        }
        messages = [
            report for report in stack.lambdas.reports if report.function == "MessageFunction"
        ]
        seconds = (now_ms() - self._started_at_ms) / 1_000
        simulator = stack.simulator
        heard = sum(
            path.stat().st_size
            for path in (simulator.record_directory.glob("*/heard.pcm") if simulator else ())
        )
        logs = sum(stack.log_path(name).stat().st_size for name in functions)
        return Usage(
            seconds,
            {
                BilledItem.MESSAGES_IN: len(messages),
                BilledItem.MESSAGES_OUT: counts.posts,
                BilledItem.CONNECTION_MIN: seconds / 60,
                BilledItem.INVOCATIONS: len(invocations),
                BilledItem.WORKER_GB_S: seconds * functions[WORKER].memory_mb / 1_024,
                BilledItem.OTHER_GB_S: gb_s,
                BilledItem.WRITE_UNITS: sum(counts.writes.values()),
                BilledItem.READ_UNITS: sum(counts.reads.values()),
                # Audio for Gemini is base64.
                BilledItem.EGRESS_GB: (counts.posted_bytes + heard * 4 / 3) / 1e9,
                BilledItem.LOG_GB: logs / 1e9,
            },
            dict(counts.operations),
            dict(counts.reads),
            dict(counts.writes),
            dict(counts.posts_by_type),
        )


async def measure_mailbox(*, quick: bool = False) -> Report:
    """Hold conversations and count their operations.

    Args:
        quick: Whether to speak only the first utterance of each conversation.
    """
    folder = RESULTS / time.strftime("mailbox-%Y%m%d-%H%M%S")
    script = load_script(DEFAULT_RECORDINGS)[: 1 if quick else None]
    async with CountingProxies.started() as proxies:
        code = proxies.code(folder / "hook")
        options = StackOptions(
            run_directory=folder,
            port_base=None,
            environment={
                "MANAGEMENT_ENDPOINT": f"http://127.0.0.1:{proxies.connections_port}/local"
            },
            code={f"{name}Function": code for name in _FUNCTIONS},
            prewarm={**PREWARM, "MessageFunction": 4},
        )
        async with running_stack(options) as stack:
            proxies.dynamodb = stack.addresses.dynamodb
            proxies.connections = stack.addresses.connections
            await FrontDesk(stack).seed()
            meter = Meter(stack, proxies)
            print_now("mailbox: a client that marks speech ...")
            periods = await _marked(stack, meter, script)
            print_now("mailbox: a microphone that is always open ...")
            periods.append(await _open_microphone(stack, meter, script))
    return mailbox_report(periods)


_FUNCTIONS = (
    *("Authorizer", "Connect", "Message", "Disconnect", "StreamAgent", "CoreAgent", "HttpApi"),
)


async def _marked(stack: Stack, meter: Meter, script: Sequence[Utterance]) -> list[MeasuredPeriod]:
    async with open_voice_call(await _url(stack, "marked")) as call:
        await _until_served(call)
        at_start, started_at_ms = meter.read(), now_ms()
        spoken_ms = 0.0
        for utterance in script:
            # Each recording is spoken twice, because one is too short for this share of speech.
            recording = Recording(read_wav(utterance.wav).pcm * 2)
            await say(
                call, with_room_noise(recording, seed=0), silence=with_room_noise(SILENCE, seed=0)
            )
            spoken_ms += recording.duration_ms
            await _until(started_at_ms + spoken_ms / SPEECH_SHARE)
        # The commit of the last turn, after the acknowledgement of its end, is part of the period.
        await asyncio.sleep(COMMIT_S)
        after_speech = meter.read()
        await asyncio.sleep(SILENCE_S)
        silent = meter.read()
        await call.hang_up()
    talking = after_speech.minus(at_start)
    return [
        MeasuredPeriod(
            "client marks speech",
            talking,
            spoken_ms / 1_000 / talking.seconds,
            TARGETS_MILLI_USD["marked"],
        ),
        MeasuredPeriod("silent, worker lingers", silent.minus(after_speech), 0.0, None),
    ]


async def _open_microphone(
    stack: Stack, meter: Meter, script: Sequence[Utterance]
) -> MeasuredPeriod:
    async with open_voice_call(await _url(stack, "open")) as call:
        await _until_served(call)
        chunk_ms = (await call.until_ready()).chunk_ms
        at_start, clock_ms = meter.read(), now_ms()
        spoken_ms = 0.0
        for utterance in script:
            recording = read_wav(utterance.wav)
            spoken_ms += recording.duration_ms
            silence_ms = round(recording.duration_ms * (1 / SPEECH_SHARE - 1))
            silent = Recording(recording.pcm + bytes(silence_ms * _BYTES_PER_MS))
            sound = with_room_noise(silent, seed=0)
            for chunk in sound.chunks(chunk_ms):
                clock_ms += len(chunk) / _BYTES_PER_MS
                await _until(clock_ms)
                call.session.audio(chunk)
                call.flush()
        after_speech = meter.read()
        await call.until(
            lambda: call.replies.is_settled, timeout_s=_SETTLED_TIMEOUT_S, what="last answer"
        )
        await call.hang_up()
        await asyncio.sleep(COMMIT_S)
    # Input is deleted after its turn, so the deletes of the last turn come after the period.
    usage = after_speech.minus(at_start).with_writes_of(meter.read().minus(after_speech), DELETES)
    share = spoken_ms / 1_000 / usage.seconds
    return MeasuredPeriod("microphone always open", usage, share, TARGETS_MILLI_USD["open"])


async def _until_served(call: VoiceCall) -> None:
    """Wait until a worker serves the session and has accepted the ``hello``."""
    await call.until_ready()
    outbox = call.session.outbox
    await call.until(lambda: outbox.accepted_through, timeout_s=30.0, what="worker")


async def _until(at_ms: float) -> None:
    await asyncio.sleep(max(0.0, at_ms - now_ms()) / 1_000)


async def _url(stack: Stack, user: str) -> str:
    api = HttpApiClient(stack.addresses.http, await get_token(stack.addresses.issuer, user))
    return (await api.start_session(conversation_id="new")).url
