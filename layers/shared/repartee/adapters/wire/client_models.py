"""The client's messages of the native protocol, version 1: JSON objects in text frames."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from repartee.adapters.wire.version import PROTOCOL_VERSION
from repartee.domain.errors import BadInput
from repartee.domain.protocol.messages import (
    MAX_AUDIO_BYTES,
    MAX_SEQ,
    MAX_TEXT_CHARACTERS,
    SPEECH_HEARD,
    STOP,
    Acknowledged,
    Audio,
    Bye,
    Hello,
    Message,
    OutputPosition,
    Ping,
    Sequenced,
    SpeechEnd,
    SpeechStart,
    Stop,
    Text,
)
from repartee.domain.text.characters import checked_text

# A connection lives 2 h, so no turn can play for longer.
MAX_PLAYED_MS = 24 * 60 * 60 * 1_000
MAX_FEATURES = 20
MAX_FEATURE_CHARACTERS = 40
CLIENT_FEATURES = (STOP, SPEECH_HEARD)
"""The features that a client may list in its hello; all others are ignored."""

Seq = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Count = Annotated[int, Field(ge=0, le=MAX_SEQ)]
FeatureName = Annotated[str, Field(min_length=1, max_length=MAX_FEATURE_CHARACTERS)]


class _ClientModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class PositionModel(_ClientModel):
    """The client has received all frames up to ``seq`` of ``epoch``."""

    epoch: Count
    seq: Count


class HelloModel(_ClientModel):
    """The first message of every connection.

    ``marks_speech``: the client sends ``speech_start`` and ``speech_end``.
    ``features``: what the client sends or takes beyond version 1; unknown names are ignored.
    """

    type: Literal["hello"]
    seq: Seq
    protocol: Count
    resume_from: PositionModel | None = None
    marks_speech: bool = False
    features: list[FeatureName] = Field(default_factory=list, max_length=MAX_FEATURES)


class AudioModel(_ClientModel):
    """A chunk of the user's voice: base64 of PCM16 little-endian mono, 16 kHz, up to 500 ms."""

    type: Literal["audio"]
    seq: Seq
    data: str


class SpeechStartModel(_ClientModel):
    """The client's detector found the start of speech."""

    type: Literal["speech_start"]
    seq: Seq


class SpeechEndModel(_ClientModel):
    """The client's detector found the end of speech."""

    type: Literal["speech_end"]
    seq: Seq


class TextModel(_ClientModel):
    """Text that the user typed."""

    type: Literal["text"]
    seq: Seq
    text: Annotated[
        str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS), AfterValidator(checked_text)
    ]


class StopModel(_ClientModel):
    """The user wants silence: the replies to all input before this message end."""

    type: Literal["stop"]
    seq: Seq


class ByeModel(_ClientModel):
    """The user hangs up: the session ends, the conversation is kept."""

    type: Literal["bye"]
    seq: Seq


class AckModel(_ClientModel):
    """The output that was received and the audio that was played; only the newest counts."""

    type: Literal["ack"]
    received: PositionModel
    turn: Count = 0
    played_ms: int | None = Field(default=None, ge=0, le=MAX_PLAYED_MS)


class PingModel(_ClientModel):
    """A request for a ``pong``; ``owed``: the client waits for an answer to its input."""

    type: Literal["ping"]
    owed: bool = False


type ClientModel = (
    HelloModel
    | AudioModel
    | SpeechStartModel
    | SpeechEndModel
    | TextModel
    | StopModel
    | ByeModel
    | AckModel
    | PingModel
)

CLIENT_MESSAGES: TypeAdapter[ClientModel] = TypeAdapter(
    Annotated[ClientModel, Field(discriminator="type")]
)
MESSAGE_TYPES = "hello, audio, speech_start, speech_end, text, stop, bye, ack or ping"


def content_of(model: ClientModel) -> Sequenced | Acknowledged | Ping:
    """Return a model as the domain's value.

    Raises:
        BadInput: The audio is not PCM16 within the limit, or the protocol version is unknown.
    """
    message: Message
    match model:
        case AckModel(received=received, turn=turn, played_ms=played_ms):
            return Acknowledged(OutputPosition(received.epoch, received.seq), turn, played_ms)
        case PingModel(owed=owed):
            return Ping(owed)
        case HelloModel():
            message = _hello(model)
        case AudioModel(data=data):
            message = Audio(_pcm(data))
        case SpeechStartModel():
            message = SpeechStart()
        case SpeechEndModel():
            message = SpeechEnd()
        case TextModel(text=text):
            message = Text(text)
        case StopModel():
            message = Stop()
        case ByeModel():
            message = Bye()
    return Sequenced(model.seq, message)


def _hello(model: HelloModel) -> Hello:
    if model.protocol != PROTOCOL_VERSION:
        raise BadInput(
            "protocol_unknown",
            f"protocol {model.protocol} is not served: use {PROTOCOL_VERSION}",
            field="protocol",
        )
    position = model.resume_from
    resume_from = OutputPosition(position.epoch, position.seq) if position else None
    features = tuple(name for name in CLIENT_FEATURES if name in model.features)
    return Hello(resume_from, model.marks_speech, features=features)


def _pcm(data: str) -> bytes:
    try:
        pcm = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(
            "audio_not_base64", "data is not standard base64: encode the PCM bytes", field="data"
        ) from None
    if len(pcm) > MAX_AUDIO_BYTES:
        raise BadInput(
            "audio_too_long",
            f"data holds {len(pcm)} bytes, the limit is {MAX_AUDIO_BYTES} (500 ms at 16 kHz): "
            "send shorter chunks",
            field="data",
        )
    if not pcm or len(pcm) % 2:
        raise BadInput(
            "audio_malformed",
            f"data holds {len(pcm)} bytes: PCM16 needs an even number above 0",
            field="data",
        )
    return pcm
