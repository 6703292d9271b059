"""The native protocol, version 1, as it stands on the wire: JSON text frames.

Clients' messages are pydantic models, checked against every limit; the server's frames are the
dataclasses of ``frames``, written by ``encode_frame``.
"""

import base64
import binascii
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from repartee.domain.errors import BadInput
from repartee.domain.protocol.frames import NumberedFrame, ReplyAudio
from repartee.domain.protocol.messages import (
    MAX_IN_FLIGHT,
    MAX_SEQ,
    Audio,
    Bye,
    Hello,
    Message,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.text.characters import checked_text, has_lone_surrogates

PROTOCOL_VERSION = 1
# API Gateway closes a connection (1009) whose frame is larger; base64 and JSON have to fit too.
MAX_FRAME_BYTES = 32 * 1024
# 500 ms of 16 kHz PCM16: 21,336 characters of base64.
MAX_AUDIO_BYTES = 16_000
MAX_TEXT_CHARACTERS = 4_000
# A connection lives 2 h, so nobody hears as much of one turn.
MAX_PLAYED_MS = 24 * 60 * 60 * 1_000

# Optional fields and messages that came after version 1. Servers refuse fields that they do not
# know, so a client sends one only to a server that lists it.
FEATURES = ("marks_speech",)

# How much of a client's own words an error repeats to it.
MAX_ECHO_CHARACTERS = 40

Seq = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Count = Annotated[int, Field(ge=0, le=MAX_SEQ)]


class _ClientModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class PositionModel(_ClientModel):
    """How far the client has received: everything up to ``seq`` of ``epoch``."""

    epoch: Count
    seq: Count


class HelloModel(_ClientModel):
    """Opens the conversation on this connection; the first message of every connection.

    A client that sends ``speech_start`` and ``speech_end`` says so with ``marks_speech``.
    """

    type: Literal["hello"]
    seq: Seq
    protocol: Count
    resume_from: PositionModel | None = None
    marks_speech: bool = False


class AudioModel(_ClientModel):
    """A chunk of the user's voice: base64 of PCM16 little-endian mono, 16 kHz, up to 500 ms."""

    type: Literal["audio"]
    seq: Seq
    data: str


class SpeechStartModel(_ClientModel):
    """The client's detector heard the user begin to speak."""

    type: Literal["speech_start"]
    seq: Seq


class SpeechEndModel(_ClientModel):
    """The client's detector heard the user stop."""

    type: Literal["speech_end"]
    seq: Seq


class TextModel(_ClientModel):
    """Something typed instead of said."""

    type: Literal["text"]
    seq: Seq
    text: Annotated[
        str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS), AfterValidator(checked_text)
    ]


class ByeModel(_ClientModel):
    """Hangs up: the session ends, the conversation stays."""

    type: Literal["bye"]
    seq: Seq


class AckModel(_ClientModel):
    """What has been received and how much of it was heard; unnumbered, the newest counts."""

    type: Literal["ack"]
    received: PositionModel
    turn: Count = 0
    played_ms: int | None = Field(default=None, ge=0, le=MAX_PLAYED_MS)


class PingModel(_ClientModel):
    """Asks for a ``pong``; ``owed`` says that the client waits for an answer."""

    type: Literal["ping"]
    owed: bool = False


type ClientModel = (
    HelloModel
    | AudioModel
    | SpeechStartModel
    | SpeechEndModel
    | TextModel
    | ByeModel
    | AckModel
    | PingModel
)

CLIENT_MESSAGES: TypeAdapter[ClientModel] = TypeAdapter(
    Annotated[ClientModel, Field(discriminator="type")]
)

_MESSAGE_TYPES = "hello, audio, speech_start, speech_end, text, bye, ack or ping"
# Where pydantic's own words would repeat what the client sent, or say too little.
_WORDS = {
    "union_tag_invalid": f"the message has an unknown type: use {_MESSAGE_TYPES}",
    "union_tag_not_found": f"the message has no type: use {_MESSAGE_TYPES}",
    "dict_type": "the message is not an object: send one JSON object",
    "extra_forbidden": "this field is not known here: leave it out",
    "missing": "this field is required: add it",
}


def parse_client_message(body: str) -> ClientModel:
    """Check a text frame from a client.

    Raises:
        BadInput: It is no valid message; says which field, what limit and what to do.
    """
    try:
        model = CLIENT_MESSAGES.validate_json(body)
        # Readers of JSON differ in which of two values they take. A field that is there twice
        # brings a colon more than there are fields; an audio chunk is not read a second time.
        if body.count(":") != len(model.model_fields_set):
            json.loads(body, object_pairs_hook=_reject_duplicate_keys)
        return model
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"][1:])[:MAX_ECHO_CHARACTERS]
    if first["type"] == "json_invalid" or (first["type"] == "string_unicode" and not field):
        raise _unreadable(body)
    if first["type"] == "value_error":
        words = first["msg"].removeprefix("Value error, ")
    else:
        words = _WORDS.get(first["type"], f"{first['msg']}: correct this field and send it again")
    raise BadInput("invalid_message", words, field=field)


