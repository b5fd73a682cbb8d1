"""Which files the sources of a recipe are, and blocks of their rows: the same rows as one by one, cut the same way."""

import json
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import RecipeError, ResepError
from resep.recipe import Recipe, load
from resep.repeatable import read_inputs, write_repeatable
from resep.sources import (
    BLOCK_BYTES,
    BLOCK_ROWS,
    Source,
    SourceFile,
    identities,
    lines,
    local_source,
    open_sources,
    raw_rows,
    read_blocks,
    read_file,
    reads,
)
from tests.preparing import EVALUATION, HEAD
from tests.reading import read, refusal


def recipe(folder: Path, path: str, *overrides: str) -> Recipe:
    (folder / "recipe.yaml").write_text(f"{HEAD}data: {{sources: [{{path: '{path}'}}]}}\n{EVALUATION}")
    return load(folder / "recipe.yaml", overrides)


def write(folder: Path, *names: str, content: str = '{"a": 1}\n') -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def names(loaded: Recipe) -> list[str]:
    return [file.name for source in open_sources(loaded, print) for file in source.files]


def test_a_pattern_is_its_files_by_name_each_called_as_the_recipe_would(tmp_path: Path) -> None:
    write(tmp_path, "rows/b.jsonl", "rows/a.jsonl", "rows/.c.jsonl", "rows/d.csv", "rows/deep/er/e.jsonl")
    assert names(recipe(tmp_path, "rows/*.jsonl")) == ["rows/a.jsonl", "rows/b.jsonl"]
    assert names(recipe(tmp_path, "rows/**/*.jsonl")) == ["rows/a.jsonl", "rows/b.jsonl", "rows/deep/er/e.jsonl"]
    assert names(recipe(tmp_path, "./rows/[a]*.jsonl")) == ["rows/a.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    write(tmp_path, "rows [1]/a*.jsonl", "rows [1]/ab.jsonl")
    assert names(recipe(tmp_path, "rows [1]/a*.jsonl")) == ["rows [1]/a*.jsonl"]
    assert names(recipe(tmp_path, "rows [1]/?b.jsonl")) == ["rows [1]/ab.jsonl"]


def test_a_pattern_that_was_typed_may_lead_anywhere(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    write(tmp_path, "there/a.jsonl")
    pattern = f"{tmp_path}/there/*.jsonl"
    assert names(recipe(tmp_path / "here", "rows.jsonl", f"data.sources[0].path={pattern}")) == [
        f"{tmp_path}/there/a.jsonl"
    ]


def test_a_pattern_that_finds_nothing_tells_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, "rows/a.csv", "rows/more/b.csv")
    said = f"rows/*.jsonl: no file has a name like this; in {tmp_path}/rows there is a.csv, more/"
    with pytest.raises(ResepError, match=re.escape(said)):
        names(recipe(tmp_path, "rows/*.jsonl"))


@pytest.mark.parametrize("pattern", ["../*.jsonl", "rows/../../*.jsonl", "/etc/*.jsonl", "~/*.jsonl"])
def test_a_pattern_stays_below_the_recipe(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(RecipeError, match=r"leads out of|absolute path"):
        recipe(tmp_path, pattern)


def test_a_pattern_finds_nothing_through_a_link_that_leads_out(tmp_path: Path) -> None:
    write(tmp_path, "secret/a.jsonl")
    (tmp_path / "home" / "rows").mkdir(parents=True)
    (tmp_path / "home" / "rows" / "out").symlink_to(tmp_path / "secret")
    with pytest.raises(ResepError, match=r"rows/out/a\.jsonl: leads out of the recipe's folder through a link"):
        names(recipe(tmp_path / "home", "rows/*/*.jsonl"))


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path, "data/quickstart.jsonl")
    message = f"data/quikstart.jsonl: no such file in {tmp_path}/data; did you mean 'quickstart.jsonl'?"
    with pytest.raises(ResepError, match=re.escape(message)):
        open_sources(recipe(tmp_path, "data/quikstart.jsonl"), print)


def test_a_folder_is_told_how_to_name_its_files(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(ResepError, match=r"is a folder \(its files are written folder/\*\.jsonl\)"):
        open_sources(recipe(tmp_path, "rows.jsonl"), print)


@pytest.mark.parametrize("name", ["a.xlsx", "a.jsonl.bz2", "a", "a.gz"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    assert "the name must end in .json, .jsonl, .csv, .tsv, .parquet, .arrow or .feather" in refusal(
        tmp_path, name, "x"
    )


def test_a_parquet_in_an_archive_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.parquet.gz", "x") == (
        "data/a.parquet.gz: a .parquet file compresses itself: unpack it first, and name it without .gz"
    )


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_a_file_that_is_not_utf8_names_the_byte(tmp_path: Path, name: str) -> None:
    said = refusal(tmp_path, name, "x,y\né,é\n".encode("latin-1"))
    assert said.startswith(f"data/{name}:2:1: the byte 0xe9 is not UTF-8")
    assert "UTF-16" in refusal(tmp_path, name, "x,y\n".encode("utf-16"))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name, "") == f"data/{name}: the file is empty"


def test_what_is_read_is_known_by_its_names(tmp_path: Path) -> None:
    write(tmp_path, "rows/a.jsonl", "rows/b.jsonl")
    loaded = recipe(tmp_path, "rows/*.jsonl")
    assert reads(loaded) == {f"rows/{name}.jsonl": tmp_path / "rows" / f"{name}.jsonl" for name in "ab"}
    assert identities(loaded) == {}
    assert local_source(loaded, 0) == open_sources(loaded, print)[0]


def test_two_files_of_one_name_are_both_read(tmp_path: Path) -> None:
    """A child may name a file as its parent does, relative to a folder of its own."""
    write(tmp_path, "rows.jsonl", "child/rows.jsonl")
    loaded = recipe(tmp_path, "rows.jsonl", f"data.sources=[{{path: rows.jsonl}}, {{path: '{tmp_path}/rows.jsonl'}}]")
    assert len(reads(loaded)) == 2


def test_a_run_can_be_repeated_over_the_files_of_a_pattern(tmp_path: Path) -> None:
    write(tmp_path, "rows/a.jsonl", "rows/b.jsonl")
    loaded = recipe(tmp_path, "rows/*.jsonl")
    write_repeatable(loaded, tmp_path / "run")
    (told,) = read_inputs(tmp_path / "run")
    assert (told.key, told.path) == ("data.sources[0].path", "rows/*.jsonl")
    assert load(tmp_path / "run" / "recipe.yaml")["data.sources[0].path"] == "rows/*.jsonl"
    write(tmp_path, "rows/b.jsonl", content='{"a": 2}\n')
    write_repeatable(loaded, tmp_path / "run")
    assert read_inputs(tmp_path / "run")[0].digest != told.digest


def test_what_lies_elsewhere_is_no_input_of_a_repeated_run(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, "https://host/rows.jsonl")
    write_repeatable(loaded, tmp_path / "run")
    assert read_inputs(tmp_path / "run") == []
    assert load(tmp_path / "run" / "recipe.yaml")["data.sources[0].path"] == "https://host/rows.jsonl"


# Blocks.


def blocks_of(folder: Path, name: str, content: str | bytes, limit: int | None = None) -> list[Any]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_blocks(Source(3, name, (SourceFile(folder / name, name),)), limit))


def rows_of(blocks: Sequence[Any]) -> list[tuple[int, Any]]:
    return [(row.origin.line, dict(row.values)) for block in blocks for row in raw_rows(block)]


@pytest.mark.parametrize(("name", "line"), [("a.jsonl", '{{"n": "{}"}}\n'), ("a.csv", "{}\n")])
def test_blocks_have_a_bounded_number_of_rows(tmp_path: Path, name: str, line: str) -> None:
    content = "n\n" * name.endswith("csv") + "".join(line.format(number) for number in range(2 * BLOCK_ROWS + 1))
    blocks = blocks_of(tmp_path, name, content)
    counts = [len(list(raw_rows(block))) for block in blocks]
    assert counts == [BLOCK_ROWS, BLOCK_ROWS, 1]
    assert {(block.source, block.file) for block in blocks} == {(3, name)}
    first = 1 + name.endswith("csv")
    assert [block.first_line for block in blocks] == [first, first + BLOCK_ROWS, first + 2 * BLOCK_ROWS]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_blocks_have_a_bounded_number_of_bytes(tmp_path: Path, name: str) -> None:
    rows = [{"n": "x" * (BLOCK_BYTES // 10)} for _ in range(25)]
    content = json.dumps(rows) if name == "a.json" else "".join(json.dumps(row) + "\n" for row in rows)
    blocks = blocks_of(tmp_path, name, content)
    assert [values for _, values in rows_of(blocks)] == rows
    assert [len(list(raw_rows(block))) for block in blocks] == ([9, 9, 7] if name == "a.jsonl" else [10, 10, 5])


def test_a_block_travels_to_another_process(tmp_path: Path) -> None:
    for name, content in (("a.jsonl", '{"a": 1}\n{broken\n'), ("a.csv", "a\n1\n1,2\n")):
        (block,) = blocks_of(tmp_path, name, content)
        assert list(raw_rows(pickle.loads(pickle.dumps(block)))) == list(raw_rows(block))


@given(
    st.lists(st.sampled_from(['{"a": "x"}', '{"b": [1]}', "", "  ", "{broken", '{"long": "' + "y" * 50 + '"}'])),
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 60),
    st.integers(1, 80),
)
def test_blocks_hold_the_rows_of_the_file_however_they_are_cut_and_arrive(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], has_end: bool, rows: int, size: int, piece: int
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    content = "\n".join(['{"first": 1}', *texts]) + "\n" * has_end
    expected = [(row.origin.line, dict(row.values)) for row in read(folder, "a.jsonl", content)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_ROWS", rows)
        patch.setattr(lines, "BLOCK_BYTES", size)
        blocks = blocks_of(folder, "a.jsonl", content)
        patch.setattr(lines, "_PIECE", piece)
        assert blocks_of(folder, "a.jsonl", content) == blocks
    assert rows_of(blocks) == expected
    assert all(block.lines.count(b"\n") <= rows for block in blocks)
    assert b"".join(block.lines for block in blocks) == content.encode()


@given(st.integers(1, 9), st.sampled_from(["a.jsonl", "a.csv", "a.json"]))
def test_a_limit_is_one_of_rows_over_all_files(tmp_path_factory: pytest.TempPathFactory, limit: int, name: str) -> None:
    folder = tmp_path_factory.mktemp("limit")
    content = {"a.jsonl": '{"n": "1"}\n\n{"n": "2"}\n\n{"n": "3"}', "a.csv": "n\n1\n2\n3\n", "a.json": "[{},{},{}]"}[
        name
    ]
    (folder / name).write_text(content)
    file = SourceFile(folder / name, name)
    whole = [(row.origin.line, dict(row.values)) for row in [*read_file(file), *read_file(file)]]
    assert rows_of(list(read_blocks(Source(0, name, (file, file)), limit))) == whole[:limit]


def test_what_stands_behind_the_limit_is_not_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl")
    (tmp_path / "b.csv").write_text('a\n1\n"never closed')
    files = (SourceFile(tmp_path / "a.jsonl", "a"), SourceFile(tmp_path / "b.csv", "b"))
    assert len(rows_of(list(read_blocks(Source(0, "x", files), 2)))) == 2


def test_a_file_of_blank_lines_has_no_rows(tmp_path: Path) -> None:
    for content in ("\n\n", " \n"):
        with pytest.raises(ResepError, match=r"a\.jsonl: the file has no rows"):
            blocks_of(tmp_path, "a.jsonl", content)
