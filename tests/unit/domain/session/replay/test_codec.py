"""Each form that a recorded value has, by an example."""

import base64
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from repartee.domain.audio import is_audible
from repartee.domain.protocol.frames import ReplyAudio, TurnRestarted
from repartee.domain.session.replay.codec import (
    Json,
    decode,
    digest,
    encode,
    placeholder_audio,
    whole,
)
from repartee.domain.tools.core_calls import ToolCallStatus

pytestmark = pytest.mark.unit

PCM = bytes(range(64))
REPLY = ReplyAudio(2, PCM)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        ("a word", "a word"),
        (PCM, {"base64": base64.b64encode(PCM).decode()}),
        ((1, (2.5, True)), [1, [2.5, True]]),
        (Decimal("0.10"), {"decimal": "0.10"}),
        (ZoneInfo("Europe/London"), {"zone": "Europe/London"}),
        (ToolCallStatus.DONE, {"enum": "ToolCallStatus", "name": "DONE"}),
        (TurnRestarted(3), {"class": "TurnRestarted", "turn": 3}),
        (REPLY, {"class": "ReplyAudio", "turn": 2, "pcm": whole(PCM)}),
    ],
)
def test_a_value_is_written_in_its_form_and_read_again(value: object, written: Json):
    assert encode(value, whole) == written
    assert decode(written) == value


def test_near_silent_audio_that_is_left_out_comes_back_near_silent_and_alike_for_like_audio_alone():
    quiet, other = bytes([3, 0] * 40), bytes([4, 0] * 40)
    substitutes = [decode(digest(pcm)) for pcm in (quiet, other, quiet)]
    assert not any(map(is_audible, substitutes))
    assert [len(one) for one in substitutes] == [80] * 3
    assert substitutes[0] == substitutes[2] != substitutes[1]


def test_audio_that_is_left_out_comes_back_as_its_stand_in_even_inside_a_frame():
    left_out = digest(PCM)
    assert encode(REPLY, digest) == {"class": "ReplyAudio", "turn": 2, "pcm": left_out}
    assert isinstance(left_out, dict)
    substitute = placeholder_audio(len(PCM), str(left_out["sha256"]))
    assert decode(left_out) == substitute
    read = decode(encode(REPLY, digest))
    assert read == ReplyAudio(2, substitute)
