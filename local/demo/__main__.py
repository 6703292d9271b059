"""``python -m local.demo``: hold a voice conversation on this machine and check it.

REPARTEE_PORT_BASE sets the first port. With GEMINI_API_KEY the demo uses the real Gemini.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports, which take a second, prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.demo.checks import (
    Check,
    check_arrival,
    check_bookings,
    check_name,
    check_replies,
    check_speech,
    check_time,
)
from local.demo.explanation import SentRecording, explain
from local.demo.front_desk import FrontDesk
from local.demo.recorded_script import (
    DEFAULT_RECORDINGS,
    UnusableScriptError,
    Utterance,
    check_recordings,
    load_script,
)
from local.demo.script_player import (
    SpokenUtterance,
    match_replies,
    play_script,
    recalled_from,
)
from local.gemini.live.records import chat_folder, read_events, read_records
from local.gemini.speech.ears import has_recognizer
from local.hosting.ports import port_base_from
from local.hosting.signals import run_until_signal
from local.stack import (
    PROJECT,
    START_ERRORS,
    Stack,
    StackOptions,
    new_run_directory,
    published,
    remove_old_runs,
    running_stack,
)
from local.stack.template_settings import (
    add_settings_argument,
    describe_settings,
    settings_or_exit,
)
from repartee.domain.audio import OUTPUT_RATE_HZ
from repartee.domain.front_desk.bookings import Booking
from repartee_client.access import HttpApiClient, get_token
from repartee_client.errors import VoiceClientError
from repartee_client.recordings import Recording, UnusableRecordingError, read_wav, write_wav

FOLDER = PROJECT / ".local" / "demo"
USER = "demo"
_STOPPED_BY_SIGNAL = 130
_MARKS = {True: "ok", False: "FAILED", None: "skipped"}
_NO_RECORD = "the real Gemini keeps no record"
_UNUSABLE = (UnusableRecordingError, UnusableScriptError)


class Demo:
    """One run of the demo.

    Args:
        stack: A running stack with empty tables.
        script: The utterances to speak.
        folder: The folder for ``report.json``.
        started_s: The start of the demo on the monotonic clock.
    """

    def __init__(
        self, stack: Stack, script: Sequence[Utterance], folder: Path, started_s: float
    ) -> None:
        self._stack = stack
        self._script = script
        self._folder = folder
        self._started_s = started_s
        self._replies = stack.run_directory / "replies"
        self._answered = 0

    async def run(self) -> bool:
        """Hold the conversation and write the report; return whether every check passed.

        Raises:
            VoiceClientError: The conversation could not be held.
        """
        self._replies.mkdir()
        desk = FrontDesk(self._stack)
        await desk.seed()
        addresses = self._stack.addresses
        api = HttpApiClient(addresses.http, await get_token(addresses.issuer, USER))

        async def is_booked() -> bool:
            return bool(await desk.bookings(USER))

        spoken = await play_script(
            api,
            self._script,
            is_complete=is_booked,
            between=self._forget,
            on_spoken=self._print_and_save,
        )
        bookings = await desk.bookings(USER)
        checks = self._check(spoken, bookings)
        report = self._report(spoken, bookings, checks)
        path = self._folder / "report.json"
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        for check in checks:
            print(f"  {_MARKS[check.passed]:8}{check.name}: {check.found}")
        print(f"report {_relative(path)}, {report['seconds']:.0f} s since the start", flush=True)
        return all(check.passed is not False for check in checks)

    def explain_failure(self) -> None:
        """Print what happened to each recording that was sent, and the part that failed."""
        if self._stack.simulator is None:
            return
        records = self._stack.simulator.record_directory
        sent = [
            SentRecording(one.wav.stem, read_wav(one.wav).pcm, one.spoken)
            for one in self._script[: self._answered + 1]
        ]
        print(explain(sent, read_records(records), read_events(chat_folder(records))), flush=True)

    async def _forget(self) -> None:
        if self._stack.simulator is None:
            print("-- a new connection; Gemini's own session is not used again", flush=True)
            return
        await self._stack.restart_gemini()
        print("-- the Gemini simulator was restarted; a new connection", flush=True)

    def _wav(self, utterance: SpokenUtterance) -> Path:
        return self._replies / f"{utterance.name}.wav"

    def _print_and_save(self, utterance: SpokenUtterance) -> None:
        answered = utterance.answered
        self._answered += 1
        write_wav(self._wav(utterance), Recording(utterance.reply_pcm, OUTPUT_RATE_HZ))
        error = "" if utterance.word_error is None else f" (word error {utterance.word_error:.0%})"
        tools = ", ".join(answered.tool_calls) or "no tool"
        print(f"{utterance.name}")
        print(f"  heard   {answered.heard}{error}")
        print(f"  said    {answered.said}")
        print(
            f"  first audio after {answered.first_audio_ms} ms, {tools}, "
            f"{answered.tokens_in:,} tokens in, {answered.tokens_out:,} out, "
            f"{answered.cost_usd:.5f} USD",
            flush=True,
        )

    def _check(self, spoken: Sequence[SpokenUtterance], bookings: Sequence[Booking]) -> list[Check]:
        heard = {one.name: one.answered.heard for one in spoken}
        said, first = [one.answered.said for one in spoken], recalled_from(spoken)
        return [
            self._check_arrival(self._script),
            check_speech(heard),
            check_name([*heard.values()], said, recalled_from=first),
            check_bookings(bookings),
            check_time(bookings, said[first:]),
            self._check_replies(spoken),
        ]

    def _check_arrival(self, script: Sequence[Utterance]) -> Check:
        if self._stack.simulator is None:
            return check_arrival({}, (), skipped=_NO_RECORD)
        records = read_records(self._stack.simulator.record_directory)
        recordings = {one.wav.stem: read_wav(one.wav).pcm for one in script}
        return check_arrival(recordings, [record.heard for record in records])

    def _check_replies(self, spoken: Sequence[SpokenUtterance]) -> Check:
        if self._stack.simulator is None:
            return check_replies((), (), skipped=_NO_RECORD)
        records = read_records(self._stack.simulator.record_directory)
        emitted = [reply for record in records for reply in record.replies]
        saved = [
            read_wav(self._wav(utterance), sample_rate_hz=OUTPUT_RATE_HZ).pcm
            for utterance in spoken
        ]
        return check_replies(saved, match_replies(spoken, emitted))

    def _report(
        self,
        spoken: Sequence[SpokenUtterance],
        bookings: Sequence[Booking],
        checks: Sequence[Check],
    ) -> dict[str, Any]:
        return {
            "gemini": "simulator" if self._stack.simulator else "real",
            "recordings": _relative(self._script[0].wav.parent),
            "run_directory": _relative(self._stack.run_directory),
            "seconds": round(time.monotonic() - self._started_s, 1),
            "stack_start_s": dict(self._stack.start_s),
            "turns": [self._turn(utterance) for utterance in spoken],
            "bookings": [
                {
                    "date": f"{booking.slot.day}",
                    "time": f"{booking.slot.start:%H:%M}",
                    "reason": booking.reason,
                }
                for booking in bookings
            ],
            "checks": [asdict(check) for check in checks],
        }

    def _turn(self, utterance: SpokenUtterance) -> dict[str, Any]:
        answered = utterance.answered
        return {
            "recording": utterance.name,
            "session_id": utterance.session_id,
            "spoken": utterance.spoken,
            "heard": answered.heard,
            "word_error": utterance.word_error,
            "said": answered.said,
            "first_audio_ms": answered.first_audio_ms,
            "tool_calls": answered.tool_calls,
            "tokens_in": answered.tokens_in,
            "tokens_out": answered.tokens_out,
            "cost_usd": answered.cost_usd,
            "reply_wav": _relative(self._wav(utterance)),
            "reply_ms": round(Recording(utterance.reply_pcm, OUTPUT_RATE_HZ).duration_ms),
        }


def _relative(path: Path) -> str:
    resolved = path.resolve()
    return str(resolved.relative_to(PROJECT) if resolved.is_relative_to(PROJECT) else resolved)


async def demonstrate(
    script: Sequence[Utterance], folder: Path, *, parameters: Mapping[str, str], once: bool
) -> int:
    """Start the stack and hold the demo; without ``once``, keep serving until cancelled."""
    started_s = time.monotonic()
    options = StackOptions(
        run_directory=new_run_directory(folder),
        port_base=port_base_from(os.environ),
        parameters=parameters,
        gemini_api_key=os.environ.get("GEMINI_API_KEY") or None,
    )
    async with running_stack(options) as stack, published(stack):
        kind = "the Gemini simulator" if stack.simulator else "the real Gemini"
        print(
            f"the stack, with {kind}, started in {sum(stack.start_s.values()):.1f} s: "
            f"data and logs in {_relative(stack.run_directory)}",
            flush=True,
        )
        for setting in describe_settings(parameters):
            print(f"setting {setting}", flush=True)
        demo = Demo(stack, script, folder, started_s)
        try:
            passed = await demo.run()
        except VoiceClientError as error:
            print(f"the conversation failed: {error}", file=sys.stderr)
            passed = False
        if not passed:
            demo.explain_failure()
            logs = _relative(stack.run_directory / "logs")
            print(f"the demo FAILED; see above, and the logs in {logs}", file=sys.stderr)
            return 1
        if not once:
            print("serving: `make talk` in another terminal; Ctrl-C stops", flush=True)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return 0


async def run(
    script: Sequence[Utterance], folder: Path, *, parameters: Mapping[str, str], once: bool
) -> int:
    """Run the demo until it ends or a signal stops it; return the exit status."""
    try:
        status = await run_until_signal(
            demonstrate(script, folder, parameters=parameters, once=once)
        )
    except START_ERRORS as error:
        print(f"the stack did not start: {error}", file=sys.stderr)
        return 1
    return _STOPPED_BY_SIGNAL if status is None else status


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit after the conversation")
    parser.add_argument("--model", help="Gemini's live model (default: the template's)")
    add_settings_argument(parser)
    parser.add_argument(
        "--wavs",
        type=Path,
        default=DEFAULT_RECORDINGS,
        metavar="DIR",
        help="other recordings (local/recordings/README.md)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help="folder for report.json and the data of each run (default: .local/demo)",
    )
    # The run's files hold voices and transcripts: only their owner may read them.
    os.umask(0o077)
    options = parser.parse_args()
    parameters = settings_or_exit(" ".join(options.set), live_model=options.model)
    # A report of an earlier run must not be taken for the report of this run.
    (options.folder / "report.json").unlink(missing_ok=True)
    try:
        port_base_from(os.environ)
        script = load_script(options.wavs)
        check_recordings(script)
    except ValueError as error:
        parser.error(str(error))
    except (*_UNUSABLE, OSError) as error:
        print(f"cannot use the recordings: {error}", file=sys.stderr)
        return 2
    if not os.environ.get("GEMINI_API_KEY") and not has_recognizer():
        print(
            "moonshine-voice, which recognizes speech, has no wheel for this machine: "
            "set GEMINI_API_KEY, or type to `make up`",
            file=sys.stderr,
        )
        return 2
    options.folder.mkdir(parents=True, exist_ok=True)
    if removed := remove_old_runs(options.folder):
        print(removed, flush=True)
    return asyncio.run(run(script, options.folder, parameters=parameters, once=options.once))


if __name__ == "__main__":
    sys.exit(main())
