"""Compresses PCM16 without loss, because the mailbox is billed by the kilobyte.

Each sample is replaced by its difference from the one before, which is mostly small for sounds. The
low bytes are close to noise and the high bytes are almost all alike, so each kind gets its own
Huffman codes: two raw DEFLATE streams, one after the other. For the measured savings see
docs/adr/0017-packed-audio.md.
"""

import zlib
from array import array
from itertools import accumulate

_SAMPLE_BITS = 16
# Raw DEFLATE: an item needs neither zlib's header nor its checksum.
_RAW = -zlib.MAX_WBITS
# Repetitions are rare in sound, and the search for them takes longer than all the rest.
_STRATEGY = zlib.Z_HUFFMAN_ONLY
# Room for 8,192 bytes per block: the longest chunk in two halves. A larger size took three times as
# long, because of its memory alone.
_MEMORY_LEVEL = 7


def pack(pcm: bytes) -> bytes:
    """Return ``pcm``, an even number of bytes, in fewer bytes; noise may take a few more."""
    differences = _differences(pcm)
    return _coded(differences[0::2]) + _coded(differences[1::2])


def unpack(packed: bytes) -> bytes:
    """Return the audio of packed bytes.

    Raises:
        ValueError: The bytes were not made by ``pack``.
    """
    low, rest = _decoded(packed)
    high, surplus = _decoded(rest)
    if surplus or len(low) != len(high):
        raise ValueError(f"{len(packed)} bytes are not packed audio")
    differences = bytearray(2 * len(low))
    differences[0::2], differences[1::2] = low, high
    samples = accumulate(memoryview(differences).cast("H"))
    return array("H", [sample & 0xFFFF for sample in samples]).tobytes()


def _differences(pcm: bytes) -> bytes:
    """Return each sample minus the one before it, modulo 2^16.

    The chunk is read as one long number with a sample in each 16 bits, so a few operations subtract
    all samples at once. A loop takes many times as long, and every audio message needs this.
    """
    size_bits = 8 * len(pcm)
    samples = int.from_bytes(pcm, "little")
    before = (samples << _SAMPLE_BITS) & ((1 << size_bits) - 1)
    # The highest bit of each sample is left out of the subtraction and corrected afterwards, so
    # that no sample borrows from the next.
    tops = int.from_bytes(b"\x00\x80" * (len(pcm) // 2), "little")
    rest = (samples | tops) - (before & ~tops)
    return (rest ^ ((samples ^ ~before) & tops)).to_bytes(len(pcm), "little")


def _coded(content: bytes) -> bytes:
    coder = zlib.compressobj(wbits=_RAW, memLevel=_MEMORY_LEVEL, strategy=_STRATEGY)
    return coder.compress(content) + coder.flush()


def _decoded(content: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first stream, and the bytes after it."""
    decoder = zlib.decompressobj(wbits=_RAW)
    try:
        found = decoder.decompress(content)
    except zlib.error as error:
        raise ValueError(f"{len(content)} bytes are not packed audio") from error
    if not decoder.eof:
        raise ValueError(f"{len(content)} bytes of packed audio are cut off")
    return found, decoder.unused_data
