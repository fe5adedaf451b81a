"""Compression: of what goes over paramiko's connections. Programs are text, and shrink to a third.

A host a hundred milliseconds away gets what fits into ten packets at once, and waits a round trip for the rest (RFC
6928). An uncompressed program is longer than that, and so is what it prints.
"""

import zlib

import paramiko

MOST = 1_000_000  # bytes; what is longer is a parcel of wheels, or what a host gets from an index: compressed already
LONGEST = 1_000_000  # bytes of a packet; OpenSSH makes none above a quarter of that


class Compressor:
    """As paramiko's own, but after MOST bytes it stores what it is given as it is, which costs next to nothing.

    Each packet ends with a full flush, so none refers to those before it, and each may have a stream of its own.
    """

    def __init__(self) -> None:
        self._head = b"\x78\x9c"  # of the whole stream (RFC 1950)
        self._had = 0

    def __call__(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        self._had += len(data)
        stream = zlib.compressobj(0 if self._had > MOST else zlib.Z_DEFAULT_COMPRESSION, wbits=-zlib.MAX_WBITS)
        return head + stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH)


class Decompressor:
    """As paramiko's own, but a packet that would become very long ends the connection: a host could fill the memory."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def __call__(self, data: bytes) -> bytes:
        """What was compressed. Raises SSHException."""
        try:
            found = self._stream.decompress(data, LONGEST)
        except zlib.error as error:
            raise paramiko.SSHException(f"what it has compressed cannot be read: {error}") from None
        if self._stream.unconsumed_tail:
            raise paramiko.SSHException(f"a packet of it becomes longer than {LONGEST} bytes")
        return found
