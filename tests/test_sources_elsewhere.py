"""Rows that lie elsewhere: addresses, fetched on the person's word alone, and data of the hub."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from resep.capabilities import capabilities
from resep.cli import main
from resep.errors import RecipeError, ResepError
from resep.paths import rows_cache
from resep.preflight import before_run
from resep.recipe import Recipe, load
from resep.sources import downloads, identities, local_source, open_sources, reads
from resep.sources import fetch_rows as child
from resep.sources.hub import Wanted
from resep.sources.remote import complaint, copy_of, fetch
from resep.stages import prepare
from tests.preparing import EVALUATION, HEAD

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADDRESS = "memory://bucket/rows.jsonl"
ROWS = b'{"prompt": "p", "response": "r"}\n' * 30


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    return rows_cache()


@pytest.fixture
def bucket() -> Iterator[Any]:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe("/bucket/rows.jsonl", ROWS)
    yield memory
    memory.rm("/bucket", recursive=True)


def recipe(folder: Path, source: str) -> Recipe:
    (folder / "recipe.yaml").write_text(f"{HEAD}data: {{sources: [{{{source}}}]}}\n{EVALUATION}")
    return load(folder / "recipe.yaml")


def problem(folder: Path, source: str) -> str:
    with pytest.raises(RecipeError) as caught:
        recipe(folder, source)
    return str(caught.value)


def test_nothing_is_fetched_until_the_person_says_so(tmp_path: Path, bucket: Any) -> None:
    loaded = recipe(tmp_path, f"path: '{ADDRESS}'")
    assert local_source(loaded, 0) is None
    assert list(downloads(loaded)) == [f"{ADDRESS} (once, when you say --fetch)"]
    with pytest.raises(ResepError, match=f"{ADDRESS}: this is not on this machine yet.*add --fetch"):
        open_sources(loaded, print)
    assert bucket.exists("/bucket/rows.jsonl")
    assert not rows_cache().exists()


def test_a_recipe_with_an_address_can_be_planned_before_it_is_fetched(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, f"path: '{ADDRESS}'")
    assert before_run(loaded) == []
    assert prepare.stage(loaded).name == "prepare"
    said = dict(capabilities(loaded, tmp_path / "store", tmp_path / "runs"))
    assert ADDRESS in said["reads"]
    assert f"{ADDRESS} (once, when you say --fetch)" in said["writes"].partition("downloads into the cache: ")[2]


def test_what_was_fetched_is_read_from_the_copy_and_known_by_its_content(tmp_path: Path, bucket: Any) -> None:
    loaded = recipe(tmp_path, f"path: '{ADDRESS}'")
    before = identities(loaded)
    fetch(ADDRESS)
    bucket.pipe("/bucket/rows.jsonl", b"changed")
    (source,) = open_sources(loaded, print)
    assert source.files[0].path.read_bytes() == ROWS
    assert (source.name, source.files[0].name) == (ADDRESS, ADDRESS)
    assert identities(loaded) == {ADDRESS: f"sha256:{hashlib.sha256(ROWS).hexdigest()}"} != before
    assert reads(loaded) == {}
    assert list(downloads(loaded)) == []


def test_the_word_is_given_on_the_command_line(
    tmp_path: Path, bucket: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket.exists("/bucket/rows.jsonl")
    recipe(tmp_path, f"path: '{ADDRESS}'")
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "recipe.yaml", "--fetch"]) == 0
    assert f"Fetching {ADDRESS}; it stays in {rows_cache()}" in capsys.readouterr().err
    assert copy_of(ADDRESS) is not None


def test_a_fetch_that_fails_leaves_nothing_behind(bucket: Any) -> None:
    with pytest.raises(ResepError, match=r"memory://bucket/other\.jsonl: there is no such file"):
        fetch("memory://bucket/other.jsonl")
    assert bucket.exists("/bucket/rows.jsonl")
    assert list(rows_cache().iterdir()) == []


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ResepError, match="needs the package s3fs: pip install s3fs"):
        fetch("s3://bucket/rows.jsonl")


def test_the_content_of_a_fetched_table_is_known_by_its_name(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe("/bucket/rows.csv", b"prompt,response\np,r\n")
    fetch("memory://bucket/rows.csv")
    (source,) = open_sources(recipe(tmp_path, "path: 'memory://bucket/rows.csv'"), print)
    assert source.files[0].path.suffix == ".csv"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("file:///etc/rows.jsonl", "named by its path alone"),
        ("simplecache::s3://bucket/rows.jsonl", "not chained"),
        ("http://host/rows.jsonl", "only https is fetched"),
        ("hf://datasets/owner/name/rows.jsonl", "'hub: owner/name'"),
        ("ss3://bucket/rows.jsonl", "did you mean 's3'?"),
        ("s3://bucket/*.jsonl", "one address is one file"),
        ("https://user:secret@host/rows.jsonl", "a recipe holds no user names"),
        ("s3://key@bucket/rows.jsonl", "a recipe holds no user names"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_recipe(tmp_path: Path, address: str, said: str) -> None:
    assert said in problem(tmp_path, f"path: '{address}'")
    with pytest.raises(ResepError):
        fetch(address)


def test_addresses_that_are_fetched_have_no_complaint() -> None:
    for address in ("https://host/a/rows.jsonl.gz", "s3://bucket/a.parquet", "gs://b/a.csv", "az://c/a.jsonl"):
        assert complaint(address) is None


# The hub.


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("hub: owner/name", "data.sources[0].revision: this key is missing"),
        ("hub: owner/name, revision: main", "a commit is 40 hex digits"),
        (f"hub: name, revision: {COMMIT}", "is written owner/name"),
        (f"hub: owner/name, revision: {COMMIT}, path: a.jsonl", "a 'path' or a 'hub', not both"),
        (f"hub: owner/name, revision: {COMMIT}, split: 'train[:10%]'", "'limit' takes its first rows"),
        ("path: a.jsonl, subset: main", "'subset' belongs to a data set of the hub"),
        ("path: a.jsonl, split: train", "'split' belongs to a data set of the hub"),
        ("format: messages", "data.sources[0].path: this key is missing"),
    ],
)
def test_a_source_is_a_path_or_a_commit_of_the_hub(tmp_path: Path, source: str, said: str) -> None:
    assert said in problem(tmp_path, source)


def test_data_of_the_hub_is_known_by_its_commit_before_it_is_here(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, f"hub: owner/name, revision: {COMMIT}, subset: en, limit: 5")
    label = "hub:owner/name@0123456789ab/en/train"
    assert identities(loaded) == {label: f"owner/name@{COMMIT}/en/train"}
    assert list(downloads(loaded)) == [f"{label} from the hub"]
    assert local_source(loaded, 0) is None
    assert before_run(loaded) == []
    assert prepare.stage(loaded).reads == {}


def test_rows_that_were_brought_here_are_not_fetched_again(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, f"hub: owner/name, revision: {COMMIT}, limit: 30")
    file = Wanted("owner/name", COMMIT, limit=30).file
    file.parent.mkdir(parents=True)
    file.write_bytes(ROWS)
    (source,) = open_sources(loaded, print)
    assert source.files[0].path == file
    assert list(downloads(loaded)) == []
    assert before_run(loaded) == []


def test_another_commit_split_or_limit_is_another_file() -> None:
    wanted = Wanted("owner/name", COMMIT)
    others = [
        Wanted("owner/other", COMMIT),
        Wanted("owner/name", COMMIT.replace("0", "1")),
        Wanted("owner/name", COMMIT, "en"),
        Wanted("owner/name", COMMIT, split="test"),
        Wanted("owner/name", COMMIT, limit=9),
    ]
    assert len({each.file for each in (wanted, *others)}) == 6


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mapping[str, Any]]:
    """What the child's work reports, when it is done in this process and in a folder of its own."""
    said: list[Mapping[str, Any]] = []
    monkeypatch.setattr("resep.events.emit", lambda event, **fields: said.append({"event": event, **fields}))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return said


