"""A speech decoder in its own process, because pocketsphinx holds the GIL while it searches.

Reads frames from standard input (one byte of kind, four of little-endian length, the payload):
``S`` starts an utterance, ``A`` adds PCM16 mono 16 kHz, ``E`` ends it, ``X`` drops it. The answer
to ``E`` is one JSON line on standard output. The process ends with its standard input, and on Linux
with its parent.
"""

import json
import os
import struct
import sys
from typing import BinaryIO

from pocketsphinx import Decoder

from local.hosting.lifeline import die_with_parent

HEADER = struct.Struct("<cI")


def hypothesis(decoder: Decoder) -> str:
    """Return the recognized words in lower case, without fillers and pronunciation numbers."""
    found = decoder.hyp()
    if found is None:
        return ""
    words = (word.split("(")[0] for word in found.hypstr.split())
    return " ".join(word for word in words if word and word[0] not in "<[")


def serve(decoder: Decoder, frames: BinaryIO, answers: BinaryIO) -> None:
    """Decode until ``frames`` ends."""
    open_utterance = False
    while len(header := frames.read(HEADER.size)) == HEADER.size:
        kind, length = HEADER.unpack(header)
        payload = frames.read(length)
        if kind == b"S":
            # Every utterance starts from the same state, so that it does not affect the
            # recognition of the next one.
            decoder.reinit_feat()
            decoder.start_utt()
            open_utterance = True
        elif kind == b"A" and open_utterance:
            decoder.process_raw(payload)
        elif kind in (b"E", b"X") and open_utterance:
            decoder.end_utt()
            open_utterance = False
            if kind == b"E":
                answers.write(json.dumps({"text": hypothesis(decoder)}).encode() + b"\n")
                answers.flush()


def main() -> None:
    die_with_parent(os.getppid())
    decoder = Decoder(loglevel="FATAL", samprate=16_000)
    answers = sys.stdout.buffer
    answers.write(b'{"ready": true}\n')
    answers.flush()
    serve(decoder, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
