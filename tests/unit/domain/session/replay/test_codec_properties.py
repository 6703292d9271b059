"""Every value of a session's recording is read as it was written."""

import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, tzinfo
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAliasType, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repartee.domain.conversation.conversation import Memory
from repartee.domain.protocol.messages import Message
from repartee.domain.session.effects import Effect
from repartee.domain.session.events import Event
from repartee.domain.session.replay.codec import (
    classes_of,
    decode,
    digest,
    encode,
    placeholder_audio,
    whole,
)
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease

pytestmark = pytest.mark.unit


SCALARS: dict[object, st.SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    bytes: st.binary(),
    Decimal: st.decimals(allow_nan=False),
    date: st.dates(),
    tzinfo: st.sampled_from([ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu")]),
}


KINDS = [*get_args(Event.__value__), *get_args(Effect.__value__), Lease, Memory, SessionSettings]


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, however its fields are nested."""
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, TypeAliasType):
        return values(hint.__value__)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([values(one) for one in get_args(hint)])
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, TypeVar):
        return values(hint.__default__)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert isinstance(hint, type)
    assert is_dataclass(hint)
    hints = get_type_hints(hint)
    return st.builds(hint, **{field.name: values(hints[field.name]) for field in fields(hint)})


each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@each_kind
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_written_value_is_read_unchanged(kind, data):
    value = data.draw(values(kind))
    assert decode(json.loads(json.dumps(encode(value, whole)))) == value


@each_kind
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_without_audio_all_but_the_sound_is_read_as_it_was(kind, data):
    value = data.draw(values(kind))
    written = encode(value, digest)
    assert '"base64":' not in json.dumps(written)

    def length_alone(pcm: bytes) -> int:
        return len(pcm)

    assert encode(decode(written), length_alone) == encode(value, length_alone)


@given(length_bytes=st.integers(0, 100), pcm=st.binary())
def test_placeholder_audio_has_the_length_of_the_audio(length_bytes, pcm):
    written = digest(pcm)
    assert isinstance(written, dict)
    assert len(placeholder_audio(length_bytes, str(written["sha256"]))) == length_bytes


def test_a_value_that_has_no_form_is_refused():
    with pytest.raises(TypeError, match="no form for a timezone"):
        encode(UTC, whole)


def test_two_classes_of_one_name_cannot_be_distinguished():
    @dataclass(frozen=True, slots=True)
    class Text:
        text: str

    with pytest.raises(TypeError, match="two classes are called Text"):
        classes_of(Text, Message)


@pytest.mark.parametrize(
    "data",
    [
        {"class": "Nobody"},
        {"class": "SendText"},
        {"class": "SendText", "text": "", "tone": ""},
        {"enum": "Role", "name": "NOBODY"},
        {"decimal": "one"},
        {"zone": "Nowhere/Land"},
        {"base64": "?"},
        {"bytes": 1, "sha256": "?"},
        {"what": "is this"},
    ],
)
def test_a_malformed_value_is_a_value_error(data):
    with pytest.raises(ValueError):  # noqa: PT011 - the reader adds the line's number
        decode(data)
