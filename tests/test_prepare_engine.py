"""The engine of `prepare`: the same bytes whoever does the work, restarts, steps of every shape, a closing ledger."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resep.sources.lines
from resep.errors import ResepError
from resep.formats import mapping_of
from resep.private_digests import PRIVATE, read_digests
from resep.recipe import StepSpec
from resep.stages import prepare
from resep.stages.prepare import engine, passes, work
from resep.stages.prepare.columns import distinct, occurrences
from resep.stages.prepare.ids import numbers_of
from resep.stages.prepare.plan import passes_of, plan_of
from resep.stages.prepare.shard import Drop, Seen, Shard, load, packed, save
from resep.stages.prepare.work import Job
from resep.store import Task
from tests.preparing import SOURCE, examples, ledger, prepared, recipe, row, statistics, write_rows

CLEAN = """\
preprocessing:
  - placeholders: {patterns: {ORDER: "INV-[0-9]{6}"}}
  - lowercase
  - strip_punctuation
  - deduplicate
"""


def varied(count: int) -> list[dict[str, Any]]:
    """Rows with personal data, other scripts, repeated rows and repeated prompts."""
    rows = [row(number % (count * 3 // 4), category=f"c{number % 5}") for number in range(count)]
    for number in range(0, count, 7):
        rows[number]["prompt"] += f" Mail ana{number % 20}@toko.co.id, “please” INV-{number:06}!"
    return rows


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, so that a small file has many of them."""
    monkeypatch.setattr(resep.sources.lines, "BLOCK_ROWS", 40)


@pytest.fixture
def plug_in(tmp_path: Path, consent: None) -> Callable[[str, str], None]:  # noqa: ARG001
    """Writes a step beside the recipe."""
    (tmp_path / "preprocessing").mkdir()

    def write(name: str, text: str) -> None:
        (tmp_path / "preprocessing" / f"{name}.py").write_text(f'"""A step of a test."""\n{text}', encoding="utf-8")

    return write


def outputs(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in out.iterdir()}


@pytest.mark.usefixtures("small_blocks")
def test_two_processes_give_the_same_bytes_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, varied(400))
    alone = outputs(prepared(recipe(tmp_path, SOURCE + CLEAN), tmp_path))
    monkeypatch.setattr(engine, "_ENOUGH_FOR_MANY", 0)
    monkeypatch.setenv("RESEP_WORKERS", "2")
    together = outputs(prepared(recipe(tmp_path, SOURCE + CLEAN), tmp_path))
    assert alone == together
    assert len(alone["ledger.jsonl"].splitlines()) == 400


@pytest.mark.usefixtures("small_blocks")
def test_a_mistake_in_a_worker_is_told_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, [*varied(100), {"prompt": "?"}])
    monkeypatch.setattr(engine, "_ENOUGH_FOR_MANY", 0)
    monkeypatch.setenv("RESEP_WORKERS", "2")
    with pytest.raises(ResepError, match=r"^rows\.jsonl:101: field 'response' is missing"):
        prepared(recipe(tmp_path), tmp_path)


@pytest.mark.usefixtures("small_blocks")
def test_a_run_that_was_killed_goes_on_after_its_last_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, varied(400))
    loaded = recipe(tmp_path, SOURCE + CLEAN)
    whole = outputs(prepared(loaded, tmp_path))
    real, worked = work.worker, list[int]()

    def until(most: int) -> Callable[..., Callable[[Job], Shard]]:
        def worker(plan: Any, number: int) -> Callable[[Job], Shard]:
            function = real(plan, number)

            def work(job: Job) -> Shard:
                if len(worked) == most:
                    raise KeyboardInterrupt
                worked.append(job.shard)
                return function(job)

            return work

        return worker

    stage = prepare.stage(loaded)
    (tmp_path / "again").mkdir()
    task = Task(stage.name, stage.config, {}, tmp_path / "again")
    monkeypatch.setattr("resep.stages.prepare.workers.worker", until(6))
    with pytest.raises(KeyboardInterrupt):
        list(stage.run([task], lambda event: None))  # noqa: ARG005
    assert worked == [0, 1, 2, 3, 4, 5]
    monkeypatch.setattr("resep.stages.prepare.workers.worker", until(1000))
    list(stage.run([task], lambda event: None))  # noqa: ARG005
    assert worked == list(range(10))
    assert outputs(tmp_path / "again") == whole


