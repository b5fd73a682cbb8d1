"""Packed files: read as what is in them; one that was cut off is told from one that ends."""

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.sources.compression import BrokenArchive, unpacked
from tests.reading import places, read, refusal

ROWS = {
    "a.jsonl": '{"a": "x"}\n{"a": "y"}\n',
    "a.json": '[{"a": "x"},\n{"a": "y"}]',
    "a.csv": "a\nx\ny\n",
    "a.tsv": "a\tb\nx\ty\n",
}


def packer(ending: str) -> Callable[[bytes], bytes]:
    if ending == ".gz":
        return gzip.compress
    packed: Callable[[bytes], bytes] = pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress
    return packed


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("name", ROWS)
def test_a_packed_file_has_the_rows_and_lines_of_what_is_in_it(tmp_path: Path, name: str, ending: str) -> None:
    packed = packer(ending)(ROWS[name].encode())
    assert places(read(tmp_path, name + ending, packed)) == places(read(tmp_path, name, ROWS[name]))


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_archives_one_after_another_are_one_file(tmp_path: Path, ending: str) -> None:
    packed = b"".join(packer(ending)(line.encode()) for line in ('{"a": 1}\n{"a"', ": 2}\n", '{"a": 3}\n'))
    assert places(read(tmp_path, f"a.jsonl{ending}", packed)) == [(n, {"a": n}) for n in (1, 2, 3)]


def some_rows(count: int) -> list[str]:
    return [json.dumps({"number": number, "text": f"{number * 7919 % 100_003}"}) for number in range(count)]


CONTENTS = {
    "a.jsonl": ("\n".join(some_rows(9000)), 1),
    "a.json": ("[" + ",\n".join(some_rows(9000)) + "]", 1),
    "a.csv": ("number\n" + "\n".join(f"{n * 7919 % 100_003}" for n in range(50_000)), 2),
}


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("name", CONTENTS)
def test_an_archive_that_was_cut_off_names_the_last_row_that_can_be_read(
    tmp_path: Path, name: str, ending: str
) -> None:
    content, first = CONTENTS[name]
    packed = packer(ending)(content.encode())
    cut = packed[: len(packed) // 2]
    said = refusal(tmp_path, name + ending, cut)
    begin = f"data/{name}{ending}: the archive ends in the middle: it was cut off while it was written or copied; "
    last = int(said.removeprefix(f"{begin}the last row that can be read is on line "))
    assert first < last <= content.count("\n") + 1
    unpacked_part = _readable(cut, ending)
    assert last in (unpacked_part.count("\n"), unpacked_part.count("\n") + 1)


def _readable(packed: bytes, ending: str) -> str:
    stream = unpacked(io.BytesIO(packed), ending[1:], "x")
    pieces: list[bytes] = []
    with pytest.raises(BrokenArchive):
        pieces.extend(iter(lambda: stream.read1(1000), b""))
    return b"".join(pieces).decode()


@pytest.mark.parametrize(("ending", "kind"), [(".gz", "gzip"), (".zst", "zstd")])
def test_an_archive_that_is_none_is_refused(tmp_path: Path, ending: str, kind: str) -> None:
    packer(ending)
    assert refusal(tmp_path, f"a.jsonl{ending}", '{"a": 1}\n') == (
        f"data/a.jsonl{ending}: the archive is damaged, or no {kind} archive at all; no row of it can be read"
    )


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_changed_byte_is_noticed(tmp_path: Path, ending: str) -> None:
    packed = bytearray(packer(ending)("\n".join(some_rows(100)).encode()))
    packed[-5 if ending == ".gz" else -1] ^= 1  # in the checksum: all rows were read by then
    assert "the archive is damaged" in refusal(tmp_path, f"a.jsonl{ending}", bytes(packed))


def test_a_list_that_is_whole_in_an_archive_that_is_not_is_refused(tmp_path: Path) -> None:
    packed = packer(".gz")(b'[{"a": 1}]')
    assert "ends in the middle" in refusal(tmp_path, "a.json.gz", packed[:-1])


@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from([".gz", ".zst"]))
def test_every_cut_of_an_archive_is_noticed(content: bytes, at: int, ending: str) -> None:
    packed = packer(ending)(content)
    cut = packed[: 1 + at % (len(packed) - 1)]
    assert unpacked(io.BytesIO(packed), ending[1:], "x").read() == content
    with pytest.raises(BrokenArchive):
        unpacked(io.BytesIO(cut), ending[1:], "x").read()


def test_without_zstandard_a_zst_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert refusal(tmp_path, "a.jsonl.zst", "x") == (
        "data/a.jsonl.zst: reading .zst needs the package zstandard: pip install 'resep[data]', "
        "or pack the file with gzip"
    )


def test_an_archive_that_unpacks_to_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    """A line of zeros without an end: its row is refused when the limit is reached."""
    tail = b'{"a": 1}\n'
    (long, last) = read(tmp_path, "a.jsonl.gz", gzip.compress(bytes(34 * 2**20) + b"\n" + tail, 1))
    assert long.problem is not None
    assert last.values == {"a": 1}
    with pytest.raises(ResepError, match="the row that begins here has no end within 32 MiB"):
        read(tmp_path, "a.json.gz", gzip.compress(b'[{"a": "' + b"x" * (34 * 2**20), 1))
