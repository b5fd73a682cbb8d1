"""`resep data`: the account, rows before and after each step as they really are, personal data masked, and exports."""

import gzip
import json
import re
import textwrap
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from resep import cli
from resep.inspection import prepared as opened_files
from resep.inspection.changes import CUT, MOST_WORDS, changes
from resep.inspection.export import export
from resep.inspection.masking import masker
from resep.inspection.table import aligned
from resep.inspection.trace import Traced, finish, plan_for, traced_rows
from resep.recipe import Recipe, StepSpec, load
from tests.conftest import Golden
from tests.preparing import EVALUATION, HEAD, SPLITS, examples, prepared, recipe, row, write_rows

SOURCE = "data: {sources: [{path: rows.jsonl, fields: {category: category}}], max_dropped: 1}\n"
STEPS = """\
preprocessing:
  - placeholders: {patterns: {ORDER: "INV-[0-9]{6}"}}
  - lowercase
  - filter_length: {of: [prompt], minimum: 3, unit: words}
  - strip_punctuation
  - deduplicate
"""
MANY = [row(number, category="ab"[number % 2]) for number in range(60)]
PRIVATE = row(900, prompt="Write to Ana: ana.b@toko.example, please!", response=["Call +62 812-3456-7890.", "Wait."])

Data = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Data:
    """`data(text, *arguments)` writes a recipe of this text and returns what `resep data recipe.yaml` prints."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, *arguments: str, code: int = 0) -> str:
        (tmp_path / "recipe.yaml").write_text(HEAD + textwrap.dedent(text) + EVALUATION)
        capsys.readouterr()
        assert cli.main(["data", "recipe.yaml", *arguments]) == code
        return capsys.readouterr().out if code == 0 else capsys.readouterr().err

    return run


def traced(loaded: Recipe, out: Path) -> list[Traced]:
    plan, sources = plan_for(loaded)
    with opened_files.opened(out) as files:
        return [finish(each, plan, files) for each in traced_rows(loaded, plan, sources, files)]


def test_the_screen(tmp_path: Path, data: Data, golden: Golden) -> None:
    write_rows(tmp_path, [MANY[0], PRIVATE, *MANY, {"prompt": "only"}, row(1, prompt="What?")])
    (tmp_path / "more.csv").write_text("q,a\nHow do I call INV-123456?,By phone.\n")
    sources = "[{path: rows.jsonl, fields: {category: category}}, {path: more.csv, fields: {prompt: q, response: a}}]"
    screen = data(f"data: {{sources: {sources}, on_bad_row: quarantine}}\n{STEPS}")
    golden("data/screen.txt", re.sub("/[0-9a-f]{32}/", "/KEY/", screen))


def test_the_account_closes_for_rows_that_were_made_and_left_out(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(number, category="a" if number < 70 else "b") for number in range(90)])
    steps = "preprocessing: [{balance: {by: category, strategy: oversample, max_ratio: 1}}]\n"
    balanced = f"{steps}split: {{max_rows: {{test: 2}}}}\n"
    screen = data(SOURCE + balanced, "--rows", "0")
    found = json.loads(data(SOURCE + balanced, "--rows", "0", "--json"))["statistics"]
    dropped = sum(found["dropped"].values())
    assert found["rows_made"] > 0 < dropped
    assert f"90 read + {found['rows_made']} made = {found['rows_kept']} kept + {dropped} dropped" in screen


def test_personal_data_is_masked_unless_it_is_asked_for(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [PRIVATE, *MANY])
    for arguments in ((), ("--json",), ("--step", "placeholders")):
        shown = data(SOURCE + STEPS, *arguments)
        assert "ana.b" not in shown.lower()
        assert "3456" not in shown
        assert "\u2039email, 18 characters\u203a" in shown
        assert "\u2039phone, 17 characters\u203a" in shown
    assert "ana.b@toko.example" in data(SOURCE + STEPS, "--raw")


def test_a_recipe_that_replaces_nothing_is_masked_too_and_told_so(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [PRIVATE, *MANY])
    shown = data(SOURCE + "preprocessing: [lowercase]\n", "--rows", "9")
    assert "ana.b" not in shown.lower()
    assert "personal data is masked, which no step replaces (--raw shows it)" in shown


def test_what_cannot_be_masked_alone_is_masked_whole() -> None:
    def find(text: str) -> list[tuple[str, str]]:
        return [("NAME", "never in the text")] if "Ana" in text else []

    from resep.inspection.masking import _masked

    assert _masked("I am Ana.", [find]) == "\u2039text with personal data, 9 characters\u203a"


def test_a_word_of_the_recipe_is_masked_wherever_it_stands() -> None:
    mask = masker([StepSpec("placeholders", {"detectors": [], "words": {"PERSON": ["Siti Aminah"]}})])
    assert mask("siti aminah and [EMAIL] know Siti Aminah") == (
        "\u2039person, 11 characters\u203a and [EMAIL] know \u2039person, 11 characters\u203a"
    )


TEXTS = st.text("aB?! [](){}@.1\u00e9\u4e2d\ue041", max_size=12) | st.sampled_from(
    ["Mail a@b.co", "{{Name}} [X]", "INV-123456!", "?!", "[EM?AIL]", "call 0812-3456-7890", "<b>a b c</b>"]
)
FAULTY = st.fixed_dictionaries({"prompt": TEXTS, "response": TEXTS | st.lists(TEXTS, min_size=1, max_size=3)})
SHAPES = st.permutations(
    ["placeholders", "lowercase", "strip_punctuation", "{filter_length: {minimum: 2}}", "deduplicate", "strip_html"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FAULTY, max_size=8), SHAPES, st.sampled_from(["none", "row"]))
def test_what_is_shown_is_what_happens(tmp_path: Path, rows: list[Any], steps: list[str], numbering: str) -> None:
    """The last moment of every row that is kept is what stands in its split, whatever the steps and their order."""
    write_rows(tmp_path, [*rows, *({k: each[k] for k in ("prompt", "response")} for each in MANY)])
    text = "data: {sources: [{path: rows.jsonl}], max_dropped: 1, on_bad_row: skip}\n"
    listed = ", ".join(f"{{placeholders: {{numbering: {numbering}}}}}" if s == "placeholders" else s for s in steps)
    loaded = recipe(tmp_path, f"{text}preprocessing: [{listed}]\n")
    out = prepared(loaded, tmp_path)
    by_id = {example.id: example for example in examples(out)}
    found = traced(loaded, out)
    assert len(found) == len(rows) + len(MANY)
    for each in found:
        *before, last = each.moments
        if each.entry["status"] == "kept":
            said = [moment.state for moment in before if moment.state is not None][-1]
            assert last.state == said
            example = by_id[each.entry["id"]]
            target = example.target if isinstance(example.target, str) else "\n".join(example.target)
            assert said == (("prompt", example.messages[0].content), ("response", target))
        else:
            assert (last.is_end, last.step, last.said) == (True, each.entry["step"], each.entry["reason"])


def test_what_a_step_that_sees_all_rows_made_of_a_text_is_shown_as_prepared(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(number, readings=[number, 2, 3]) for number in range(60)])
    text = "data: {sources: [{path: rows.jsonl, fields: {readings: readings}}]}\n"
    shown = data(text + "preprocessing: [{series: {field: readings}}, lowercase]\n", "--rows", "1")
    assert "series  saw all rows; this one goes on\n  as prepared  in " in shown
    assert "prompt    [-How-]{+how+} do [-I-]{+i+} do 0?{+\n              3 readings from 0 to 3; " in shown


def test_rows_that_were_made_from_a_row_are_counted(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(number, category="a" if number != 7 else "b") for number in range(40)])
    balance = 'preprocessing: [{balance: {by: category, strategy: oversample, max_ratio: 1}}]\nsplit: {salt: "3"}\n'
    found = json.loads(data(SOURCE + balance, "--rows", "40", "--json"))
    said = [each["steps"][0]["said"] for each in found["rows"] if each["split"] == "train"]
    (made,) = {words for words in said if words != "saw the training rows; this one goes on"}
    assert made == f"saw the training rows; {found['statistics']['rows_made']} made from this one"


def test_a_text_that_a_step_empties_is_said_where_it_happens(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(0, prompt="?!"), *MANY])
    found = json.loads(data(SOURCE + "preprocessing: [strip_punctuation, lowercase]\n", "--json", "--rows", "2"))
    (emptied,) = [each for each in found["rows"] if each["status"] == "dropped"]
    assert [step["said"] for step in emptied["steps"]] == [
        "prompt, which is empty now",
        "prompt is empty after preprocessing",
    ]


def test_one_step_is_shown_on_the_rows_that_it_touched(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [*MANY, row(70, prompt="What now?")])
    shown = data(SOURCE + STEPS, "--step", "filter_length")
    assert "1 of the first 61 rows" in shown
    assert "rows.jsonl:61" in shown
    assert "  before\n    prompt    what now?\n" in shown
    assert "filter_length  prompt has 2 words, fewer than 3" in shown
    nothing = "the step placeholders changed and dropped none of the first 61 rows"
    assert nothing in data(SOURCE + STEPS, "--step", "placeholders")


def test_a_step_that_the_recipe_lacks_is_told(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, MANY)
    said = data(SOURCE + STEPS, "--step", "lowrcase", code=2)
    assert said == "error: --step lowrcase: the recipe has no such step; did you mean 'lowercase'?\n"


def test_of_many_rows_few_are_read_again_and_far_ones_are_found(
    tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resep.inspection.trace.ROWS_LOOKED_AT", 40)
    write_rows(tmp_path, MANY)
    write_rows(tmp_path, [row(number + 100) for number in range(50)], "more.jsonl")
    text = "data: {sources: [{path: rows.jsonl}, {path: more.jsonl}]}\npreprocessing: [lowercase]\n"
    shown = data(text, "--rows", "2")
    assert "2 of the first 40 rows" in shown
    assert "more.jsonl:1  " in shown


def test_colours_take_the_place_of_marks_in_a_terminal(
    tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path, MANY)
    assert "[-How-]{+how+}" in data(SOURCE + STEPS)
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = data(SOURCE + STEPS)
    assert "[-How-]" not in shown
    assert "\x1b[32mhow\x1b[0m" in shown


def test_a_row_cannot_move_the_cursor_nor_use_markup(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(0, prompt="[bold]A\x1b[2J \u202ereversed"), *MANY])
    shown = data(SOURCE + "preprocessing: [lowercase]\n", "--rows", "1")
    assert "\x1b" not in shown
    assert "[bold]" in shown
    assert "\u202e" not in shown


@given(st.text("ab B.\n", max_size=80), st.text("ab B.\n", max_size=80))
def test_changes_lead_from_one_text_to_the_other(old: str, new: str) -> None:
    parts = changes(old, new)
    if CUT.strip() not in "".join(part.text for part in parts):
        assert "".join(part.text for part in parts if part.kind != "new") == old
        assert "".join(part.text for part in parts if part.kind != "gone") == new
    kinds = [part.kind for part in parts]
    assert not any(first == second for first, second in pairwise(kinds))


def test_words_that_change_side_by_side_are_one_change() -> None:
    assert changes("Open The App now", "open the app now") == [
        ("gone", "Open The App"),
        ("new", "open the app"),
        ("same", " now"),
    ]


def test_of_a_long_text_the_change_is_shown_with_what_stands_around_it() -> None:
    words = [f"w{number}" for number in range(5_000)]
    shown = changes(" ".join(words), " ".join([*words[:4_000], "changed", *words[4_001:]]))
    assert [part.kind for part in shown] == ["same", "gone", "new", "same"]
    assert sum(len(part.text) for part in shown) < 300
    assert len("".join(part.text for part in changes(" ".join(words), " ".join(words).upper()))) < 20 * MOST_WORDS


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    assert aligned([("", "rows", "why"), ("a", "1,000", "x"), ("bcd", "", "longer")]) == [
        "      rows  why",
        "a    1,000  x",
        "bcd         longer",
    ]


def export_of(data: Data, text: str, name: str, *arguments: str) -> Path:
    data(text, "--rows", "0", "--export", name, *arguments)
    return Path(name)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def splits_of(text: str, folder: Path) -> dict[str, bytes]:
    (folder / "recipe.yaml").write_text(HEAD + textwrap.dedent(text) + EVALUATION)
    out = prepared(load(folder / "recipe.yaml"), folder)
    return {split: (out / f"{split}.jsonl").read_bytes() for split in SPLITS}


def fed_back(text: str, folder: Path, file: Path, extra: str = "") -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """The splits of a recipe, and those of one that reads the export of its rows and does nothing else."""
    before = splits_of(text, folder)
    again = folder / "again"
    again.mkdir()
    file.rename(again / file.name)
    source = (
        f"data: {{sources: [{{path: {file.name}, {extra}fields: {{id: id, split: split, category: category}}}}]}}\n"
    )
    after = splits_of(source + "split: {by: split}\n", again)
    return before, after


def without_split(lines: bytes) -> list[dict[str, Any]]:
    read = [json.loads(line) for line in lines.splitlines()]
    return [{**each, "metadata": {k: v for k, v in each["metadata"].items() if k != "split"}} for each in read]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.parquet"])
def test_an_export_that_is_fed_back_gives_the_same_rows(tmp_path: Path, data: Data, name: str) -> None:
    write_rows(tmp_path, [PRIVATE, *MANY])
    text = SOURCE + STEPS + "prompt: {system: Be kind.}\n"
    file = export_of(data, text, name)
    before, after = fed_back(text, tmp_path, file)
    assert sum(map(len, before.values())) > 0
    for split in SPLITS:
        wanted = [{**each, "messages": each["messages"][1:]} for each in without_split(before[split])]
        assert without_split(after[split]) == wanted


CALL = {"id": "abcdefgh1", "type": "function", "function": {"name": "look", "arguments": '{"at": ["x", 1]}'}}
TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "Look!"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "3", "tool_call_id": "abcdefgh1", "name": "look"},
    {"role": "assistant", "content": "Three."},
]
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_conversations_with_tools_come_back_as_they_were(tmp_path: Path, data: Data, name: str) -> None:
    rows: list[Any] = [
        {"messages": [{"role": "user", "content": f"Hi {n}"}, *TURNS[-1:]], "category": "c"} for n in range(40)
    ]
    asked = [{"role": "user", "content": "Yes?"}, {"role": "assistant", "content": "No.", "weight": 0}]
    for n in range(20):
        turns = [{"role": "user", "content": f"Look {n}!"}, *TURNS[1:]]
        rows.append({"messages": [*asked, *turns] if n < 5 else turns, "tools": TOOLS, "category": None})
    write_rows(tmp_path, rows)
    text = "data: {sources: [{path: rows.jsonl, format: messages, fields: {category: category}}]}\n"
    file = export_of(data, text, name)
    before, after = fed_back(text, tmp_path, file, "format: messages, ")
    for split in SPLITS:
        assert without_split(after[split]) == without_split(before[split])
    assert sum(line.count(b'"weight":0') for line in before.values()) == 5


def test_a_schema_follows_from_types_and_never_from_what_a_text_looks_like(tmp_path: Path, data: Data) -> None:
    fields = {"day": "2024-01-01", "number": 3, "flag": True, "any": 1, "big": 2**70, "none": None, "tags": ["a"]}
    write_rows(tmp_path, [{**row(n), "response": "Yes.", **fields, "any": "x" if n else 1} for n in range(60)])
    mapped = ", ".join(f"{name}: {name}" for name in fields)
    text = f"data: {{sources: [{{path: rows.jsonl, fields: {{{mapped}}}}}]}}\n"
    table = parquet.read_table(export_of(data, text, "out.parquet"))
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "split": "string",
        "prompt": "string",
        "response": "string",
        "day": "string",
        "number": "int64",
        "flag": "bool",
        "any": "string",
        "big": "string",
        "none": "string",
        "tags": "list<element: string>",
        "parent": "string",
    }
    assert set(table["day"].to_pylist()) == {"2024-01-01"}
    assert set(table["big"].to_pylist()) == {str(2**70)}
    assert set(table["any"].to_pylist()) == {"1", '"x"'}
    (line, *_) = lines_of(export_of(data, text, "out.jsonl"))
    assert line["big"] == 2**70


def test_answers_of_both_kinds_are_messages_in_parquet_and_themselves_in_lines(
    tmp_path: Path, data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path, [*MANY, *(row(n + 100, response="Yes.") for n in range(20))])
    assert {type(each["response"]) for each in lines_of(export_of(data, SOURCE, "out.jsonl"))} == {list, str}
    (tmp_path / "recipe.yaml").write_text(HEAD + SOURCE + EVALUATION)
    capsys.readouterr()
    assert cli.main(["data", "recipe.yaml", "--rows", "0", "--export", "out.parquet"]) == 0
    assert "note: answers are texts in some rows and lists of steps in others" in capsys.readouterr().err
    messages = parquet.read_table("out.parquet")["messages"].to_pylist()
    assert {each[-1]["content"] for each in messages} == {"Yes.", "1. Open it.\n2. Close it."}
    assert {key for each in messages for message in each for key in message} == {"role", "content"}


def test_one_split_is_exported_alone_and_rows_that_were_made_name_their_parent(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(number, category="a" if number < 50 else "b") for number in range(60)])
    text = SOURCE + "preprocessing: [{balance: {by: category, strategy: oversample, max_ratio: 1}}]\n"
    train = lines_of(export_of(data, text, "train.jsonl", "--split", "train"))
    every = lines_of(export_of(data, text, "every.jsonl"))
    assert {each["split"] for each in train} == {"train"}
    assert [each for each in every if each["split"] == "train"] == train
    made = [each for each in train if each["parent"]]
    assert made
    assert {each["parent"] for each in made} <= {each["id"] for each in train if not each["parent"]}


def test_texts_without_a_question_stand_under_text(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, MANY)
    write_rows(tmp_path, [{"text": f"A text {n}."} for n in range(30)], "texts.jsonl")
    sources = "data: {sources: [{path: rows.jsonl}, {path: texts.jsonl, format: completion}]}\n"
    text = sources + "split: {fractions: {train: 0.5, test: 0.5}}\n"
    rows = lines_of(export_of(data, text, "out.jsonl", "--split", "train"))
    assert {tuple(each) for each in rows} == {
        ("id", "split", "prompt", "response", "parent"),
        ("id", "split", "text", "parent"),
    }


def test_a_file_is_replaced_only_on_demand_and_whole(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, MANY)
    (tmp_path / "out.jsonl").write_text("mine")
    said = data(SOURCE, "--export", "out.jsonl", code=2)
    assert said == "error: --export out.jsonl: the file is there already; --force replaces it\n"
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    assert len(lines_of(export_of(data, SOURCE, "out.jsonl", "--force"))) == 60
    taken = SOURCE.replace("category: category", "split: category")
    assert "the rows have a field 'split' of their own" in data(taken, "--export", "out.jsonl", "--force", code=2)
    assert len(lines_of(tmp_path / "out.jsonl")) == 60
    files = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert files == {"out.jsonl", "recipe.yaml", "rows.jsonl"}


ENDS = "the name must end in .parquet, .jsonl, .jsonl.gz"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.csv", f"{ENDS} (a CSV file cannot tell a list of steps from a text)"),
        ("out", ENDS),
        ("nowhere/out.jsonl", "there is no folder nowhere"),
    ],
)
def test_a_name_that_cannot_be_is_told_before_anything_runs(
    tmp_path: Path, data: Data, name: str, message: str
) -> None:
    write_rows(tmp_path, MANY)
    assert data(SOURCE, "--export", name, code=2) == f"error: --export {name}: {message}\n"
    assert not (tmp_path / "runs").exists()


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    out = prepared(recipe(tmp_path, SOURCE), tmp_path)
    for name in ("a.jsonl.gz", "b.jsonl.gz", "a.parquet", "b.parquet"):
        assert export(out, "all", tmp_path / name) == (60, [])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert len(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()) == 60


@pytest.mark.slow
def test_datasets_reads_an_exported_parquet_file(tmp_path: Path, data: Data) -> None:
    import datasets

    write_rows(tmp_path, MANY)
    file = export_of(data, SOURCE, "out.parquet")
    found = datasets.load_dataset("parquet", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert found.num_rows == 60
    assert found[0]["response"] == ["Open it.", "Close it."]


def test_tokens_are_counted_on_demand_and_shown_from_then_on(tmp_path: Path, data: Data) -> None:
    from tests.tiny_model import model_folder

    write_rows(tmp_path, MANY)
    text = SOURCE + "prompt: {chat_template: mistral}\n"
    model = ("--set", f"model.base={model_folder()}", "--rows", "0")
    assert "sequence_len" not in data(text, *model)
    shown = data(text, *model, "--tokens")
    assert "over sequence_len" in shown
    assert "training rows with" in shown
    assert data(text, *model) == shown
    assert json.loads(data(text, *model, "--json"))["tokens"]["splits"]["train"]["rows"] > 0


def test_a_parquet_file_of_questions_and_texts_has_nulls_where_a_row_lacks_a_column(tmp_path: Path, data: Data) -> None:
    write_rows(tmp_path, [row(n, response="Yes.") for n in range(60)])
    write_rows(tmp_path, [{"text": f"A text {n}."} for n in range(30)], "texts.jsonl")
    sources = "data: {sources: [{path: texts.jsonl, format: completion}, {path: rows.jsonl}]}\n"
    table = parquet.read_table(export_of(data, sources, "out.parquet", "--split", "train"))
    rows = table.select(["prompt", "response", "text"]).to_pylist()
    assert {(each["prompt"] is None, each["response"] is None, each["text"] is None) for each in rows} == {
        (True, True, False),
        (False, False, True),
    }


def test_code_beside_the_recipe_is_not_run_before_the_person_agrees(tmp_path: Path, data: Data) -> None:
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "own.py").write_text(
        '"""Own."""\n\n\ndef transform_text(text): return text.upper()\n'
    )
    write_rows(tmp_path, MANY)
    steps = SOURCE + "preprocessing: [own]\n"
    assert "this recipe brings code of its own" in data(steps, code=2)
    assert "[-How do-]{+HOW DO+} I [-do-]{+DO+} 0?" in data(steps, "--trust", "preprocessing/own.py")
