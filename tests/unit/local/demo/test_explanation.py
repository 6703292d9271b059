"""A failed demo names the part that failed, with each recording's way through the parts."""

import random
import sys
from array import array
from pathlib import Path

import pytest

from local.demo.__main__ import main
from local.demo.explanation import Event, SentRecording, explain
from local.gemini.chat_api import GenerateRequest, answered
from local.gemini.live.records import ChatRecorder, RecordedConnection, chat_folder, read_events
from repartee_client.recordings import Recording, write_wav

pytestmark = pytest.mark.unit


def speech(seed: int, ms: int = 1_000) -> bytes:
    """Return loud noise between two times 200 ms of digital silence."""
    values = random.Random(seed)  # noqa: S311 - nothing secret
    loud = array("h", (values.randint(-9_000, 9_000) for _ in range(16 * ms))).tobytes()
    return bytes(6_400) + loud + bytes(6_400)


GREETING = SentRecording("1-greeting", speech(1), "hello my name is robert")
BOOKING = SentRecording("2-booking", speech(2), "the doctor on friday at three")
GREETED = (
    {"kind": "speech_started", "at": "T10", "offset_ms": 200},
    {"kind": "heard", "at": "T11", "text": "Hello, my name is Robert."},
    {"kind": "turn_complete", "at": "T12", "said": "Hello Robert, how can I help you?"},
)
BOOKED = (
    {"kind": "speech_started", "at": "T20", "offset_ms": 1_620},
    {"kind": "heard", "at": "T21", "text": "The doctor on Friday at 3."},
)
ASKED = {"kind": "tool_call", "at": "T22", "name": "ask_core_agent", "args": {"question": "…"}}
CALL = {"name": "book", "args": {"date": "2026-11-27", "time": "15:00"}}


def said(text: str) -> Event:
    return {"kind": "turn_complete", "at": "T29", "said": text}


def chat(at: str, **fields: object) -> Event:
    return {"kind": "chat", "at": at, "results": [], "calls": [], **fields}


def explained(*events: Event, heard: bytes = GREETING.pcm + BOOKING.pcm) -> list[str]:
    own = tuple(event for event in events if event["kind"] != "chat")
    connection = RecordedConnection("1", heard, (), (*GREETED, *own))
    chats = [event for event in events if event["kind"] == "chat"]
    return explain([GREETING, BOOKING], [connection], chats).splitlines()


def test_every_recording_has_a_line():
    heading, greeting, booking, verdict = explained(
        *BOOKED,
        ASKED,
        chat("T23", calls=[CALL]),
        chat("T24", results=[{"name": "book", "response": {"status": "done"}}]),
        said("Your appointment is booked."),
    )

    assert heading == "What happened to each recording:"
    assert greeting == (
        "  1-greeting: 1,400 ms sent, all received; speech found; heard “Hello, my name is "
        "Robert.”; answered “Hello Robert, how can I help you?”"
    )
    assert booking == (
        "  2-booking: 1,400 ms sent, all received; speech found; heard “The doctor on Friday at "
        "3.”; understood as a request to the core agent; book(date=2026-11-27, time=15:00) → "
        "done; answered “Your appointment is booked.”"
    )
    assert verdict.startswith("The recordings arrived, and no part reports a failure.")


def test_a_goodbye_is_no_request_to_the_core_agent():
    _, _, booking, _ = explained(*BOOKED, {**ASKED, "name": "end_call"}, said("Goodbye."))

    assert booking.endswith("3.”; answered “Goodbye.”")


def test_a_recording_in_which_the_server_found_no_speech_is_named():
    *_, line, verdict = explained(heard=GREETING.pcm)

    assert line == "  2-booking: 1,400 ms sent, only 0 ms received; no speech found"
    assert verdict.startswith("The part that failed is the detection of speech in the server")


def test_a_recording_without_speech_is_named():
    *_, line, verdict = explained()

    assert line == "  2-booking: 1,400 ms sent, all received; no speech found"
    assert verdict == (
        "The part that failed is the simulator's detection of speech: it found none in 2-booking."
    )


