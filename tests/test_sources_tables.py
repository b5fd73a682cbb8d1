"""CSV, TSV, Parquet and Arrow: what comes out of them, and what is said where they are broken."""

import datetime
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.sources import SourceFile, read_file
from tests.reading import places, read, refusal


def test_csv_values_stay_texts_and_may_hold_line_breaks(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", '\ufeffprompt,when\n"two\nlines",2024-01-01\n007,\n')
    assert places(rows) == [(2, {"prompt": "two\nlines", "when": "2024-01-01"}), (4, {"prompt": "007", "when": ""})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,b\n", "the file has no rows"),
        ('a,b\n1,2\n3,"x\n4,5\n6,7\n', "a.csv:3: in the row that begins here: unexpected end of data (line 5)"),
        ('a,b\n1,2\n3,"x\n4,"y"\n', "a.csv:3: in the row that begins here: ',' expected after '\"' (line 4)"),
    ],
)
def test_a_broken_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, "a.csv", text)


def test_a_csv_row_with_a_value_too_many_is_that_rows_problem(tmp_path: Path) -> None:
    bad, good = read(tmp_path, "a.csv", "a,b\n1,2,3\n4,5\n")
    assert bad.problem is not None
    assert bad.problem.message.startswith("3 values under 2 columns")
    assert dict(good.values) == {"a": "4", "b": "5"}


def test_a_tsv_is_a_csv_with_tabs(tmp_path: Path) -> None:
    assert places(read(tmp_path, "a.tsv", 'a\tb\n1, 2\t"x\ty"\n')) == [(2, {"a": "1, 2", "b": "x\ty"})]


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("a.csv", "prompt;response\na;b\n", "semicolons: save it with commas"),
        ("a.csv", "prompt\tresponse\na\tb\n", "tabs: name it .tsv"),
        ("a.tsv", "prompt,response\na,b\n", "commas: name it .csv"),
    ],
)
def test_another_separator_is_recognised(tmp_path: Path, name: str, text: str, advice: str) -> None:
    assert refusal(tmp_path, name, text) == f"data/{name}:1: the columns are separated by {advice}"


def arrow_file(folder: Path, name: str, columns: dict[str, Any], *, is_stream: bool = False) -> SourceFile:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import ipc, parquet

    table = pyarrow.table(columns)
    if name.endswith(".parquet"):
        parquet.write_table(table, folder / name)
    else:
        with (ipc.new_stream if is_stream else ipc.new_file)(folder / name, table.schema) as writer:
            writer.write_table(table)
    return SourceFile(folder / name, name)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
def test_columns_keep_their_types(tmp_path: Path, name: str) -> None:
    columns = {"prompt": ["a", "2024-01-01"], "response": [["x", "y"], None], "number": [1.5, None]}
    assert places(list(read_file(arrow_file(tmp_path, name, columns)))) == [
        (1, {"prompt": "a", "response": ["x", "y"], "number": 1.5}),
        (2, {"prompt": "2024-01-01", "response": None, "number": None}),
    ]


def test_a_stream_of_arrow_is_read_as_a_file_of_it(tmp_path: Path) -> None:
    columns = {"number": list(range(2500))}
    rows = list(read_file(arrow_file(tmp_path, "a.arrow", columns, is_stream=True)))
    assert [row.values["number"] for row in rows] == columns["number"]
    assert [row.origin.line for row in rows] == list(range(1, 2501))


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_dates_times_and_decimals_become_texts(tmp_path: Path, name: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    noon = datetime.datetime(2024, 1, 31, 12)
    columns = {
        "time": pyarrow.array([noon, None], pyarrow.timestamp("ns")),
        "zoned": pyarrow.array([noon, None], pyarrow.timestamp("us", "Asia/Jakarta")),
        "day": [noon.date(), None],
        "price": [Decimal("10.50"), None],
        "inside": pyarrow.array(
            [[{"at": noon}], None], pyarrow.list_(pyarrow.struct([("at", pyarrow.timestamp("ns"))]))
        ),
        "fixed": pyarrow.array([[noon], None], pyarrow.list_(pyarrow.timestamp("ns"), 1)),
        "large": pyarrow.array([[noon], None], pyarrow.large_list(pyarrow.timestamp("ns"))),
        "class": pyarrow.array(["x", None]).dictionary_encode(),
        "map": pyarrow.array([[("k", noon.date())], None], pyarrow.map_(pyarrow.string(), pyarrow.date32())),
    }
    first, second = read_file(arrow_file(tmp_path, name, columns))
    assert first.values == {
        "time": "2024-01-31T12:00:00",
        "zoned": "2024-01-31T19:00:00+07:00",
        "day": "2024-01-31",
        "price": "10.50",
        "inside": [{"at": "2024-01-31T12:00:00"}],
        "fixed": ["2024-01-31T12:00:00"],
        "large": ["2024-01-31T12:00:00"],
        "class": "x",
        "map": {"k": "2024-01-31"},
    }
    assert set(second.values.values()) == {None}


def test_reading_times_asks_for_no_pandas(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    columns = {
        "time": pyarrow.array([0], pyarrow.timestamp("ns")),
        "map": pyarrow.array([[("k", 0)]], pyarrow.map_(pyarrow.string(), pyarrow.timestamp("ns"))),
    }
    arrow_file(tmp_path, "a.parquet", columns)
    code = (
        "import sys; from pathlib import Path; from resep.sources import SourceFile, read_file;"
        "list(read_file(SourceFile(Path(sys.argv[1]), 'a.parquet'))); sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.parquet"], check=True)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import ipc

    batch = pyarrow.record_batch([pyarrow.array([1]), pyarrow.array([2])], names=["a", "a"])
    with ipc.new_file(tmp_path / "a.arrow", batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(ResepError, match="two columns are called 'a'"):
        list(read_file(SourceFile(tmp_path / "a.arrow", "a.arrow")))


def test_bytes_are_the_problem_of_their_row(tmp_path: Path) -> None:
    bad, good = read_file(arrow_file(tmp_path, "a.parquet", {"prompt": ["a", "b"], "image": [b"\x89PNG", None]}))
    assert bad.problem is not None
    assert bad.problem.message == "the column 'image' holds values of the type binary: leave it out of the file"
    assert good.values == {"prompt": "b", "image": None}


def test_a_time_that_would_be_cut_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    file = arrow_file(tmp_path, "a.parquet", {"time": pyarrow.array([1], pyarrow.timestamp("ns"))})
    with pytest.raises(ResepError, match=r"a\.parquet: a time is finer than a microsecond"):
        list(read_file(file))


@pytest.mark.parametrize(("name", "kind"), [("a.parquet", "a Parquet"), ("a.arrow", "an Arrow")])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    pytest.importorskip("pyarrow")
    assert f"not {kind} file that can be read" in refusal(tmp_path, name, "prompt,response\n")


def test_a_table_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.arrow"):
        file = arrow_file(tmp_path, name, {"prompt": ["a"] * 100})
        assert f"data/{name}: not a" in refusal(tmp_path, name, file.path.read_bytes()[:-20])


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(ResepError, match="the file has no rows"):
        list(read_file(arrow_file(tmp_path, "a.parquet", {"prompt": pyarrow.array([], pyarrow.string())})))
