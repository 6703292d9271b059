"""Routes the live model's tool calls to core_agent or to the session, and returns the answers."""

from dataclasses import dataclass, field, replace
from typing import Literal

from repartee.domain.live.model import LiveToolCall, ResponseScheduling, ToolResponse
from repartee.domain.phrases import Phrases
from repartee.domain.protocol.frames import ToolProgress
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.effects import AskCoreAgent
from repartee.domain.session.events import CoreAnswered
from repartee.domain.session.model.channel import ModelChannel
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.state import PendingCall
from repartee.domain.session.tools.calls import ToolCalls, is_true_argument, text_argument
from repartee.domain.session.tools.open_call import OpenToolCall
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.text.characters import is_visible
from repartee.domain.text.languages import language_name
from repartee.domain.tools.core_calls import (
    ASK_CORE_AGENT,
    ASKED_BY_USER,
    END_CALL,
    SET_PREFERENCES,
    CoreAnswer,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.preferences import PreferenceRefused

# The state item keeps open calls, and its size is limited. The longest question fits, because JSON
# escapes turn its 15,000 characters into at most 180,000 bytes.
MAX_OPEN_BYTES = 192_000

_STORED = "This applies from now on, also in later calls."
_NOT_STORED = (
    "This applies to this call only and is not stored. If the user asked for it, call "
    f"set_preferences again with {ASKED_BY_USER} true."
)


@dataclass(slots=True)
class ToolRouter:
    """Begins each call, and passes each answer to the model, the client and the turn.

    Attributes:
        phrases: The texts of the persona.
        preferences: The preferences in force.
    """

    phrases: Phrases = field(kw_only=True)
    preferences: ActivePreferences
    _tool_calls: ToolCalls
    _turns: TurnLedger
    _cues: Cues
    _outbox: Outbox
    _channel: ModelChannel
    _questions: list[AskCoreAgent] = field(default_factory=list)

    def begin(self, event: LiveToolCall, now_ms: int) -> bool:
        """Begin a call of the model; return whether the call ends the session."""
        turn = self._turns.turn_for_reply(now_ms)
        has_input = turn.first_seq is not None
        call = self._tool_calls.begin(event, turn.number, now_ms, has_input=has_input)
        if call is None:
            return False
        if (answer := call.take_owed_answer()) is not None:
            self._respond(call, answer, now_ms, is_for_user=True)
            return False
        self._outbox.offer(ToolProgress(turn.number, call.name, "started"))
        if call.name == ASK_CORE_AGENT:
            self._ask(call, now_ms)
        elif call.name == SET_PREFERENCES:
            self.answer(call.key, self._set_preferences(call, now_ms), now_ms)
        elif call.name == END_CALL:
            done = CoreAnswer(ToolCallStatus.DONE, "The call ends after your farewell.")
            self.answer(call.key, done, now_ms)
            return True
        else:
            refused = CoreAnswer(ToolCallStatus.REFUSED, f"There is no tool {call.name}.")
            self.answer(call.key, refused, now_ms)
        return False

    def adopt(self, pending: PendingCall, now_ms: int) -> None:
        """Take over a call that an earlier worker left open, and ask core_agent again."""
        self._ask(self._tool_calls.adopt(pending, now_ms), now_ms)

    def take_answer(self, event: CoreAnswered, now_ms: int) -> bool:
        """Handle an answer of core_agent; return False if no call waits for it.

        A phrase of the persona replaces an empty answer. Its cost is counted in any case.
        """
        self._turns.bill_tool_call(event)
        answer = event.answer
        if not is_visible(answer.answer):
            is_refused = answer.status is ToolCallStatus.REFUSED
            text = self.phrases.refused if is_refused else self.phrases.no_answer
            answer = replace(answer, answer=text)
        if self._tool_calls.is_waiting_for(event.key, event.arguments_hash):
            self.answer(event.key, answer, now_ms, is_for_user=True)
            return True
        late = self._tool_calls.take_late_answer(event.key, event.arguments_hash, answer)
        if late is not None:
            self._record(late, answer)
        return late is not None

    def answer(
        self, key: ToolCallKey, answer: CoreAnswer, now_ms: int, *, is_for_user: bool = False
    ) -> None:
        """Answer a call that waits.

        Args:
            key: The key of the call.
            answer: The answer.
            now_ms: The present.
            is_for_user: Whether the user should hear the answer. Otherwise it only instructs the
                model.
        """
        call = self._tool_calls.end(key, answer)
        phase: Literal["done", "failed"] = (
            "done" if answer.status is ToolCallStatus.DONE else "failed"
        )
        self._outbox.offer(ToolProgress(key.turn, call.name, phase))
        if call.owed_answer is None:
            self._respond(call, answer, now_ms, is_for_user=is_for_user)
        else:
            self._record(call, answer)

    def expire(self, now_ms: int) -> bool:
        """Answer the calls whose deadline has passed; return whether there were any."""
        expired = self._tool_calls.expired(now_ms)
        for call in expired:
            self._tool_calls.expect_late_answer(call)
            self.answer(call.key, self._tool_calls.no_answer, now_ms, is_for_user=True)
        return bool(expired)

    def send_owed_answers(self, now_ms: int) -> bool:
        """Send the answers of orphaned calls to the model; return whether there were any.

        They go into one cue, because each text interrupts the model.
        """
        # A cue would also interrupt an answer that the model is about to speak.
        may_send = self._cues.is_free and not self._tool_calls.unspoken
        owed = self._tool_calls.take_owed_answers() if may_send else []
        if not owed:
            return False
        for call, answer in owed:
            self._record(call, answer)
            self._tool_calls.unspoken.add(call, answer, now_ms, generations_before=0)
        self._cues.send_answers([answer for _, answer in owed], now_ms)
        return True

    def take_questions(self) -> tuple[AskCoreAgent, ...]:
        """Return the questions to core_agent since the last call, in order."""
        if not self._questions:
            return ()
        questions, self._questions = tuple(self._questions), []
        return questions

    def _respond(
        self, call: OpenToolCall, answer: CoreAnswer, now_ms: int, *, is_for_user: bool
    ) -> None:
        """Send the answer of a closed call to the model, once per id."""
        # Memory and the HTTP API show the record as what the user was to hear, which an
        # instruction to the model is not.
        self._record(call, answer if is_for_user else replace(answer, answer=""))
        is_known, is_hushed = call.is_answered, self._cues.is_hushed
        for call_id in call.call_ids:
            # A call that came twice has one answer, which the user must hear once. After a stop
            # the user hears the answer with the next reply.
            is_silent = is_known or is_hushed
            scheduling = ResponseScheduling.SILENT if is_silent else ResponseScheduling.WHEN_IDLE
            response = ToolResponse(
                call_id,
                call.name,
                answer.status,
                answer.answer,
                answer.retryable,
                scheduling,
                is_held=is_hushed,
            )
            self._channel.respond(response)
            is_known = True
        if is_for_user:
            generations_before = self._cues.is_awaited + self._turns.has_user_moved_on(call.turn)
            self._tool_calls.unspoken.add(
                call, answer, now_ms, generations_before=generations_before, is_cut=is_hushed
            )

    def _record(self, call: OpenToolCall, answer: CoreAnswer) -> None:
        """Record the outcome of a call in a turn, once."""
        if not call.is_recorded:
            call.mark_recorded()
            self._turns.record_tool_call(call.to_tool_call(answer), call.turn)

    def _ask(self, call: OpenToolCall, now_ms: int) -> None:
        question = text_argument(call.arguments_json, "question")
        is_too_long = self._tool_calls.open_bytes > MAX_OPEN_BYTES
        if question is None or is_too_long:
            refused = CoreAnswer(ToolCallStatus.REFUSED, "Put a short request in `question`.")
            self.answer(call.key, refused, now_ms)
            return
        language, timeout_ms = self.preferences.language, call.deadline_ms - now_ms
        self._questions.append(
            AskCoreAgent(call.key, call.arguments_hash, question, language, timeout_ms)
        )

    def _set_preferences(self, call: OpenToolCall, now_ms: int) -> CoreAnswer:
        try:
            changes = self.preferences.change(call.arguments_json, now_ms)
        except PreferenceRefused as refused:
            return CoreAnswer(ToolCallStatus.REFUSED, f"{refused.field}: {refused.advice}.")
        sentences = []
        if changes.language:
            sentences.append(f"Speak {language_name(changes.language)}.")
        if changes.style:
            sentences.append(f"Speak like this: {changes.style}.")
        if changes.voice:
            sentences.append(f"Your voice will be {changes.voice} after this reply.")
        if is_true_argument(call.arguments_json, ASKED_BY_USER):
            self.preferences.save(changes)
            sentences.append(_STORED)
        else:
            sentences.append(_NOT_STORED)
        return CoreAnswer(ToolCallStatus.DONE, " ".join(sentences))