def test_lost_audio_is_a_bug():
    *_, line, verdict = explained(heard=GREETING.pcm + BOOKING.pcm[:22_400])

    assert line == "  2-booking: 1,400 ms sent, only 700 ms received; no speech found"
    assert "it lost audio of 2-booking. This is a bug" in verdict


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        ("", "recogniser: it heard no words in 2-booking"),
        ("on sure she had four", "recogniser: it heard 2-booking with a word error of 100%"),
    ],
)
def test_words_that_the_recogniser_misses_are_counted(heard: str, fault: str):
    *_, verdict = explained(BOOKED[0], {**BOOKED[1], "text": heard})

    assert fault in verdict


def test_the_recogniser_is_not_blamed_for_a_failure_elsewhere():
    misheard = {**GREETED[1], "text": "Hello, my mains Robert."}
    greeted = (GREETED[0], misheard, GREETED[2], BOOKED[0])

    def verdict(*events: Event) -> str:
        pcm = GREETING.pcm + BOOKING.pcm
        connection = RecordedConnection("1", pcm, (), (*greeted, *events))
        return explain([GREETING, BOOKING], [connection], []).splitlines()[-1]

    assert "it heard no words in 2-booking" in verdict({**BOOKED[1], "text": ""})
    error = "it heard 1-greeting with a word error of 40%"
    assert error in verdict(BOOKED[1], said("Your appointment is booked."))


def test_words_without_a_meaning_to_the_simulator_are_named():
    *_, verdict = explained(*BOOKED, said("Sorry, I did not understand that. I can book."))

    assert "the simulator's understanding of 2-booking: it knows no such request" in verdict
    assert "If you said other words" not in verdict


def test_words_that_are_not_known_may_be_misheard():
    sent = [SentRecording(GREETING.name, GREETING.pcm)]
    events = (*GREETED[:2], said("I am sorry, I did not understand that."))
    verdict = explain(sent, [RecordedConnection("1", GREETING.pcm, (), events)], [])

    assert "If you said other words, its recogniser failed." in verdict


def test_the_end_of_a_call_is_no_request_to_the_core_agent():
    ending = {**ASKED, "name": "end_call"}
    *_, line, _ = explained(*BOOKED, ending, said("Goodbye. Will you come again?"))

    assert "understood as a request" not in line


def test_a_request_that_lacks_something_is_named():
    *_, verdict = explained(*BOOKED, ASKED, said("What time would you like?"))

    assert "the request in 2-booking: it lacks what the last question asks for" in verdict


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ({"status": "refused", "reason": "slot_taken"}, "refused (slot_taken)"),
        ({"output": '{"status": "failed"}'}, "failed"),
    ],
)
def test_a_refusal_of_a_tool_is_named_with_its_reason(response: object, outcome: str):
    *_, line, verdict = explained(
        *BOOKED,
        ASKED,
        chat("T23", calls=[CALL]),
        chat("T24", results=[{"name": "book", "response": response}]),
        said("I am sorry. Which would you like?"),
    )

    assert f"book(date=2026-11-27, time=15:00) → {outcome};" in line
    assert verdict == f"The part that failed is the tool book for 2-booking: {outcome}."


def test_the_chat_model_records_its_calls_and_their_results(tmp_path: Path):
    folder = chat_folder(tmp_path / "gemini")
    request = GenerateRequest.model_validate(
        {
            "contents": [
                {"role": "user", "parts": [{"text": "the doctor on friday at three"}]},
                {"role": "model", "parts": [{"functionCall": CALL}]},
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"name": "book", "response": {"a": 1}}}],
                },
            ]
        }
    )
    assert read_events(folder) == []

    ChatRecorder(folder).event(**answered(request, [{"functionCall": CALL}, {"text": "Yes."}]))

    (event,) = read_events(folder)
    assert (event["kind"], event["calls"], event["said"]) == ("chat", [CALL], "Yes.")
    assert event["results"] == [{"name": "book", "response": {"a": 1}}]


def test_a_file_in_another_format_is_named_before_the_stack_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("1-greeting", "2-booking"):
        write_wav(tmp_path / f"{name}.wav", Recording(GREETING.pcm))
    (tmp_path / "3-recall.wav").write_bytes(b"ID3\x04" + bytes(1_000))
    arguments = ["demo", "--once", "--wavs", str(tmp_path), "--folder", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)

    assert main() == 2
    error = capsys.readouterr().err
    assert "cannot use the recordings" in error
    assert "3-recall.wav: is not a PCM WAV file" in error
