"""The checks of the demo's conversation; each one describes its result in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.gemini.mind.facts import name_given_by_user
from repartee.domain.front_desk.bookings import Booking, Slot
from repartee.domain.text.spoken_english import spoken_slot, weekday

_BYTES_PER_MS = 32
_HOURS = re.findall(r"\w+", "twelve one two three four five six seven eight nine ten eleven")
_MINUTES = {15: ("fifteen", "quarter"), 30: ("thirty", "half"), 45: ("forty-five", "quarter")}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        passed: None if the check was skipped.
        found: The observation, or the reason for the skip.
    """

    name: str
    passed: bool | None
    found: str


def says_name(said: str, name: str) -> bool:
    """Return whether ``name`` is a word of ``said``."""
    return re.search(rf"\b{re.escape(name)}\b", said, re.IGNORECASE) is not None


def says_time(said: str, slot: Slot) -> bool:
    """Return whether ``said`` contains the weekday and hour of ``slot``, as 3, 15 or three."""
    text = said.lower()
    hour = slot.start.hour
    hours = {str(hour), str(hour % 12 or 12), _HOURS[hour % 12]}
    if hour in {0, 12}:
        hours.add("noon" if hour else "midnight")
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*|\d+(?!\d|st|nd|rd|th)", text))
    minute = slot.start.minute
    says_minute = not minute or bool(words & {f"{minute:02d}", *_MINUTES.get(minute, ())})
    return weekday(slot.day).lower() in words and bool(words & hours) and says_minute


def check_arrival(
    recordings: Mapping[str, bytes], received: Sequence[bytes], *, skipped: str | None = None
) -> Check:
    """Check that Gemini's side received every recording whole.

    Args:
        recordings: The PCM of each recording by its name.
        received: The PCM that the simulator received on each connection.
        skipped: The reason to skip the comparison; None to compare.
    """
    title = "Gemini's side received every recording whole"
    if skipped is not None:
        return Check(title, None, skipped)
    cut = [name for name, pcm in recordings.items() if not any(pcm in one for one in received)]
    size = sum(map(len, recordings.values()))
    found = f"{size // _BYTES_PER_MS:,} ms, {size:,} bytes of {', '.join(recordings)}"
    return Check(title, not cut, f"incomplete: {', '.join(cut)}" if cut else found)


def check_speech(heard: Mapping[str, str]) -> Check:
    """Check that words were heard in every recording, whether right or wrong."""
    silent = [name for name, words in heard.items() if not words]
    found = f"none in {', '.join(silent)}" if silent else f"in {', '.join(heard)}"
    return Check("speech was found in every recording", not silent, found)


def check_name(heard: Sequence[str], said: Sequence[str], *, recalled_from: int) -> Check:
    """Check that an answer contains the name that the user gave in an earlier utterance.

    Args:
        heard: The transcript of each utterance.
        said: The answer to each utterance.
        recalled_from: The number of the first answer that may recall the name.
    """
    title = "the name comes back in a later answer"
    given = [(index, name) for index, one in enumerate(heard) if (name := name_given_by_user(one))]
    if not given:
        return Check(title, False, f"no name was heard in “{' '.join(heard)}”")
    index, name = given[-1]
    later = said[max(recalled_from, index + 1) :]
    return Check(title, any(says_name(answer, name) for answer in later), name)


def check_bookings(bookings: Sequence[Booking]) -> Check:
    """Check that the desk holds exactly one booking of the user."""
    found = ", ".join(spoken_slot(one.slot, one.slot.day) for one in bookings) or "none"
    return Check("the desk holds exactly one booking of this user", len(bookings) == 1, found)


def check_time(bookings: Sequence[Booking], said: Sequence[str]) -> Check:
    """Check that one of the answers contains the booked time."""
    title = "the time that was booked comes back in a later answer"
    if not bookings:
        return Check(title, False, "nothing was booked")
    slot = bookings[0].slot
    return Check(title, any(says_time(one, slot) for one in said), spoken_slot(slot, slot.day))


def check_replies(
    received: Sequence[bytes], emitted: Sequence[bytes], *, skipped: str | None = None
) -> Check:
    """Check that each reply's WAV equals, byte by byte, the PCM that Gemini's side emitted.

    Args:
        received: The PCM of each reply's WAV.
        emitted: The PCM that the simulator recorded for each reply.
        skipped: The reason to skip the comparison; None to compare.
    """
    title = "each reply's WAV holds exactly the PCM that Gemini's side emitted"
    if skipped is not None:
        return Check(title, None, skipped)
    if len(received) != len(emitted):
        return Check(title, False, f"{len(received)} of {len(emitted)} emitted replies arrived")
    for number, (ours, theirs) in enumerate(zip(received, emitted, strict=True), start=1):
        if not ours:
            return Check(title, False, f"reply {number} has no audio")
        if ours != theirs:
            at = next(
                (i for i, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]),
                min(len(ours), len(theirs)),
            )
            return Check(
                title,
                False,
                f"reply {number}: {len(ours)} of {len(theirs)} bytes, different from {at} on",
            )
    return Check(title, True, f"{len(received)} replies, {sum(map(len, received)):,} bytes")
