"""The findings of the Gemini checks about models with different behaviour."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from ops.finding import Finding, Verdict, judged
from ops.smoke.check_context import CheckContext, CheckNotRunError
from ops.smoke.checks import (
    deadline,
    gemini,
    greeting,
    history,
    language,
    short_utterance,
    speech_end,
    tool_answer,
    voices,
)
from ops.smoke.spending import Spending
from ops.smoke.suite import Check, run_checks
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveFailure,
    LiveInterrupted,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    TurnDetection,
    TurnStatus,
)
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.session.input.speech_channel import MAX_SILENCE_MS
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from repartee_client.recordings import Recording
from tests.fakes.live_model import (
    FakeLiveSession,
    Sent,
    SentActivity,
    SentAudio,
    SentAudioStreamEnd,
    SentText,
    SentToolResponses,
)
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.unit

LIVE_3_8 = "gemini-3.8-live"
LIVE_3_1 = "gemini-3.1-flash-live-preview"
EXTENDED = "gemini-3.8-live-extended-thinking"
SPEECH = Recording(b"\x01\x00" * 16_000)
USAGE = LiveUsage(TokenUsage(text_in=100, audio_out=100))
AUDIO = LiveAudio(bytes(4_800))
CALL = LiveToolCall("call-1", ASK_CORE_AGENT, "{}")

type Rule = Callable[["ActingSession", Sent], object]


def said(text: str, status: TurnStatus | None = None) -> tuple[LiveEvent, ...]:
    """Return a whole reply."""
    return (AUDIO, LiveTranscript(Role.MODEL, text), USAGE, LiveTurnComplete(status))


class ActingSession(FakeLiveSession):
    """A session whose model follows a rule.

    Attributes:
        silence_ms: How much silence followed the last sound.
    """

    def __init__(self, config: LiveConfig, rule: Rule) -> None:
        super().__init__(config)
        self.silence_ms = 0
        self._rule = rule

    def _record(self, sent: Sent) -> None:
        super()._record(sent)
        if isinstance(sent, SentAudio):
            self.silence_ms = 0 if any(sent.pcm) else self.silence_ms + len(sent.pcm) // 32
        self._rule(self, sent)


class ActingModel:
    """Opens sessions that follow a rule; ``refuses`` says which set-ups are refused."""

    def __init__(self, rule: Rule, refuses: Callable[[LiveConfig], bool] = lambda _: False) -> None:
        self._rule = rule
        self._refuses = refuses
        self.opened: list[ActingSession] = []

    async def open(self, config: LiveConfig) -> ActingSession:
        if self._refuses(config):
            raise LiveSetupFailed("not supported", code=1007, retryable=False)
        self.opened.append(ActingSession(config, self._rule))
        return self.opened[-1]


def keeps_silent(session: ActingSession, sent: Sent) -> None:
    pass


def check_context_of(model: ActingModel, name: str = LIVE_3_8) -> CheckContext:
    return CheckContext(lambda _: model, name)


def made(check: Callable[[], Coroutine[Any, Any, list[Finding]]]) -> dict[str, Finding]:
    return {one.subject: one for one in run_in_virtual_time(check)}


def passed_by(finding: Finding) -> bool | None:
    """Return None for an observation."""
    return None if finding.verdict is Verdict.SEEN else finding.verdict is Verdict.OK


# ---- greeting ----


def greets(session: ActingSession, sent: Sent) -> None:
    if isinstance(sent, SentText):
        session.emit(*said(greeting.GREETING))


def greets_without_a_transcript(session: ActingSession, sent: Sent) -> None:
    if isinstance(sent, SentText):
        session.emit(AUDIO, USAGE, LiveTurnComplete())


@pytest.mark.parametrize(
    ("rule", "is_spoken", "seen", "is_exact"),
    [
        (greets, True, greeting.GREETING, "yes"),
        (greets_without_a_transcript, True, "without a transcript", "no"),
        (keeps_silent, False, "no answer", "no"),
    ],
)
def test_a_model_that_ignores_the_cue_to_greet_is_reported(
    rule: Rule, is_spoken: bool, seen: str, is_exact: str
) -> None:
    live = ActingModel(rule)
    found = made(lambda: greeting.findings(check_context_of(live)))

    spoken = found["a text before any input makes the model greet aloud"]
    assert passed_by(spoken) is is_spoken
    assert seen in spoken.detail
    assert bool(spoken.advice) is not is_spoken
    assert found["the greeting is said word for word"].detail == is_exact
    assert len(live.opened[0].sent) == 1


# ---- speech ----


def hears_marks(session: ActingSession, sent: Sent) -> None:
    if sent == SentActivity(is_start=False):
        session.emit(*said("Hello."))


def hears_silence(session: ActingSession, sent: Sent) -> None:
    is_new = not any(isinstance(one, SentActivity) for one in session.sent)
    if session.silence_ms == 1_500 and is_new:
        session.emit(LiveTranscript(Role.USER, "hello"), *said("Hello."))


def hears_silence_and_marks(session: ActingSession, sent: Sent) -> None:
    hears_silence(session, sent)
    hears_marks(session, sent)


def hears_stream_end_and_marks(session: ActingSession, sent: Sent) -> None:
    if isinstance(sent, SentAudioStreamEnd):
        session.emit(*said("Hello."))
    hears_marks(session, sent)


ANSWERED = "spoken turns are answered"
AS_PROFILE = "as the model's profile says"


@pytest.mark.parametrize(
    ("rule", "model", "answered", "means", "is_ended", "ending_means"),
    [
        (hears_silence_and_marks, LIVE_3_8, "yes yes", "client is faster", False, AS_PROFILE),
        (hears_silence, LIVE_3_8, "yes no", "keep TurnDetection=server", False, AS_PROFILE),
        (hears_marks, LIVE_3_8, "no yes", "set TurnDetection=client", False, AS_PROFILE),
        (keeps_silent, LIVE_3_8, "no no", "another GeminiLiveModel", False, AS_PROFILE),
        (hears_stream_end_and_marks, LIVE_3_1, "yes yes", "both values", True, AS_PROFILE),
        (hears_stream_end_and_marks, LIVE_3_8, "no yes", "", True, "is not needed"),
        (hears_silence, LIVE_3_1, "no no", "", False, "wrong in ends_speech_by_stream_end"),
    ],
)
def test_the_end_of_speech_determines_the_advice_for_turn_detection(
    rule: Rule, model: str, answered: str, means: str, is_ended: bool, ending_means: str
) -> None:
    live = ActingModel(rule)
    found = made(lambda: speech_end.findings(check_context_of(live, model), SPEECH))
    server, client = answered.split()
    assert found[ANSWERED].detail == f"server: {server}, client: {client}"
    assert passed_by(found[ANSWERED]) is ("yes" in answered)
    assert means in found[ANSWERED].advice
    ending = found["speech, then audioStreamEnd alone"]
    seen = "first audio after 0 ms" if is_ended else "no reply within 15 s"
    assert (passed_by(ending), ending.detail) == (None, seen)
    assert ending_means in ending.advice
    assert live.opened[0].silence_ms == 0
    marked = live.opened[-1]
    assert marked.config.turn_detection is TurnDetection.CLIENT
    marks = [one for one in marked.sent if isinstance(one, SentActivity)]
    assert marks[:2] == [SentActivity(is_start=True), SentActivity(is_start=False)]
    assert marked.sent[0] == marks[0]
    assert marked.silence_ms == 0


def test_silence_continues_until_the_model_reacts_within_the_workers_limit() -> None:
    def silence(rule: Rule) -> list[int]:
        live = ActingModel(rule)
        made(lambda: speech_end.findings(check_context_of(live), SPEECH))
        return [session.silence_ms for session in live.opened]

    assert silence(hears_silence) == [0, 1_000, 1_500, 0]
    assert silence(keeps_silent) == [0, 1_000, 1_000 + MAX_SILENCE_MS, 0]


@pytest.mark.parametrize(("enough_ms", "means"), [(900, "is enough"), (1_500, "in real time")])
def test_silence_at_once_is_tested_alone(enough_ms: int, means: str) -> None:
    def rule(session: ActingSession, sent: Sent) -> None:
        if session.silence_ms >= enough_ms and not session.silence_ms % 500:
            session.emit(*said("Hello."))

    found = made(lambda: speech_end.findings(check_context_of(ActingModel(rule)), SPEECH))
    assert means in found["speech, then silence at once"].advice
    none = made(lambda: speech_end.findings(check_context_of(ActingModel(rule), LIVE_3_1), SPEECH))
    assert "speech, then silence at once" not in none


def interrupted_after(delay_s: float | None, *, over_after_s: float = 9) -> Rule:
    """Answer marked speech and typed text; ``activityStart`` then interrupts, or does not."""

    def rule(session: ActingSession, sent: Sent) -> None:
        loop = asyncio.get_running_loop()
        hears_marks(session, sent)
        if isinstance(sent, SentText):
            session.emit(AUDIO)
            loop.call_later(over_after_s, session.emit, LiveTurnComplete())
        starts = [one for one in session.sent if one == SentActivity(is_start=True)]
        if sent == SentActivity(is_start=True) and len(starts) == 2 and delay_s is not None:
            loop.call_later(delay_s, session.emit, LiveInterrupted())

    return rule


@pytest.mark.parametrize(
    ("rule", "seen", "means"),
    [
        (interrupted_after(0.2), "it is interrupted", ""),
        (interrupted_after(None), "it continues", "cannot interrupt"),
        (interrupted_after(None, over_after_s=0.1), "it was over before", ""),
    ],
)
def test_activity_marks_are_tested_during_a_reply(rule: Rule, seen: str, means: str) -> None:
    found = made(lambda: speech_end.findings(check_context_of(ActingModel(rule)), SPEECH))
    assert found["TurnDetection=client: typed text"].detail == "first audio after 0 ms"
    interruption = found["TurnDetection=client: activityStart during a reply"]
    assert interruption.detail == seen
    assert means in interruption.advice


def test_unanswered_text_with_activity_marks_is_reported() -> None:
    found = made(lambda: speech_end.findings(check_context_of(ActingModel(hears_marks)), SPEECH))
    assert "keep TurnDetection=server" in found["TurnDetection=client: typed text"].advice
    assert "TurnDetection=client: activityStart during a reply" not in found


def test_a_refused_or_closed_session_is_reported_with_its_code() -> None:
    def closes(session: ActingSession, sent: Sent) -> None:
        if isinstance(sent, SentAudioStreamEnd) or session.silence_ms:
            session.emit(LiveClosed(LiveFailure.DROPPED, 1011, "internal"))

    live = ActingModel(closes, lambda config: config.turn_detection is TurnDetection.CLIENT)
    found = list(made(lambda: speech_end.findings(check_context_of(live), SPEECH)).values())
    assert [one.detail for one in found[:4]] == [
        *["closed with 1011 internal"] * 3,
        "set-up refused with 1007 not supported",
    ]
    assert found[4].verdict is Verdict.WRONG


# ---- tool ----

SPOKEN = "the tool's answer is spoken"
PENDING = "turns that end while the tool is pending"


def calls(
    *, meanwhile: tuple[LiveEvent, ...] = (), then: tuple[LiveEvent, ...] = said("Friday, 3 p.m.")
) -> Rule:
    def rule(session: ActingSession, sent: Sent) -> None:
        if isinstance(sent, SentText):
            session.emit(CALL, *meanwhile)
        if isinstance(sent, SentToolResponses):
            session.emit(*then)

    return rule


@pytest.mark.parametrize(
    ("rule", "model", "pending", "means"),
    [
        (
            calls(meanwhile=(LiveTurnComplete(),)),
            LIVE_3_8,
            "turnComplete without status",
            "as the model's profile says",
        ),
        (
            calls(
                meanwhile=(LiveTurnComplete(TurnStatus.IN_PROGRESS),),
                then=said("Friday, 3 p.m.", TurnStatus.IDLE),
            ),
            EXTENDED,
            "IN_PROGRESS",
            "as the model's profile says",
        ),
        (
            calls(meanwhile=(LiveTurnComplete(TurnStatus.IN_PROGRESS),)),
            LIVE_3_8,
            "IN_PROGRESS",
            "sends_status is True",
        ),
        (calls(), EXTENDED, "none", "sends_status is False"),
    ],
)
def test_a_turn_that_ends_with_a_tool_pending_is_compared_with_the_profile(
    rule: Rule, model: str, pending: str, means: str
) -> None:
    found = made(lambda: tool_answer.findings(check_context_of(ActingModel(rule), model)))
    assert (passed_by(found[PENDING]), found[PENDING].detail) == (None, pending)
    assert means in found[PENDING].advice
    assert found[SPOKEN].detail == "Friday, 3 p.m."


def test_an_answer_that_stays_unspoken_means_no_answer_for_clients() -> None:
    rule = calls(then=(LiveTurnComplete(),))
    found = made(lambda: tool_answer.findings(check_context_of(ActingModel(rule))))
    assert (passed_by(found[SPOKEN]), found[SPOKEN].detail) == (None, "not spoken")
    assert "no_answer" in found[SPOKEN].advice


def test_the_check_waits_for_an_answer_after_the_end_of_its_turn() -> None:
    rule = calls(then=(LiveTurnComplete(), *said("It is booked."), LiveTurnComplete()))
    found = made(lambda: tool_answer.findings(check_context_of(ActingModel(rule))))
    assert found[SPOKEN].detail == "It is booked."


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        (lambda session, _: session.emit(*said("Which day?")), "it said 'Which day?'"),
        (
            lambda session, _: session.emit(LiveClosed(LiveFailure.DROPPED, 1007, "no tools")),
            "closed with 1007 no tools",
        ),
    ],
)
def test_a_model_that_does_not_call_its_tool_fails(rule: Rule, seen: str) -> None:
    (found,) = made(lambda: tool_answer.findings(check_context_of(ActingModel(rule)))).values()
    assert found.verdict is Verdict.WRONG
    assert seen in found.detail
    assert "GeminiLiveModel" in found.advice


# ---- history ----


def answers(text: str) -> Rule:
    def rule(session: ActingSession, sent: Sent) -> None:
        if isinstance(sent, SentText):
            session.emit(*said(text))

    return rule


MESSAGES = "history sent as messages is known"
IN_INSTRUCTION = "history in the instruction is known"


@pytest.mark.parametrize(
    ("said_", "passed", "means"),
    [("Your name is Robert.", True, "nothing to set"), ("I forgot.", False, "ContextPolicy")],
)
def test_a_session_is_asked_about_its_history(said_: str, passed: bool, means: str) -> None:
    live = ActingModel(answers(said_))
    found = made(lambda: history.findings(check_context_of(live)))
    assert passed_by(found[MESSAGES]) is passed
    assert means in found[MESSAGES].advice
    assert passed_by(found[IN_INSTRUCTION]) is (True if passed else None)
    as_messages, as_text = (session.config for session in live.opened)
    assert (as_messages.history, as_text.history) == (history.HISTORY, ())
    assert history.NAME in as_text.system_instruction


@pytest.mark.parametrize(("name", "passed"), [("Robert.", True), ("I do not know.", False)])
def test_a_session_that_refuses_messages_is_tested_with_the_instruction(
    name: str, passed: bool
) -> None:
    class ClosesOnHistory(ActingModel):
        async def open(self, config: LiveConfig) -> ActingSession:
            session = await super().open(config)
            if config.history:
                closing = LiveClosed(LiveFailure.DROPPED, 1007, "invalid argument")
                asyncio.get_running_loop().call_later(0.4, session.emit, closing)
            return session

    live = ClosesOnHistory(answers(name))
    found = made(lambda: history.findings(check_context_of(live)))
    assert (passed_by(found[MESSAGES]), found[MESSAGES].detail) == (
        None,
        "closed with 1007 invalid argument",
    )
    assert "sends the history as text" in found[MESSAGES].advice
    assert live.opened[0].sent == []
    assert passed_by(found[IN_INSTRUCTION]) is passed


# ---- language ----


def greets_as_instructed(session: ActingSession, sent: Sent) -> None:
    is_spanish = language.TAG in session.config.system_instruction
    session.emit(*said("Hola, ¿en qué puedo ayudarle?" if is_spanish else "Hello."))


CODE = "languageCode es-419"
NAMED = "es-419 named in the instruction alone"


def test_an_ignored_or_followed_language_code_is_reported() -> None:
    found = made(lambda: language.findings(check_context_of(ActingModel(greets_as_instructed))))
    assert "changes nothing" in found[CODE].advice
    assert found[NAMED].verdict is Verdict.OK
    found = made(lambda: language.findings(check_context_of(ActingModel(answers("¡Hola!")))))
    assert "is followed" in found[CODE].advice


def test_a_refused_language_code_is_compared_with_the_profile() -> None:
    live = ActingModel(greets_as_instructed, lambda config: config.language == language.TAG)
    found = made(lambda: language.findings(check_context_of(live)))
    assert (passed_by(found[CODE]), found[CODE].detail) == (
        None,
        "set-up refused with 1007 not supported",
    )
    assert "sends no languageCode" in found[CODE].advice


def test_the_language_code_is_sent_in_this_check_only() -> None:
    sends: list[bool] = []

    def open_live(profiles: Callable[[str], LiveModelProfile]) -> ActingModel:
        sends.append(profiles(LIVE_3_8).takes_language_code)
        return ActingModel(greets_as_instructed)

    made(lambda: language.findings(CheckContext(open_live, LIVE_3_8)))
    assert sends == [True, False]


def test_a_language_that_is_not_spoken_fails() -> None:
    found = made(lambda: language.findings(check_context_of(ActingModel(answers("Hello.")))))
    assert found[NAMED].verdict is Verdict.WRONG


# ---- short ----


def reacts_after(delay_s: float | None) -> Rule:
    def rule(session: ActingSession, sent: Sent) -> None:
        if isinstance(sent, SentText):
            session.emit(*said("Hello."))
        if session.silence_ms == 1_000 and delay_s is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_s, session.emit, *said("Yes?"))

    return rule


@pytest.mark.parametrize(
    ("delay_s", "passed", "seen", "means"),
    [
        (0.5, True, "first reaction after 500 ms", "nothing to set"),
        (4.0, None, "first reaction after 4000 ms", "drops a duplicate"),
        (None, None, "no reaction", "TurnDetection=client"),
    ],
)
def test_a_short_utterance_is_heard_late_or_dropped(
    delay_s: float | None, passed: bool | None, seen: str, means: str
) -> None:
    live = ActingModel(reacts_after(delay_s))
    (found,) = made(lambda: short_utterance.findings(check_context_of(live), SPEECH)).values()
    assert (passed_by(found), found.detail) == (passed, seen)
    assert means in found.advice


def test_without_a_first_reply_the_short_utterance_is_not_tested() -> None:
    live = ActingModel(keeps_silent)
    (found,) = made(lambda: short_utterance.findings(check_context_of(live), SPEECH)).values()
    assert (passed_by(found), found.detail) == (False, "no first reply")


# ---- gemini, voices, deadline ----


def takes_a_call(session: ActingSession, sent: Sent) -> None:
    if session.silence_ms == 1_000 and len(session.sent) < 10:
        session.emit(LiveTranscript(Role.USER, "a doctor"), CALL, LiveTurnComplete())
    if isinstance(sent, SentText):
        session.emit(*said("I am still looking."))
    if isinstance(sent, SentToolResponses):
        session.emit(*said("Friday at 3 p.m."))


def test_a_turn_with_a_tool_passes_or_names_what_is_missing() -> None:
    def failing(rule: Rule, model: str = LIVE_3_8) -> set[str]:
        found = made(lambda: gemini.findings(check_context_of(ActingModel(rule), model), SPEECH))
        return {name for name, one in found.items() if one.verdict is Verdict.WRONG}

    assert failing(takes_a_call) == set()
    deaf = failing(keeps_silent)
    assert {"the tool is called", "turns are billed", SPOKEN} <= deaf
    waiting = "a request typed while the tool is pending is answered"
    assert waiting in deaf
    assert waiting not in failing(keeps_silent, LIVE_3_1)


def test_a_voice_that_is_refused_is_named() -> None:
    live = ActingModel(keeps_silent, lambda config: config.voice == "Puck")
    found = made(lambda: voices.findings(check_context_of(live)))
    first = next(iter(found.values()))
    assert first.verdict is Verdict.WRONG
    assert first.detail.startswith("Puck: ")


@pytest.mark.parametrize(
    ("below", "at", "passed", "means"),
    [
        ("refused", "", True, "nothing to set"),
        ("", "", True, "nothing to set"),
        ("refused", "refused", False, "GeminiCoreModel"),
    ],
)
def test_deadlines_are_judged_by_their_refusals(
    below: str, at: str, passed: bool, means: str
) -> None:
    first, second = deadline.judge({8: below, 10: at})
    assert first.verdict is Verdict.SEEN
    assert ("accepts less" in first.advice) is not bool(below)
    assert passed_by(second) is passed
    assert means in second.advice


# ---- all of them ----


def check(
    spending: Spending, *, usd: str = "0", passed: bool | None = None, trouble: str = ""
) -> Check:
    async def make() -> list[Finding]:
        spending.add(Decimal(usd))
        if trouble:
            raise CheckNotRunError(trouble)
        return [judged("a", passed, "b", "c")]

    return Check("a check", "", make)


def test_all_checks_are_made_and_reported_with_their_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spending = Spending()
    all_checks = [
        check(spending),
        check(spending, trouble="out of quota"),
        check(spending, usd="0.01"),
    ]
    assert asyncio.run(run_checks(all_checks, spending)) == 2
    said = capsys.readouterr().out
    assert said.count("seen   a: b\n       -> c\n") == 2
    assert "not made: out of quota" in said
    assert "about 0.0100 USD" in said


def test_an_assumption_that_does_not_hold_decides_the_exit_status() -> None:
    spending = Spending()
    all_checks = [check(spending, passed=False), check(spending, trouble="out of quota")]
    assert asyncio.run(run_checks(all_checks, spending)) == 1
    assert asyncio.run(run_checks([check(spending, passed=True)], spending)) == 0


def test_no_check_starts_that_could_exceed_the_limit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spending = Spending()
    dear = [check(spending, usd="0.04")] * 4
    assert asyncio.run(run_checks(dear, spending)) == 2
    assert spending.usd == Decimal("0.08")
    assert capsys.readouterr().out.count("not made: 0.0800 USD are spent") == 2


def test_the_usage_of_a_session_is_counted_by_the_price_list() -> None:
    context = check_context_of(ActingModel(answers("Robert.")))
    made(lambda: history.findings(context))
    assert context.spending.usd == 2 * context.prices.cost_usd(USAGE.usage) > 0
