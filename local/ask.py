"""``python -m local.ask QUESTION``: a complete client in one file, to copy.

It sends one typed question and prints the answer. It does not send or play audio, and it does not
reconnect: docs/protocol.md describes both, and clients/python/repartee_client/ implements them.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports, which take a second, prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from local.hosting.ports import Ports, port_base_or_exit

type Message = dict[str, Any]
type Sent = dict[int, Message]

ACK_EVERY_S = 0.5
MAX_FRAME_BYTES = 128 * 1024


class NoAnswerError(Exception):
    """The question was not answered; the message gives the reason."""


def post(url: str, body: str, **headers: str) -> Message:
    """Post ``body`` and return the JSON of the response."""
    with urlopen(Request(url, body.encode(), headers), timeout=30) as answer:  # noqa: S310 - ours
        found: Message = json.load(answer)
        return found


def send(line: ClientConnection, message: Message) -> None:
    # A closed connection may still have frames to read; ``recv`` reports the close after them.
    with contextlib.suppress(ConnectionClosed):
        # A frame has at most 32 KiB, and an escaped emoji takes 12 bytes of them instead of 4.
        line.send(json.dumps(message, ensure_ascii=False))


def add(sent: Sent, message: Message, next_seq: int | None = None) -> Message:
    """Assign a message its number: the next one, or the one that the server names."""
    seq = max(next_seq or 0, *(number + 1 for number in sent))
    return sent.setdefault(seq, {**message, "seq": seq})


def messages_to_resend(frame: Message, sent: Sent) -> list[Message]:
    """Return the messages that an unnumbered frame requests again, after the wait it asks for."""
    if "type" not in frame:
        # API Gateway could not deliver a message, and does not name it.
        time.sleep(1)
        return list(sent.values())
    seq = frame.get("seq")
    if seq not in sent:
        return []
    if frame["type"] == "busy":
        time.sleep(frame["retry_after_ms"] / 1_000)
        return [sent[seq]]
    code, message = frame.get("code"), sent[seq]
    if frame.get("retryable"):
        # For example, the number is too far ahead of the accepted messages.
        time.sleep(1)
    elif code != "seq_taken":
        return []
    if frame.get("next_seq") and seq > 1:
        # Another client has used the number, or the session does not know those before it.
        message = add(sent, sent.pop(seq), frame["next_seq"])
    return [sent[1], message] if code == "hello_first" and seq > 1 else [message]


def received_frames(line: ClientConnection, sent: Sent) -> Iterator[Message]:
    """Yield each frame once and in order; acknowledge frames, and send a ping when none comes.

    ``sent`` holds the numbered messages, which are sent again when the server requests them.
    """
    epoch, received, acked_at_s = 0, 0, 0.0
    early: dict[int, Message] = {}
    while True:
        try:
            frame: Message = json.loads(line.recv(timeout=1))
        except TimeoutError:
            # The worker may have died; a ping starts one. Before `ready`, only hello may be sent.
            send(line, sent[1] if len(sent) == 1 else {"type": "ping", "owed": True})
            continue
        if "epoch" not in frame:
            for message in messages_to_resend(frame, sent):
                send(line, message)
            # Messages of API Gateway itself have no type.
            yield {"type": "", **frame}
            continue
        if frame["epoch"] > epoch:
            epoch, received, early = frame["epoch"], 0, {}
            yield {"type": "turn_restarted"}
        if frame["epoch"] == epoch and frame["seq"] > received:
            early[frame["seq"]] = frame
        while received + 1 in early:
            received += 1
            frame = early.pop(received)
            is_urgent = frame["type"] in ("turn_end", "interrupted", "closed")
            if is_urgent or time.monotonic() > acked_at_s + ACK_EVERY_S:
                acked_at_s = time.monotonic()
                send(line, {"type": "ack", "received": {"epoch": epoch, "seq": received}})
            if frame["type"] == "missing":
                for seq in sent.keys() & range(frame["first_seq"], frame["last_seq"] + 1):
                    send(line, sent[seq])
            yield frame


def end_reason(frame: Message, answer: str) -> str:
    """Return why a frame ends the session, "" if more frames may follow."""
    code = frame.get("code")
    if frame["type"] == "closed":
        return f"the session was closed: {frame['reason']}"
    if frame["type"] != "error" or frame["retryable"] or code == "seq_taken":
        return ""
    if code == "superseded_connection":
        return (
            "another connection took the session over, so this one gets no answer: "
            "ask again when the other connection is closed"
        )
    return "" if answer else f"{code}: {frame['message']}"


def ask(url: str, question: str) -> str:
    """Ask one typed question at a ticket's ``url``; return the text of the answer.

    Raises:
        NoAnswerError: The server refused a message, or no words came before the session ended.
        ConnectionClosed: The connection dropped.
    """
    sent: Sent = {1: {"type": "hello", "seq": 1, "protocol": 1}}
    answer, turn, has_audio, open_tools = "", "", False, 0
    with connect(url, max_size=MAX_FRAME_BYTES) as line:
        send(line, sent[1])
        for frame in received_frames(line, sent):
            if why := end_reason(frame, answer):
                if answer.strip():
                    break
                raise NoAnswerError(why)
            match frame["type"]:
                case "ready" if len(sent) == 1:
                    text = {"type": "text", "text": question}
                    send(line, add(sent, text, frame.get("next_seq")))
                case "audio" | "error":
                    # A turn that the server has given up may have inaudible audio.
                    has_audio = frame["type"] == "audio"
                case "transcript" if frame["role"] == "model":
                    turn += frame["text"]
                case "turn_restarted":
                    turn, has_audio, open_tools = "", False, 0
                case "tool":
                    open_tools += 1 if frame["phase"] == "started" else -1
                case "turn_end" if has_audio and not answer and frame["first_audio_ms"] is None:
                    # A reply without input, such as the agent's greeting, is no answer.
                    turn, has_audio = "", False
                case "turn_end":
                    answer, turn, has_audio = f"{answer}{turn}\n", "", False
                    # The answer of a pending tool call follows in another turn.
                    if open_tools <= 0 and len(sent) == 2:
                        send(line, add(sent, {"type": "bye"}))
                case _:
                    pass
    return answer.strip()


def utf8(text: str) -> str:
    """Return an argument; refuse one that is not UTF-8, which Python reads as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError("not UTF-8: write it in UTF-8") from error
    return text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.ask", description=__doc__)
    ports = Ports.from_base(port_base_or_exit(parser))
    parser.add_argument("question", type=utf8, metavar="QUESTION", help="1 to 4,000 characters")
    parser.add_argument(
        "--user", type=utf8, default="demo", help="name of the user (default: demo)"
    )
    parser.add_argument("--http-api", default=f"http://127.0.0.1:{ports.http}", metavar="URL")
    parser.add_argument("--issuer", default=f"http://127.0.0.1:{ports.issuer}", metavar="URL")
    parser.add_argument("--token", help="bearer token of a deployed stack, instead of an issuer")
    given = parser.parse_args()
    try:
        token = given.token
        if token is None:
            token = post(f"{given.issuer}/token", f"user={quote(given.user)}")["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        # An empty object continues the user's latest conversation.
        ticket = post(f"{given.http_api}/sessions", "{}", **headers)
        print(ask(ticket["url"], given.question))
    except HTTPError as error:
        reason = error.read().decode(errors="replace")
        print(f"refused with HTTP {error.code}: {reason}", file=sys.stderr)
    except (URLError, TimeoutError, ValueError) as error:
        print(
            f"cannot reach {given.http_api}: start a stack with `make up`, or set "
            f"REPARTEE_PORT_BASE to the port base of the running one: {error}",
            file=sys.stderr,
        )
    except (NoAnswerError, ConnectionClosed, InvalidHandshake) as error:
        print(f"no answer: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
