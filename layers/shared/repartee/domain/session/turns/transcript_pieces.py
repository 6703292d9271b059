"""Finds what a piece of a transcript adds: pieces continue each other, and some repeat text.

Gemini's pieces carry their own spaces. It also sends a transcript twice, or a longer one that
begins with what it has sent before.
"""

# A word as short as "no" or "yes" is often said twice in a row.
_SHORT_CHARACTERS = 4
# The last two are the full-width exclamation mark and question mark.
_END_MARKS = ".,!?…。、\uff01\uff1f"


def new_transcript_text(known: str, last: str, piece: str, *, may_double: bool) -> str:
    """Return what ``piece`` adds to what is known of the same stretch of speech.

    Args:
        known: All that is known of the stretch.
        last: The piece before this one.
        piece: The next piece.
        may_double: Whether a short word that stands there already may have been said twice.
    """
    before, now = known.strip(), piece.strip()
    if not before or not now:
        return piece
    repeats_last = now == last.strip() and not _is_short(now)
    if piece[0].isspace() and not known[0].isspace():
        # With a space before it, the piece follows another one.
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
