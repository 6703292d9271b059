"""Decides the replies and tool calls of a session: one job at a time, interruptible."""

import asyncio
import json
import time
from dataclasses import replace

from local.gemini.live.connection import Connection
from local.gemini.live.context import INPUT_BYTES_PER_S, Context, Item, Usage, bill
from local.gemini.live.protocol import FunctionResponse, ServerClose
from local.gemini.live.turn_inputs import (
    Job,
    PendingToolCall,
    SpokenInput,
    ToolCallAnswer,
    TypedInput,
)
from local.gemini.mind import mind
from local.gemini.mind.known import DeclaredFunction, Known, Line, ToolCall
from local.gemini.speech.ears import EarsClosed, NoRecognizer
from local.gemini.speech.reply_speaker import Generation, ReplySpeaker
from local.gemini.speech.voice import split_words

# The simulator does not ask back after a shorter noise.
WORTH_ASKING_MS = 500
TRANSCRIPT_PIECES = 3
# A greeting that marks a text as Spanish and does not change its request.
IN_SPANISH = "¡Hola! "


class Brain:
    """Decides and speaks the replies of one session."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self._connection = connection
        self._setup = setup = connection.setup
        self._rules = connection.rules
        self.context = context
        self._sender = connection.sender
        self._record = connection.record
        self._settings = connection.simulator.settings
        self._mouth = ReplySpeaker(connection)
        self._functions = tuple(
            DeclaredFunction(
                one.name, one.description, one.parameters_json_schema or one.parameters
            )
            for one in setup.functions
        )
        self._blocking = {one.name for one in setup.functions if self._rules.is_blocking(one)}
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._current: asyncio.Task[None] | None = None
        self._generation: Generation | None = None
        self._stalled = False
        # Held during an interruption, so that the next reply begins after the last frame.
        self._floor = asyncio.Lock()
        self.pending: dict[str, PendingToolCall] = {}
        # The number of answers that arrived during another reply and are still to be spoken.
        self._owed_answers = 0
        self._calls_made = 0
        self._utterances = 0
        self.replies = 0
        self.usages: list[Usage] = []
        self._unsaid: dict[str, None] = {}
        self.unheard_bytes = 0
        self.seeded = asyncio.Event()
        self.user_quiet = asyncio.Event()
        self.user_quiet.set()

    @property
    def generating(self) -> bool:
        return self._generation is not None

    def put(self, job: Job) -> None:
        """Queue a job; a deaf session does not answer it."""
        if isinstance(job, SpokenInput | TypedInput):
            job = replace(job, deaf=self._deaf())
        if isinstance(job, ToolCallAnswer) and job.is_spoken:
            self._owed_answers += 1
        self._jobs.put_nowait(job)

    async def run(self) -> None:
        """Work on the jobs in order until cancelled or the connection is closed."""
        try:
            while True:
                job = await self._jobs.get()
                async with self._floor:
                    self._current = asyncio.create_task(self._work(job))
                await asyncio.wait({self._current})
                if not self._current.cancelled():
                    self._current.result()
        finally:
            if self._current and not self._current.done():
                self._current.cancel()
                await asyncio.gather(self._current, return_exceptions=True)

    async def interrupt(self) -> None:
        """Interrupt the current reply: ``interrupted``, cancelled calls, ``turnComplete``."""
        async with self._floor:
            generation, current = self._generation, self._current
            if generation is None or current is None:
                return
            stalled = self._stalled
            current.cancel()
            await asyncio.wait({current})
            self._generation, self._stalled = None, False
            if stalled:
                return  # a stalled turn never ends, not even by an interruption
            await self._sender.content(interrupted=True)
            self._record.event("interrupted", reply=generation.reply, said=generation.text)
            await self._cancel_calls()
            await self._complete(generation, "IDLE")

    async def _cancel_calls(self) -> None:
        if self.pending:
            ids = [one.wire_id for one in self.pending.values()]
            self.pending.clear()
            await self._sender.send({"toolCallCancellation": {"ids": ids}})
            self._record.event("calls_cancelled", ids=ids)

    def answer(self, response: FunctionResponse) -> PendingToolCall | None:
        """Return the call of an answer, None if it is not pending."""
        asked = (response.id, response.name if not response.id else "")
        for pending in self.pending.values():
            if asked == (pending.wire_id, "" if pending.has_id else pending.call.name):
                if not response.will_continue:
                    del self.pending[pending.id]
                return pending
        return None

    async def _work(self, job: Job) -> None:
        match job:
            case SpokenInput():
                await self._on_spoken(job)
            case TypedInput():
                await self._on_typed(job)
            case ToolCallAnswer():
                await self._on_answered(job)

    async def _on_spoken(self, job: SpokenInput) -> None:
        can_hear, text = True, ""
        try:
            text = await asyncio.shield(job.words)
        except NoRecognizer:
            can_hear = False
        except EarsClosed as error:
            raise ServerClose(1011, "Internal error encountered.") from error
        if text and self._connection.fault("wrong_language_transcript"):
            text = IN_SPANISH + text
        self._record.event("heard", text=text, voiced_ms=job.voiced_ms)
        await self._transcribe(text)
        await self.seeded.wait()
        known = self._known()
        self._utterances += 1
        self.context.add(Item("user", text, "AUDIO", job.audio_s))
        if job.deaf:
            self._record.event("deaf", text=text)
            await self._sender.send_waiting_for_reply()
        elif not self.user_quiet.is_set():
            # The user has continued to speak, so the next reply also answers this utterance.
            self._record.event("continued", text=text)
            await self._sender.send_waiting_for_reply()
        elif text or job.voiced_ms >= WORTH_ASKING_MS:
            text = self._with_continued(text)
            reply = mind.respond(known, text) if text else mind.not_heard(known, can_hear=can_hear)
            await self._reply(reply, self._next_reply())

    async def _transcribe(self, text: str) -> None:
        """Send the user's transcript as the model does, if the set-up requests it."""
        if self._setup.input_audio_transcription is None or not text:
            return
        # Transcripts come in the order of the speech, however late.
        await self._sender.send_delayed_now()
        is_late = self._rules.is_transcript_late
        whole = {"text": text, "finished": True} if is_late else {"text": text}
        pieces = [{"text": piece} for piece in split_words(text, TRANSCRIPT_PIECES) if piece]
        sent = [whole] if is_late else pieces
        if self._connection.fault("transcript_twice"):
            sent = [*sent, whole]
        if overdue := self._connection.fault("late_transcript"):
            self._record.event("transcript_overdue", text=text)
        for one in sent:
            if overdue:
                self._sender.send_after_turn(overdue.delay_ms, inputTranscription=one)
            elif is_late:
                self._sender.send_after_reply_start(inputTranscription=one)
            else:
                await self._sender.content(inputTranscription=one)

    async def _on_typed(self, job: TypedInput) -> None:
        await self.seeded.wait()
        self._record.event("typed", text=job.text)
        known = self._known()
        self._utterances += 1
        text = job.text
        if text:
            self.context.add(Item("user", text))
        if job.deaf or self._connection.fault("ignored_text"):
            # A text may bring no reply, no error and no turnComplete (gemini-live-api-examples#55).
            self._record.event("deaf" if job.deaf else "ignored", text=text)
            return
        if late := self._connection.fault("late_text"):
            await asyncio.sleep(late.delay_ms / 1000)
        reply = mind.respond(known, text or "please continue", spoken=False)
        await self._reply(reply, self._next_reply())

    async def _on_answered(self, job: ToolCallAnswer) -> None:
        response, pending = job.response, job.pending
        text = mind.speak_answer(self._known(), pending.call.name, response.response)
        answered = mind.text_of(response.response)
        self.context.add(Item("tool", answered or json.dumps(response.response)))
        if not job.is_spoken:
            return
        if self._connection.fault("silent_after_tool_answer"):
            self._owed_answers -= 1
            return
        if response.scheduling == "WHEN_IDLE":
            await self.user_quiet.wait()
        self._owed_answers -= 1
        if pending.blocking:
            self._unsaid.setdefault(text or "")
            others = (one for one in self.pending.values() if one.reply == pending.reply)
            if self._owed_answers or any(one.blocking for one in others):
                # The turn continues after the answer of its last blocking call.
                return
            text = " ".join(self._unsaid)
            self._unsaid.clear()
        goes_on = pending.blocking or self._rules.sends_status
        same = goes_on and pending.utterance == self._utterances
        reply = pending.reply if same else self._next_reply()
        await self._reply(mind.Reply(text or ""), reply)

    async def _reply(self, reply: mind.Reply, number: int) -> None:
        generation = self._generation = Generation(number)
        if self._connection.fault("stall"):
            await self._sender.send_waiting_for_reply()
            self._stalled = True
            await asyncio.Event().wait()
        if late := self._connection.fault("late_reply"):
            await asyncio.sleep(late.delay_ms / 1000)
        if fault := self._connection.fault("close", "turn"):
            raise fault.refusal
        if self._connection.fault("unknown_message", "turn"):
            await self._sender.send({"somethingNew": {"fromTheFuture": True}})
        if self._connection.fault("empty_turn"):
            self._generation = None
            await self._complete(generation, "IDLE")
            return
        blocking = False
        for call in reply.calls:
            blocking |= await self._call(call, generation)
            if self._connection.fault("duplicate_call"):
                await self._call(call, generation)
        if reply.say and not blocking:
            await self._mouth.speak(reply.say, generation)
        if reply.calls and self._connection.fault("cancelled_call"):
            # As if the user spoke over these words.
            await self._cancel_calls()
            blocking = False
        self._generation = None
        if blocking:
            # A blocking call does not end the turn, which continues with the answer.
            self._remember(generation)
            return
        busy = self.pending or self._owed_answers
        await self._complete(generation, "IN_PROGRESS" if busy else "IDLE")

    async def _call(self, call: ToolCall, generation: Generation) -> bool:
        self._calls_made += 1
        call_id = f"call-{self._connection.id[-6:]}-{self._calls_made}"
        blocking = call.name in self._blocking
        has_id = self._connection.fault("no_call_ids") is None
        self.pending[call_id] = PendingToolCall(
            call_id, call, blocking, generation.reply, self._utterances, time.monotonic(), has_id
        )
        wire = {"id": call_id, "name": call.name, "args": call.args}
        generation.calls.append(json.dumps(wire))
        self._record.event("tool_call", reply=generation.reply, **wire)
        await self._sender.call(**(wire if has_id else {"name": call.name, "args": call.args}))
        return blocking

    async def _complete(self, generation: Generation, status: str) -> None:
        """Bill the turn, add it to the context and end it."""
        if self.unheard_bytes:
            self.context.add(Item("user", "", "AUDIO", self.take_unheard_s()))
        usage = bill(self.context, generation.items())
        self.usages.append(usage)
        self._remember(generation)
        self._record.event(
            "turn_complete",
            reply=generation.reply,
            status=status,
            said=generation.text,
            audio_bytes=generation.audio_bytes,
            usage=usage.as_wire(),
        )
        await self._sender.turn_complete(self._wire_status(status), usage)
        self._slide()

    def _wire_status(self, status: str) -> str | None:
        if status == "IDLE" and self._connection.fault("requires_action"):
            return "REQUIRES_ACTION"
        return status if self._rules.sends_status else None

    def _remember(self, generation: Generation) -> None:
        for item in generation.items():
            self.context.add(item)

    def take_unheard_s(self) -> float:
        """Return the seconds of audio that are not in the context, and reset the count."""
        seconds = self.unheard_bytes / INPUT_BYTES_PER_S
        self.unheard_bytes = 0
        return seconds

    def _slide(self) -> None:
        compression = self._setup.context_window_compression
        if compression is None:
            return
        trigger = compression.trigger_tokens or 104_857  # documented default: 80 % of the limit
        window = compression.sliding_window
        target = (window.target_tokens if window else None) or trigger // 2
        if dropped := self.context.slide(trigger, target):
            self._record.event("compressed", dropped_items=dropped)

    def _next_reply(self) -> int:
        self.replies += 1
        return self.replies

    def _known(self) -> Known:
        lines = [Line(i.role, i.text) for i in self.context.items if i.role != "call"]
        tools = self._connection.simulator.tools
        return Known(self.context.instruction, self._functions, lines, tools)

    def _with_continued(self, text: str) -> str:
        """Return the utterance after the preceding utterances without a reply."""
        earlier: list[str] = []
        for item in reversed(self.context.items[:-1]):
            if item.role != "user" or item.modality != "AUDIO":
                break
            earlier.append(item.text)
        return " ".join(part for part in [*reversed(earlier), text] if part)

    def _deaf(self) -> bool:
        """Return whether an unanswered call makes the session ignore the user.

        A blocking call does so immediately, others after ``deaf_after_s``.
        """
        now_s = time.monotonic()
        return any(
            one.blocking or now_s - one.since_s > self._settings.deaf_after_s
            for one in self.pending.values()
        )
