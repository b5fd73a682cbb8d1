"""The lines of a file in pieces of about one size: at most so many lines, at most so many bytes, no line cut in two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

from resep.sources.compression import BrokenArchive
from resep.sources.raw import MOST_BYTES

BLOCK_ROWS = 1_000  # 5,000 at once take a tenth longer: their objects leave the cache of the processor
BLOCK_BYTES = 4 * 2**20
_PIECE = 2**18  # bytes read at once: of the last of them, most is taken along to the next block
_SHOWN = 1000  # bytes of a line that is too long


@dataclass(frozen=True)
class Lines:
    """Whole lines, from line `first` to line `last` of the file; or the beginning of one that `is_too_long`."""

    first: int
    last: int
    content: bytes
    is_too_long: bool = False


def whole_lines(file: BufferedReader) -> Iterator[Lines]:
    """The lines of a file, in order. Where they are cut depends on the bytes alone, not on how they arrive.

    Raises BrokenArchive after the last whole line of an archive that was cut off.
    """
    waiting, line = _Waiting(file), 1
    while waiting.fill(BLOCK_BYTES):
        while not (size := waiting.whole()) and len(waiting.content) <= MOST_BYTES and not waiting.is_last:
            waiting.fill(2 * len(waiting.content))
        if (size or len(waiting.content)) > MOST_BYTES:
            yield Lines(line, line, waiting.content[:_SHOWN], is_too_long=True)
            waiting.skip_line()
            line += 1
            continue
        if waiting.broken and not size:
            break
        content, ends = waiting.take(size)
        yield Lines(line, line + ends - content.endswith(b"\n"), content)
        line += ends
    if waiting.broken:
        raise waiting.broken


@dataclass
class _Waiting:
    """What was read of a file and not yet handed on. `ends`: the line ends in it."""

    file: BufferedReader
    content: bytes = b""
    ends: int = 0
    is_last: bool = False
    broken: BrokenArchive | None = None

    def fill(self, size: int) -> bool:
        """Read on until so many bytes or BLOCK_ROWS lines are there, or the file ends. False: nothing is left."""
        pieces, have = [self.content], len(self.content)
        while have < size and self.ends < BLOCK_ROWS and not self.is_last:
            try:
                pieces.append(self.file.read1(_PIECE))
            except BrokenArchive as error:
                pieces.append(b"")
                self.broken = error
            self.is_last = not pieces[-1]
            have += len(pieces[-1])
            self.ends += pieces[-1].count(b"\n")
        self.content = b"".join(pieces)
        return bool(self.content)

    def whole(self) -> int:
        """The bytes of the whole lines that belong together; 0 where no line end is in sight."""
        is_small = len(self.content) < BLOCK_BYTES  # so the file was read to its end, or there are BLOCK_ROWS lines
        ends = self.ends if is_small else self.content.count(b"\n", 0, BLOCK_BYTES)
        if ends >= BLOCK_ROWS:
            return len(self.content) - len(self.content.split(b"\n", BLOCK_ROWS)[-1])
        if not ends:
            return self.content.find(b"\n") + 1
        is_end = is_small and self.is_last and not self.broken
        return len(self.content) if is_end else self.content.rfind(b"\n", 0, BLOCK_BYTES) + 1

    def take(self, size: int) -> tuple[bytes, int]:
        """The first bytes, or all where `size` is 0, and the line ends in them."""
        taken, self.content = (self.content[:size], self.content[size:]) if size else (self.content, b"")
        left = self.content.count(b"\n")  # what is left is the smaller part, as a rule
        taken_ends, self.ends = self.ends - left, left
        return taken, taken_ends

    def skip_line(self) -> None:
        while (end := self.content.find(b"\n")) < 0 and not self.is_last:
            self.content = b""
            self.fill(_PIECE)
        self.content = self.content[end + 1 :] if end >= 0 else b""
        self.ends = self.content.count(b"\n")