@pytest.mark.usefixtures("small_blocks")
def test_what_another_recipe_left_half_done_is_thrown_away(tmp_path: Path) -> None:
    write_rows(tmp_path, varied(100))
    left = tmp_path / "out" / "work" / "pass-0"
    left.mkdir(parents=True)
    (left / "000000").write_bytes(b"of another recipe")
    (tmp_path / "out" / "work" / "made-by").write_text("another")
    assert len(ledger(prepared(recipe(tmp_path), tmp_path))) == 100


def test_a_shard_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    shard = Shard(
        b'["a"]\n["\xc3\xa9"]\n',
        packed(numbers=[0, 2], position=[0.5, 0.25], time=None),
        [Drop(1, "read", "why")],
        {3: Seen(3, 2, 1)},
        {"ids": ["x"]},
        {"p": [0.5]},
        b"q",
    )
    with_digests = Shard(**{**vars(shard), "digests": [b"12345678", b""], "private": b"p" * 16})
    for each in (shard, with_digests):
        save(each, tmp_path / "shard")
        assert load(tmp_path / "shard") == each
    assert list(shard.lines()) == [b'["a"]\n', b'["\xc3\xa9"]\n']
    assert shard.numbers.tolist() == [0, 2]
    assert shard.array("position").tolist() == [0.5, 0.25]


@given(st.lists(st.integers(0, 5)))
def test_occurrences_count_from_the_first(keys: list[int]) -> None:
    found = np.zeros(len(keys), "uint32")
    occurrences(np.array(keys, "uint64"), found)
    assert list(found) == [keys[:at].count(key) for at, key in enumerate(keys)]


@given(st.lists(st.binary(min_size=2, max_size=2)))
def test_different_values_are_sorted_and_stand_once(values: list[bytes]) -> None:
    assert b"".join(distinct(np.frombuffer(b"".join(values), np.uint8), 2)) == b"".join(sorted(set(values)))


ID = st.from_regex(r"\A[0-9a-f]{16}\Z") | st.sampled_from(["a", "A" * 16, "0" * 15 + " ", "0" * 16, "\u0661" * 16, ""])


@given(st.lists(ID, max_size=8))
def test_equal_ids_have_equal_numbers_and_others_do_not(ids: list[str]) -> None:
    found = numbers_of(ids)
    assert len({*found.tolist()}) == len({*ids})
    assert [int(numbers_of([each])[0]) for each in ids] == found.tolist()


def shapes(*names: str) -> list[tuple[list[str], list[str], str | None]]:
    """The passes of shipped steps, by their names."""
    found, _ = passes_of([StepSpec(name, {}) for name in names])
    return [
        ([s.name for s in each.steps], [s.name for s in each.judges], each.stream.name if each.stream else None)
        for each in found
    ]


def test_rows_are_gone_through_as_seldom_as_the_steps_allow() -> None:
    assert shapes("lowercase", "filter_length", "deduplicate") == [
        (["lowercase", "filter_length"], ["deduplicate"], None)
    ]
    assert shapes("deduplicate", "lowercase", "deduplicate") == [
        ([], ["deduplicate"], None),
        (["lowercase"], ["deduplicate#2"], None),
    ]
    assert shapes("lowercase", "sample", "lowercase") == [
        (["lowercase"], [], "sample"),
        (["lowercase#2"], [], None),
    ]
    assert shapes("deduplicate", "sample") == [
        ([], ["deduplicate"], None),
        ([], [], "sample"),
        ([], [], None),
    ]


@pytest.mark.usefixtures("small_blocks")
def test_rows_that_say_the_same_are_told_apart_in_ledger_and_splits(tmp_path: Path) -> None:
    rows = [row(number % 60) for number in range(180)]
    write_rows(tmp_path, rows)
    out = prepared(recipe(tmp_path), tmp_path)
    ids = [entry["id"] for entry in ledger(out)]
    assert ids[60] == f"{ids[0]}#2"
    assert ids[120] == f"{ids[0]}#3"
    assert {example.id for example in examples(out)} == {*ids}
    assert len({*ids}) == 180