def _reject_duplicate_keys(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise BadInput("invalid_message", "this field is there twice: send it once", field=name)


def _unreadable(body: str) -> BadInput:
    """Return what is wrong with a body that pydantic does not take for JSON."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    text = fields.get("text") if isinstance(fields, dict) else None
    if isinstance(text, str) and has_lone_surrogates(text):
        # JSON can spell it, but no text can hold it.
        advice = "the text holds half of a surrogate pair: send whole characters"
        return BadInput("invalid_message", advice, field="text")
    return BadInput("not_json", "the message is not JSON: send one JSON object")


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


def to_message(model: ClientModel, *, connected_at_ms: int = 0) -> Message:
    """Turn a numbered wire model into the message that the session core knows.

    ``connected_at_ms`` is when API Gateway opened the connection, for a ``Hello``.

    Raises:
        BadInput: The audio is no PCM16 within the limit, or the protocol version is unknown.
    """
    match model:
        case HelloModel(protocol=protocol, resume_from=position):
            if protocol != PROTOCOL_VERSION:
                raise BadInput(
                    "protocol_unknown",
                    f"protocol {protocol} is not served: use {PROTOCOL_VERSION}",
                    field="protocol",
                )
            resume_from = OutputPosition(position.epoch, position.seq) if position else None
            return Hello(resume_from, model.marks_speech, connected_at_ms)
        case AudioModel(data=data):
            return Audio(_pcm(data))
        case SpeechStartModel():
            return SpeechStart()
        case SpeechEndModel():
            return SpeechEnd()
        case TextModel(text=text):
            return Text(text)
        case ByeModel():
            return Bye()
        case _:
            raise ValueError("ack and ping are not numbered")


@dataclass(frozen=True, slots=True)
class Ready:
    """Answers ``hello`` at once, so that the user may begin to speak before a worker is up.

    Attributes:
        chunk_ms: How much audio one message should hold.
        grace_s: For how long a dropped connection may come back to this session.
        features: What this server knows beyond protocol version 1, see ``FEATURES``.
        next_seq: The number that the client's next message has; None where it is not known.
        output_kept: Whether earlier output that the client lacks is held, and comes again.
    """

    type: ClassVar[str] = "ready"
    session_id: str
    conversation_id: str
    chunk_ms: int
    grace_s: int
    max_in_flight: int = MAX_IN_FLIGHT
    max_audio_bytes: int = MAX_AUDIO_BYTES
    max_text_characters: int = MAX_TEXT_CHARACTERS
    input_rate_hz: int = 16_000
    output_rate_hz: int = 24_000
    protocol: int = PROTOCOL_VERSION
    features: tuple[str, ...] = FEATURES
    next_seq: int | None = None
    output_kept: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message could not be used: nothing of it was stored; the connection stays open.

    Attributes:
        field: The field at fault, empty when the whole message is.
        seq: The number of the message at fault, where it had one.
        next_seq: The number that the client's next message has, where ``seq`` cannot be used.
    """

    type: ClassVar[str] = "error"
    code: str
    message: str
    retryable: bool
    field: str = ""
    seq: int | None = None
    next_seq: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """Answers a number that was accepted so long ago that its message is not known any more.

    Attributes:
        through: Everything up to here is accepted; the client's next number is above it.
    """

    type: ClassVar[str] = "accepted"
    through: int


@dataclass(frozen=True, slots=True)
class Busy:
    """No worker has answered yet; what was sent is kept, except ``seq`` when it is given.

    Attributes:
        seq: This message was not stored: send it again after the wait.
    """

    type: ClassVar[str] = "busy"
    retry_after_ms: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers ``ping``.

    Attributes:
        served: Whether a worker holds the session right now.
    """

    type: ClassVar[str] = "pong"
    served: bool


@dataclass(frozen=True, slots=True)
class ReconnectSoon:
    """The connection nears its end of life; open another one with a fresh ticket.

    Attributes:
        within_s: How much time is left.
    """

    type: ClassVar[str] = "reconnect_soon"
    within_s: int


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A chunk of the reply: base64 of PCM16 little-endian mono, 24 kHz."""

    type: ClassVar[str] = "audio"
    turn: int
    data: str


type Reply = Ready | Rejected | AcceptedBefore | Busy | Pong | ReconnectSoon


def _fields(frame: Any) -> dict[str, Any]:
    if isinstance(frame, ReplyAudio):
        frame = AudioFrame(frame.turn, base64.b64encode(frame.pcm).decode())
    return {"type": frame.type, **asdict(frame)}


def _json(fields: dict[str, Any]) -> str:
    """Write JSON in UTF-8, where a character takes up to 4 bytes instead of 12 as an escape.

    Half of a surrogate pair has no form in UTF-8; a question mark stands in for it.
    """
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def encode_reply(reply: Reply) -> str:
    """Write one of the message function's own replies, which carry no number."""
    return _json(_fields(reply))


def encode_frame(numbered: NumberedFrame) -> str:
    """Write a worker's frame with its epoch and number."""
    fields = _fields(numbered.frame)
    fields["epoch"] = numbered.epoch
    fields["seq"] = numbered.seq
    return _json(fields)
