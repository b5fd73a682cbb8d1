"""Where rows come from: files of many kinds, globs, addresses, the hub -> raw rows, each with its place.

    found.py         which files the sources of a recipe are; remote.py, hub.py: copies of what lies elsewhere
    blocks.py        files -> blocks of neighbouring rows, cut the same way on every machine -> raw rows
    reading.py       the rows of one file; a reader each: jsonl (and lines), json_list, csv_rows, tables
    lookup.py        the table that a source looks its rows up in
    quarantine.py    a row that cannot be used, as a line that can be mended and fed back

Nothing is inferred: a CSV value is a text, a date-like text stays a text. A row that cannot be read comes with its
problem; a file that cannot be read further is a ResepError. Both name their place.
"""

from resep.sources.blocks import Block, plain_rows, raw_rows, read_blocks
from resep.sources.found import (
    Source,
    SourceFile,
    downloads,
    identities,
    local_source,
    lookup_file,
    open_sources,
    reads,
    source_name,
)
from resep.sources.lines import BLOCK_BYTES, BLOCK_ROWS
from resep.sources.lookup import open_lookup
from resep.sources.quarantine import quarantine_line
from resep.sources.raw import RawRow
from resep.sources.reading import read_file, read_rows

__all__ = [
    "BLOCK_BYTES",
    "BLOCK_ROWS",
    "Block",
    "RawRow",
    "Source",
    "SourceFile",
    "downloads",
    "identities",
    "local_source",
    "lookup_file",
    "open_lookup",
    "open_sources",
    "plain_rows",
    "quarantine_line",
    "raw_rows",
    "read_blocks",
    "read_file",
    "read_rows",
    "reads",
    "source_name",
]
