"""Finds the new text in a piece of a transcript.

Gemini's pieces contain the spaces between them. Gemini may also send a transcript twice, or a
longer one that begins with the text sent before.
"""

# Users often say a short word twice, such as "no" or "yes".
_SHORT_CHARACTERS = 4
# The last two are the full-width exclamation mark and question mark.
_END_MARKS = ".,!?…。、\uff01\uff1f"


def new_transcript_text(known: str, last: str, piece: str, *, may_double: bool) -> str:
    """Return the text that ``piece`` adds to the transcript of the same stretch of speech.

    Args:
        known: The transcript so far.
        last: The previous piece.
        piece: The next piece.
        may_double: Whether a repeated short word may have been spoken twice.
    """
    before, now = known.strip(), piece.strip()
    if not before or not now:
        return piece
    repeats_last = now == last.strip() and not _is_short(now)
    if piece[0].isspace() and not known[0].isspace():
        # A piece with a leading space continues the previous piece.
        return "" if repeats_last else piece
    if _words(now) == _words(before):
        is_doubled = may_double and _is_short(now) and (piece != now or now.isdigit())
        return piece if is_doubled else now[len(before) :]
    begins_alike = _words(now[: len(before)]) == _words(before)
    if begins_alike and not (known[-1].isspace() and _is_short(before)):
        rest = now[len(before) :]
        return rest.lstrip() if known[-1].isspace() else rest
    return "" if repeats_last else piece


def _words(text: str) -> str:
    return text.rstrip(_END_MARKS).casefold()


def _is_short(text: str) -> bool:
    return len(text) <= _SHORT_CHARACTERS and " " not in text