@pytest.mark.usefixtures("small_blocks")
def test_a_step_that_sees_all_rows_may_go_through_them_twice_and_say_what_it_found(
    tmp_path: Path, plug_in: Callable[[str, str], None]
) -> None:
    plug_in(
        "above_mean",
        "from dataclasses import replace\n"
        "def process_rows(rows, *, of: str = 'prompt'):\n"
        "    lengths = [len(row.fields[of]) for row in rows]\n"
        "    mean = sum(lengths) / len(rows)\n"
        "    for row in rows:\n"
        "        yield replace(row, dropped=None if len(row.fields[of]) > mean else 'shorter than the mean')\n"
        "    return {'mean': mean}\n",
    )
    write_rows(tmp_path, [row(number, prompt="x" * (1 + number % 10)) for number in range(100)])
    steps = "preprocessing: [lowercase, above_mean, strip_punctuation]\n"
    out = prepared(recipe(tmp_path, SOURCE + steps), tmp_path)
    found = statistics(out)
    assert [(step["name"], step["rows_in"], step["rows_out"]) for step in found["steps"]] == [
        ("lowercase", 100, 100),
        ("above_mean", 100, 50),
        ("strip_punctuation", 50, 50),
    ]
    assert found["steps"][1]["findings"] == {"mean": 5.5}
    assert {len(example.messages[0].content) for example in examples(out)} == {6, 7, 8, 9, 10}
    assert {entry["step"] for entry in ledger(out)} == {None, "above_mean"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("yield from list(rows)[1:]", "was given 60 rows and returned 59"),
        ("yield Row('1', {}, next(iter(rows)).origin)", "returned a row that it was not given"),
        ("yield 3", "returned a row of another kind: int"),
        ("raise KeyError('budi@toko.co.id')\n    yield", "failed with KeyError at line 4 of all.py"),
    ],
)
def test_a_step_that_breaks_its_contract_is_told(
    tmp_path: Path, plug_in: Callable[[str, str], None], body: str, message: str
) -> None:
    plug_in("all", f"from resep import Row\ndef process_rows(rows, *, of: str = 'prompt'):\n    {body}\n")
    write_rows(tmp_path, [row(number) for number in range(60)])
    with pytest.raises(ResepError) as caught:
        prepared(recipe(tmp_path, SOURCE + "preprocessing: [all]\n"), tmp_path)
    assert message in str(caught.value)
    assert "budi" not in str(caught.value)


@pytest.mark.usefixtures("small_blocks")
def test_digests_are_judged_over_all_rows_and_rows_of_a_group_stay_together(
    tmp_path: Path, plug_in: Callable[[str, str], None]
) -> None:
    plug_in(
        "by_letter",
        "from resep import Judgement\n"
        "def digest_rows(rows, *, drop: str = 'z'):\n"
        "    return [row.fields['prompt'][0].encode() for row in rows]\n"
        "def judge_rows(digests, *, drop: str = 'z'):\n"
        "    for at, letter in enumerate(bytes(digests.table[:, 0]).decode()):\n"
        "        if letter == drop:\n"
        "            yield Judgement(at, dropped=f'it stands at {digests.place(at)}')\n"
        "        else:\n"
        "            yield Judgement(at, group=letter)\n",
    )
    letters = "abcdefghijklmnopqrstuvwxyz"
    write_rows(tmp_path, [row(number, prompt=f"{letters[number % 26]} {number}") for number in range(520)])
    out = prepared(recipe(tmp_path, SOURCE + "preprocessing: [by_letter]\n"), tmp_path)
    splits = {letter: set() for letter in letters}  # type: dict[str, set[str]]
    for entry, letter in zip(ledger(out), letters * 20, strict=True):
        splits[letter].add(entry["split"])
    assert splits.pop("z") == {None}
    assert all(len(found) == 1 for found in splits.values())
    assert ledger(out)[25]["reason"] == "it stands at rows.jsonl:26"


