"""Some texts are stored unchanged, some are refused, and a model's text is cleaned."""

import json

import pytest
from google.genai.types import LiveServerMessage
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.gemini.events import translate
from repartee.adapters.wire.parsing import parse_client_message
from repartee.domain.errors import BadInput
from repartee.domain.live.model import LiveText, LiveToolCall, LiveTranscript, Role
from repartee.domain.text.characters import TextRefused, checked_line, checked_text, cleaned
from repartee.domain.tools.core_calls import ASK_CORE_AGENT

pytestmark = pytest.mark.unit

NOTHING_TO_SEE = {
    "white space": " \t\n\u00a0\u2003\u3000",
    "lines": "\r\n\u2028\u2029",
    "zero width": "\u200b\u200c\u200d\u2060",
    "a byte order mark": "\ufeff",
    "combining marks": "\u0301\u0e35\u064b",
    "variation selectors": "\ufe0f\U000e0100",
    "direction marks": "\u200e\u200f\u2066\u2069",
    "tags": "\U000e0061\U000e007f",
    "fillers": "\u115f\u3164\uffa0\u2800",
    "noncharacters": "\ufffe\ufdd0\U0010ffff",
    "a soft hyphen": "\u00ad",
}
FINE = [
    "?",
    "5",
    "first line\r\nsecond\tline",
    "مرحبا\u200f، كيف حالك؟",
    "שָׁלוֹם",
    "สวัสดีครับ\u200bที่นี่",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u09b0\u200d\u09cd\u09af\u09be\u09ac",
    "👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001fae9",  # of a newer Unicode than Python's tables
    "call \u202a+1 555 0100\u202c please",
    "\ufeffpasted from a file",
]
REFUSED = [
    "\0",
    "a\0b",
    "\x07",
    "a\x1bb",
    "\x7f",
    "\x85",
    "\ud800",
    "a\udc00",
    "a\u202eb",
    "\u202d",
]


@pytest.mark.parametrize("text", FINE)
def test_words_of_any_script_are_stored_as_they_are(text):
    assert checked_text(text) == text == parse_text(text)
    assert checked_line(text) == " ".join(text.split())
    assert cleaned(text) == text


def test_a_letter_and_its_accent_become_one_character():
    assert checked_line("Cafe\u0301 Ω\u0301") == "Café Ώ"


@pytest.mark.parametrize("text", NOTHING_TO_SEE.values(), ids=NOTHING_TO_SEE.keys())
def test_a_text_in_which_nothing_can_be_seen_is_empty(text):
    with pytest.raises(TextRefused, match="at least one"):
        checked_text(text)
    assert checked_line(text) == ""
    with pytest.raises(BadInput, match="at least one") as refused:
        parse_text(text)
    assert (refused.value.code, refused.value.field) == ("invalid_message", "text")


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_a_control_character_is_refused_with_its_field_and_what_to_do(text):
    with pytest.raises(TextRefused, match="leave it out"):
        checked_line(text)
    with pytest.raises(BadInput, match=r"leave it out|send whole characters") as refused:
        parse_text(text)
    assert (refused.value.code, refused.value.field) == ("invalid_message", "text")


def test_text_of_a_model_is_cleaned_and_never_refused():
    broken = "a\0b\x0bc\u202ed\ud800"
    content = {
        "inputTranscription": {"text": broken},
        "modelTurn": {"parts": [{"text": broken}, {"text": "\0"}]},
        "outputTranscription": {"text": "\0"},
    }
    arguments = {"question": broken, "more": [broken, {broken: 5}]}
    call = {"id": "1", "name": ASK_CORE_AGENT, "args": arguments}
    message = {"serverContent": content, "toolCall": {"functionCalls": [call]}}
    clean = "ab cd"
    assert list(translate(LiveServerMessage.model_validate(message))) == [
        LiveTranscript(Role.USER, clean, final=False),
        LiveText(clean),
        LiveToolCall(
            "1",
            ASK_CORE_AGENT,
            json.dumps({"more": [clean, {clean: 5}], "question": clean}, separators=(",", ":")),
        ),
    ]


@given(st.text())
def test_cleaned_text_is_refused_by_no_field(text):
    clean = cleaned(text)
    assert checked_text(clean, may_be_empty=True) == clean
    assert cleaned(clean) == clean
    clean.encode()


def parse_text(text: str) -> str:
    model = parse_client_message(json.dumps({"type": "text", "seq": 1, "text": text}))
    return model.text  # type: ignore[union-attr]
