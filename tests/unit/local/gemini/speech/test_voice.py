"""The sentences of a reply, and the two voices."""

import asyncio
import sys

import audioop
import pytest

from local.gemini.speech.voice import OUTPUT_RATE_HZ, Voice, VoiceStyle, split_sentences

pytestmark = pytest.mark.unit

HELLO = "Hello Robert, how can I help you?"


async def spoken(text: str, *styles: VoiceStyle) -> list[list[tuple[str, bytes]]]:
    voice = Voice()
    await voice.start()
    sentences = [[one async for one in voice.stream(text, style)] for style in styles]
    voice.close()
    return sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (HELLO, [HELLO]),
        ("One moment, please. It is booked.", ["One moment, please.", "It is booked."]),
        ("Dr. Lee is free at 3 p.m. on Friday.", ["Dr. Lee is free at 3 p.m. on Friday."]),
        ("¡Hola! ¿Qué desea?\nDiga.", ["¡Hola!", "¿Qué desea?", "Diga."]),
        ("रुकिए। धन्यवाद।", ["रुकिए।", "धन्यवाद।"]),
        (" ", []),
    ],
)
def test_a_reply_is_spoken_by_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences
    assert " ".join(sentences).split() == text.split()


def test_each_sentence_comes_with_its_samples() -> None:
    (sentences,) = asyncio.run(spoken(f"One moment, please. {HELLO} ...", VoiceStyle()))

    (first, first_pcm), (second, second_pcm), (_, nothing) = sentences
    assert (first, second) == ("One moment, please.", HELLO)
    assert 1 < len(first_pcm) / OUTPUT_RATE_HZ / 2 < 3 > len(second_pcm) / OUTPUT_RATE_HZ / 2 > 1.5
    assert min(audioop.rms(first_pcm, 2), audioop.rms(second_pcm, 2)) > 500
    assert nothing == b"" or audioop.rms(nothing, 2) < 500


def test_the_same_words_sound_the_same_and_other_voices_and_languages_differ() -> None:
    styles = [
        VoiceStyle(),
        VoiceStyle("Kore", "en-GB"),
        VoiceStyle("Puck"),
        VoiceStyle("Charon"),
        VoiceStyle("Kore", "es-ES"),
    ]
    kore, british, *others = (
        b"".join(pcm for _, pcm in sentences) for sentences in asyncio.run(spoken(HELLO, *styles))
    )

    assert kore == british
    assert len({kore, *others}) == 4
    for pcm in others[:2]:
        assert len(pcm) == pytest.approx(len(kore), rel=0.1)


def test_without_the_natural_voice_english_is_spoken_by_the_plain_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)

    (sentences,) = asyncio.run(spoken(HELLO, VoiceStyle()))

    assert audioop.rms(sentences[0][1], 2) > 500