@pytest.mark.usefixtures("small_blocks")
def test_a_step_for_training_rows_copies_drops_and_makes_rows_after_the_split(
    tmp_path: Path, plug_in: Callable[[str, str], None]
) -> None:
    plug_in(
        "more",
        "from dataclasses import replace\n"
        "from resep import Row\n"
        "SPLIT = 'train'\n"
        "def process_rows(rows, *, of: str = 'prompt'):\n"
        "    held_out = len(list(rows.held_out))\n"
        "    for at, row in enumerate(rows):\n"
        "        yield replace(row, dropped='every third' if at % 3 == 0 else None)\n"
        "        if at % 3 == 1:\n"
        "            yield replace(row, id=row.id + '~2', parent=row.id)\n"
        "        if at % 3 == 2:\n"
        "            fields = {**row.fields, 'prompt': 'NEW: ' + row.fields['prompt'] + ' me@new.org'}\n"
        "            yield Row(row.id + '~new', fields, row.origin, parent=row.id)\n"
        "    return {'held_out': held_out, 'rows': len(rows)}\n",
    )
    write_rows(tmp_path, [row(number) for number in range(300)])
    steps = "preprocessing: [placeholders, lowercase, more]\n"
    out = prepared(recipe(tmp_path, SOURCE + steps), tmp_path)
    found, entries = statistics(out), ledger(out)
    before = found["steps"][2]["rows_in"]
    assert found["steps"][2]["findings"] == {"held_out": 300 - before, "rows": before}
    assert found["dropped"] == {"every third": -(-before // 3)}
    assert found["rows_made"] == found["rows_kept"] - (300 - -(-before // 3)) > 100
    train = examples(out, "train")
    assert len(train) == found["splits"]["train"]
    copies = [example for example in train if example.id.endswith("~2")]
    new = [example for example in train if example.id.endswith("~new")]
    assert copies
    assert {example.messages[0].content[:5] for example in new} == {"new: "}
    assert all(example.messages[0].content.endswith("[EMAIL]") for example in new)
    made = [entry for entry in entries if "parent" in entry]
    assert len(made) == found["rows_made"] == len(copies) + len(new)
    assert {entry["split"] for entry in made} == {"train"}
    assert len(entries) == 300 + len(made)
    assert not [example for example in examples(out, "validation", "test") if "~" in example.id]


@pytest.mark.usefixtures("small_blocks")
def test_sources_with_weights_are_mixed_by_them_and_no_row_is_used_twice(tmp_path: Path) -> None:
    for name, count in (("a", 300), ("b", 90), ("c", 200)):
        write_rows(tmp_path, [row(number, prompt=f"{name} {number}") for number in range(count)], f"{name}.jsonl")
    text = """\
        data:
          max_dropped: 1
          sources:
            - {path: a.jsonl, weight: 3}
            - {path: b.jsonl}
            - {path: c.jsonl, weight: 0.5}
    """
    out = prepared(recipe(tmp_path, text), tmp_path)
    found = statistics(out)
    assert [source["rows_kept"] for source in found["sources"]] == [270, 90, 45]
    assert 15 <= found["splits"]["test"] <= 70  # 40 of 405: who is left out says nothing of who is tested
    assert found["sources"][0]["dropped"] == {"beyond data.sources[0].weight": 30}
    assert Counter(entry["step"] for entry in ledger(out)) == {None: 405, "weight": 185}


def test_a_source_of_no_weight_gives_no_row(tmp_path: Path) -> None:
    for name in "ab":
        write_rows(tmp_path, [row(number, prompt=f"{name} {number}") for number in range(50)], f"{name}.jsonl")
    text = "data: {max_dropped: 1, sources: [{path: a.jsonl}, {path: b.jsonl, weight: 0}]}\n"
    kept = [source["rows_kept"] for source in statistics(prepared(recipe(tmp_path, text), tmp_path))["sources"]]
    assert kept == [50, 0]


def test_what_is_chosen_is_no_loss_to_the_budget_of_dropped_rows(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(200)])
    text = SOURCE.replace("max_dropped: 1", "max_dropped: 0.02")
    out = prepared(recipe(tmp_path, text + "preprocessing: [{sample: {rows: 60, strategy: random}}]\n"), tmp_path)
    assert statistics(out)["rows_kept"] == 60
    with pytest.raises(ResepError, match="allows 2% of them"):
        prepared(recipe(tmp_path, text + "preprocessing: [{filter_length: {minimum: 15}}]\n"), tmp_path)


def test_quarantined_rows_are_accounted_for_and_can_be_mended(tmp_path: Path) -> None:
    good = [row(number) for number in range(60)]
    write_rows(tmp_path, [*good, {"prompt": "Only a question"}, '{"prompt": "torn'])
    loaded = recipe(tmp_path, SOURCE.replace("max_dropped: 1", "max_dropped: 1, on_bad_row: quarantine"))
    out = prepared(loaded, tmp_path)
    found = statistics(out)
    assert (found["rows_kept"], found["quarantined"], found["sources"][0]["quarantined"]) == (60, 2, 2)
    assert [entry["status"] for entry in ledger(out)][60:] == ["quarantined"] * 2
    lines = [orjson.loads(line) for line in (out / "quarantined.jsonl").read_bytes().splitlines()]
    assert lines[0]["prompt"] == "Only a question"
    assert "quarantined.jsonl" in prepare.stage(loaded).outputs


@pytest.mark.usefixtures("small_blocks")
def test_a_block_of_which_no_row_is_left_does_not_stop_the_steps_on_texts(tmp_path: Path) -> None:
    write_rows(tmp_path, [{"prompt": "Only a question"}] * 80 + [row(number) for number in range(60)])
    text = SOURCE.replace("max_dropped: 1", "max_dropped: 1, on_bad_row: skip")
    out = prepared(recipe(tmp_path, text + NUMBERED.replace("NUMBERING", "data")), tmp_path)
    assert (len(ledger(out)), statistics(out)["rows_kept"]) == (140, 60)
    assert [step["rows_in"] for step in statistics(out)["steps"]] == [60, 60]


NUMBERED = "preprocessing: [{placeholders: {numbering: NUMBERING}}, lowercase]\n"


def people(folder: Path) -> None:
    rows = [row(number) for number in range(60)]
    for number, first, second in ((3, "ana@x.org", "budi@x.org"), (7, "budi@x.org", "ANA@x.org"), (9, "eka@x.org", "")):
        rows[number]["prompt"] += f" {first}"
        rows[number]["response"] = [f"Ask {second or first}.", f"Then {first}."]
    write_rows(folder, rows)


def said(out: Path) -> Iterator[str]:
    for number, example in sorted((int(e.messages[0].content.split()[4].strip("?")), e) for e in examples(out)):
        if number in (3, 7, 9):
            yield " | ".join([example.messages[0].content.split("? ")[1], *example.target])


def test_within_a_row_the_same_value_has_the_same_number(tmp_path: Path) -> None:
    people(tmp_path)
    out = prepared(recipe(tmp_path, SOURCE + NUMBERED.replace("NUMBERING", "row")), tmp_path)
    assert list(said(out)) == [
        "[EMAIL_1] | ask [EMAIL_2]. | then [EMAIL_1].",
        "[EMAIL_1] | ask [EMAIL_2]. | then [EMAIL_1].",
        "[EMAIL_1] | ask [EMAIL_1]. | then [EMAIL_1].",
    ]


@pytest.mark.parametrize("further", ["", ", deduplicate, strip_punctuation"])
def test_over_the_data_set_the_same_value_has_the_same_number(tmp_path: Path, further: str) -> None:
    people(tmp_path)
    steps = NUMBERED.replace("NUMBERING", "data").replace("]\n", f"{further}]\n")
    out = prepared(recipe(tmp_path, SOURCE + steps), tmp_path)
    assert [line.replace(".", "") for line in said_loosely(out)] == [
        "[EMAIL_1] | ask [EMAIL_2] | then [EMAIL_1]",
        "[EMAIL_2] | ask [EMAIL_1] | then [EMAIL_2]",
        "[EMAIL_3] | ask [EMAIL_3] | then [EMAIL_3]",
    ]
    assert b"#" not in b"".join(outputs(out)[f"{split}.jsonl"] for split in ("train", "validation", "test"))


def said_loosely(out: Path) -> Iterator[str]:
    for number, example in sorted((int(e.messages[0].content.split()[4].strip("?")), e) for e in examples(out)):
        if number in (3, 7, 9):
            yield " | ".join([example.messages[0].content.split()[5], *example.target])


def test_only_keyed_digests_of_personal_data_are_kept_and_the_key_steers_nothing(tmp_path: Path) -> None:
    people(tmp_path)
    loaded = recipe(tmp_path, SOURCE + CLEAN)
    out = prepared(loaded, tmp_path)
    assert len(read_digests(out / PRIVATE)) == 3
    assert b"x.org" not in b"".join(outputs(out).values())
    assert PRIVATE not in prepare.stage(loaded).outputs
    assert statistics(out)["steps"][0]["replaced"] == {"EMAIL": 9}
    assert statistics(out)["placeholders"] == {"[EMAIL]": 9}


def test_progress_tells_rows_and_how_many_there_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(tmp_path, varied(400))
    monkeypatch.setattr(resep.sources.lines, "BLOCK_ROWS", 40)
    monkeypatch.setattr("resep.stages.prepare.progress._EVERY_S", 0.0)
    events: list[Any] = []
    prepared(recipe(tmp_path), tmp_path, events)
    told = [event for event in events if event["event"] == "progress"]
    assert [event["done"] for event in told][-1] == 400
    assert all(300 < event["total"] <= 500 for event in told)
    assert len({event["total"] for event in told}) <= 3  # a bar whose end moves forgets how fast it was
    assert "rows/s" in told[-1]["note"]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_progress_tells_how_many_rows_there_will_be_of_any_kind_of_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pyarrow.Table.from_pylist([row(number, response=f"Open it {number} times.") for number in range(400)])
    if kind == "parquet":
        pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    elif kind == "csv":
        pyarrow.csv.write_csv(table, tmp_path / "rows.csv")
    else:
        (tmp_path / "rows.json").write_bytes(orjson.dumps(table.to_pylist()))
    monkeypatch.setattr("resep.sources.blocks.BLOCK_ROWS", 40)
    monkeypatch.setattr("resep.stages.prepare.progress._EVERY_S", 0.0)
    events: list[Any] = []
    prepared(recipe(tmp_path, SOURCE.replace("rows.jsonl", f"rows.{kind}")), tmp_path, events)
    told = [event for event in events if event["event"] == "progress"]
    assert len(told) == 10
    assert all(300 < event["total"] <= (401 if kind == "parquet" else 700) for event in told)


def test_the_step_that_drops_is_named_even_where_it_comes_twice(tmp_path: Path) -> None:
    rows = [row(number) for number in range(60)]
    rows += [rows[5], row(8, prompt="HOW DO I DO 8?!")]
    write_rows(tmp_path, rows)
    steps = "preprocessing: [deduplicate, lowercase, strip_punctuation, {deduplicate: {by: prompt}}]\n"
    out = prepared(recipe(tmp_path, SOURCE + steps), tmp_path)
    assert [entry["step"] for entry in ledger(out) if entry["step"]] == ["deduplicate", "deduplicate#2"]


@pytest.mark.usefixtures("small_blocks")
def test_an_id_that_stands_twice_stops_the_run_or_drops_the_second(tmp_path: Path) -> None:
    rows = [row(number, id=str(number)) for number in range(100)]
    rows[70]["id"] = "3"
    write_rows(tmp_path, rows)
    text = SOURCE.replace("category: category", "category: category, id: id")
    with pytest.raises(ResepError, match=r"^rows\.jsonl:71: another row has the same id, rows\.jsonl:4; leave `id`"):
        prepared(recipe(tmp_path, text + "preprocessing: [lowercase]\n"), tmp_path)
    out = prepared(
        recipe(
            tmp_path,
            text.replace("max_dropped: 1", "max_dropped: 1, on_bad_row: skip") + "preprocessing: [lowercase]\n",
        ),
        tmp_path,
    )
    assert ledger(out)[70]["reason"] == "bad row: another row has the same id"
    assert statistics(out)["steps"][0]["rows_in"] == 99


@pytest.mark.slow
def test_a_tokenizer_that_is_left_open_is_the_recipes_and_part_of_the_key(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, prompt="word " * (1 + number % 30)) for number in range(90)])
    by_tokens = recipe(
        tmp_path, SOURCE + "preprocessing: [{filter_length: {unit: tokens, maximum: 20, of: [prompt]}}]\n"
    )
    dropped = statistics(prepared(by_tokens, tmp_path))["dropped"]
    assert sum(dropped.values()) == 3 * 11  # twenty words or more: the last space is a token of its own
    assert all("tokens, more than 20" in reason for reason in dropped)
    assert prepare.stage(by_tokens).config["preprocessing.tokenizer"].startswith("smollm2-135m-instruct#")
    by_words = recipe(tmp_path, SOURCE + "preprocessing: [filter_length]\n")
    assert "preprocessing.tokenizer" not in prepare.stage(by_words).config


def test_shards_are_taken_lazily(tmp_path: Path) -> None:
    """A pass does not read all of its input before its first shard is done."""
    write_rows(tmp_path, varied(100))
    taken: list[int] = []

    def jobs() -> Iterator[Job]:
        for number in range(50):
            taken.append(number)
            yield Job(number, None, ())

    loaded = recipe(tmp_path, SOURCE)
    plan = plan_of(loaded, [mapping_of(loaded["data.sources"][0])])
    folder = tmp_path / "work"
    list(islice(passes._shards(plan, 0, jobs(), folder, passes.Machine()), 3))
    assert len(taken) <= 5


def test_rows_that_a_step_over_all_rows_changed_are_counted(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number, readings=[1, 2, 3 + number % 5]) for number in range(40)])
    text = "data: {sources: [{path: rows.jsonl, fields: {readings: readings}}]}\n"
    out = prepared(
        recipe(tmp_path, text + "preprocessing: [{series: {field: readings}}, {sample: {rows: 30}}]\n"), tmp_path
    )
    assert [(step["name"], step["changed"]) for step in statistics(out)["steps"]] == [("series", 40), ("sample", 0)]
