"""A file's bytes as a stream, unpacked on the way. An archive that was cut off is told from one that ends."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from resep.errors import ResepError

_UNPACKED_AT_ONCE = 2**17  # bytes
_PACKED_AT_ONCE = 2**12  # bytes of zstd, each of which may stand for 30,000: an archive may be made to fill memory
_CUT_OFF = "ends in the middle: it was cut off while it was written or copied"
_DAMAGED = "is damaged, or no {} archive at all"


class BrokenArchive(Exception):
    """An archive that gives no more bytes before its end. The message goes on after `the archive`."""


def unpacked(file: BinaryIO, compression: str, name: str) -> io.BufferedReader:
    """The unpacked bytes of an open file; reading raises BrokenArchive, once all that came before was read.

    Raises ResepError where zstandard is not installed.
    """
    if not compression:
        return io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file  # type: ignore[return-value]
    pieces = _gzip_pieces(file) if compression == "gz" else _zstd_pieces(file, _zstandard(name))
    return io.BufferedReader(_Stream(pieces), _UNPACKED_AT_ONCE)


@dataclass
class LastLine:
    """The line of the last row that was read; 0: none yet."""

    number: int = 0


@contextmanager
def cut_off_explained(name: str, last: LastLine) -> Iterator[None]:
    """Turns a BrokenArchive into a ResepError, which names the file and the last row that could be read."""
    try:
        yield
    except BrokenArchive as error:
        row = f"the last row that can be read is on line {last.number}" if last.number else "no row of it can be read"
        raise ResepError(f"{name}: the archive {error}; {row}") from error


class _Stream(io.RawIOBase):
    """The pieces as a file. Each read hands out what is there, so that nothing is lost when the next piece fails."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        taken = self._left[: len(target)]
        target[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)


def _gzip_pieces(file: BinaryIO) -> Iterator[bytes]:
    archive = gzip.GzipFile(fileobj=file)
    try:
        while piece := archive.read1(_UNPACKED_AT_ONCE):
            yield piece
    except EOFError as error:
        raise BrokenArchive(_CUT_OFF) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BrokenArchive(_DAMAGED.format("gzip")) from error


def _zstd_pieces(file: BinaryIO, zstandard: Any) -> Iterator[bytes]:
    """Frame by frame with `decompressobj`: zstandard's own stream takes a file that was cut off for one that ends."""
    new: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
    frame, is_inside = new(), False
    try:
        while packed := file.read(_PACKED_AT_ONCE):
            while packed:
                if frame.eof:
                    frame = new()
                yield frame.decompress(packed)
                packed, is_inside = frame.unused_data if frame.eof else b"", not frame.eof
    except zstandard.ZstdError as error:
        raise BrokenArchive(_DAMAGED.format("zstd")) from error
    if is_inside:
        raise BrokenArchive(_CUT_OFF)


def _zstandard(name: str) -> Any:
    try:
        import zstandard
    except ImportError as error:
        message = "reading .zst needs the package zstandard: pip install 'resep[data]', or pack the file with gzip"
        raise ResepError(f"{name}: {message}") from error
    return zstandard