class Builder:
    """What `datasets` says of a data set whose files are these."""

    def __init__(self, files: Mapping[str, list[Path]], **config: Any) -> None:
        self.config = type("Config", (), {"data_files": files, **config})()


def brought(monkeypatch: pytest.MonkeyPatch, builder: Builder, split: str = "train", limit: int | None = None) -> str:
    monkeypatch.setattr(child, "_builder", lambda request: builder if request else None)
    child.fetch({"hub": "owner/name", "revision": COMMIT, "subset": None, "split": split, "limit": limit})
    return Path("rows.jsonl").read_text(encoding="utf-8")


@pytest.mark.usefixtures("events")
def test_json_and_csv_of_the_hub_keep_their_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` itself would make a time of the date, and a number of the id."""
    pytest.importorskip("fsspec")
    (tmp_path / "a.json").write_text('{"when": "2024-01-01", "response": ["x"]}\n{"response": "y"}\n{broken\n')
    (tmp_path / "b.csv").write_text("id\n007\n")
    (tmp_path / "c.json").write_text('[{"when": "2024-01-02"}]')
    builder = Builder({"train": [tmp_path / name for name in ("a.json", "b.csv", "c.json")]})
    assert brought(monkeypatch, builder).splitlines() == [
        '{"when":"2024-01-01","response":["x"]}',
        '{"response":"y"}',
        "{broken",
        '{"id":"007"}',
        '{"when":"2024-01-02"}',
    ]
    assert len(brought(monkeypatch, builder, limit=2).splitlines()) == 2


@pytest.mark.usefixtures("events")
def test_a_split_that_is_not_there_is_told_which_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResepError, match="it has no split 'dev'; there are train, test"):
        brought(monkeypatch, Builder({"train": [tmp_path / "a.json"], "test": []}), split="dev")


@pytest.mark.slow
def test_datasets_finds_the_files_of_a_split_and_reads_typed_ones(
    tmp_path: Path, events: list[Mapping[str, Any]]
) -> None:
    """The code that loads from the hub, on folders with the hub's layout: it takes both."""
    pytest.importorskip("datasets")
    for name, text in {"texts/data/train.jsonl": '{"id": "007"}\n', "texts/data/test.jsonl": '{"id": "1"}\n'}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    _write_parquet(tmp_path / "tables" / "data")

    def rows(folder: str, split: str, limit: int | None = None) -> list[Any]:
        request = {"hub": str(tmp_path / folder), "revision": COMMIT, "subset": None, "split": split, "limit": limit}
        child.fetch(request)
        return [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]

    assert rows("texts", "test") == [{"id": "1"}]
    typed = [
        {"prompt": "p", "when": "2024-01-01T00:00:00", "day": "2024-01-01", "price": "1.50", "response": ["a"]},
        {"prompt": "q", "when": None, "day": None, "price": None, "response": ["b"]},
    ]
    assert rows("tables", "train") == typed
    assert rows("tables", "train", limit=1) == typed[:1]
    assert events[0]["message"].endswith("the column 'image' is left out: it holds no text")
    with pytest.raises(ResepError, match="it has no split 'dev'"):
        rows("tables", "dev")


def _write_parquet(folder: Path) -> None:
    import datetime
    from decimal import Decimal

    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    folder.mkdir(parents=True)
    columns = {
        "prompt": ["p", "q"],
        "when": pyarrow.array([datetime.datetime(2024, 1, 1), None], pyarrow.timestamp("ns")),
        "day": [datetime.date(2024, 1, 1), None],
        "price": [Decimal("1.50"), None],
        "image": [b"\x89PNG", None],
        "response": [["a"], ["b"]],
    }
    parquet.write_table(pyarrow.table(columns), folder / "train-00000-of-00001.parquet")


@pytest.mark.slow
def test_without_the_hub_a_copy_is_advised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loaded = recipe(tmp_path, f"hub: owner/name, revision: {COMMIT}")
    said: list[Mapping[str, Any]] = []
    with pytest.raises(ResepError, match=r"hub:owner/name@0123456789ab/train: the hub could not be reached.*'path'"):
        open_sources(loaded, said.append)
    assert not Wanted("owner/name", COMMIT).file.exists()
