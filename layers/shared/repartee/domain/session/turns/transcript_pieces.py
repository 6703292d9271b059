"""Finds the new text in a piece of a transcript.

Gemini's pieces contain the spaces between them. Gemini may also send a transcript twice, or a
longer one that begins with the text sent before. The second one may differ in punctuation, in
letter case, and in the Unicode form of its letters.
"""

from repartee.domain.text.words import letters_of, words_of

# Users often say a short word twice, such as "no" or "yes".
_SHORT_CHARACTERS = 4


def new_transcript_text(known: str, last: str, piece: str, *, may_double: bool) -> str:
    """Return the text that ``piece`` adds to the transcript of the same stretch of speech.

    Args:
        known: The transcript so far.
        last: The previous piece.
        piece: The next piece.
        may_double: Whether a repeated short word may have been spoken twice.
    """
    before, now = known.strip(), piece.strip()
    known_words, words = words_of(before), words_of(now)
    if not known_words or not words:
        return piece
    repeats_last = words == words_of(last) and not _is_short(now)
    if piece[0].isspace() and not known[0].isspace():
        # A piece with a leading space continues the previous piece.
        return "" if repeats_last else piece
    if words == known_words:
        is_doubled = may_double and _is_short(now) and (piece != now or now.isdigit())
        return piece if is_doubled else _rest(before, now)
    if words.startswith(known_words) and not (known[-1].isspace() and _is_short(before)):
        rest = _rest(before, now)
        return rest.lstrip() if known[-1].isspace() else rest
    return "" if repeats_last else piece


def _rest(before: str, now: str) -> str:
    """Return the part of ``now`` after the words of ``before``, which it begins with.

    If ``before`` ends with a punctuation mark, the one at that place of ``now`` is left out.
    """
    place = _end_of(words_of(before), now)
    if not letters_of(before[-1]):
        while place < len(now) and not letters_of(now[place]):
            place += 1
    return now[place:]


def _end_of(words: str, text: str) -> int:
    """Return the length of the start of ``text`` that has these words."""
    missing = len(words)
    is_after_space = True
    for place, character in enumerate(text):
        if missing <= 0:
            return place
        letters = letters_of(character)
        if letters != " " or not is_after_space:
            missing -= len(letters)
        if letters:
            is_after_space = letters == " "
    return len(text)


def _is_short(text: str) -> bool:
    return len(text) <= _SHORT_CHARACTERS and " " not in text
