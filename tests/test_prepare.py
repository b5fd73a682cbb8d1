"""The stage `prepare`, run on recipes: rows in, examples, ledger and statistics out, or an error that teaches."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep import Example
from resep.errors import ResepError
from resep.recipe import Recipe
from resep.records import read_jsonl
from resep.stages import prepare
from tests.preparing import SOURCE, SPLITS, examples, ledger, prepared, recipe, row, statistics, write_rows


def refusal(loaded: Recipe, folder: Path) -> str:
    with pytest.raises(ResepError) as caught:
        prepared(loaded, folder)
    return str(caught.value)


MANY = [row(number) for number in range(60)]
STEPS = """\
preprocessing:
  - placeholders: {patterns: {ORDER: "INV-[0-9]{6}"}}
  - lowercase
  - strip_punctuation
  - deduplicate
"""


def test_a_list_of_steps_becomes_a_numbered_text_after_cleaning(tmp_path: Path) -> None:
    write_rows(tmp_path, [*MANY, row(99, prompt="Mail A@b.co, INV-123456!", response=["Open: it", "1) Close it..."])])
    found = examples(prepared(recipe(tmp_path, SOURCE + STEPS), tmp_path))
    (example,) = [example for example in found if "[EMAIL]" in example.messages[0].content]
    assert example.messages[0].content == "mail [EMAIL] [ORDER]"
    assert example.messages[1].content == "1. open it\n2. 1 close it"
    assert example.target == ("open it", "1 close it")
    assert example.metadata == {"category": "c"}


def test_every_row_is_in_the_ledger_and_the_statistics_agree(tmp_path: Path) -> None:
    write_rows(
        tmp_path, [*MANY, row(0, prompt="how do i DO 0"), row(70, prompt="?!"), row(71, prompt="call 081234567890")]
    )
    out = prepared(recipe(tmp_path, SOURCE + STEPS), tmp_path)
    entries, counts = ledger(out), statistics(out)
    assert [entry["line"] for entry in entries] == list(range(1, 64))
    assert entries[0].keys() == {"id", "file", "line", "source", "status", "split", "step", "reason"}
    assert [entry["reason"] for entry in entries if entry["status"] == "dropped"] == [
        "duplicate of rows.jsonl:1",
        "prompt is empty after preprocessing",
    ]
    assert (counts["rows_in"], counts["rows_kept"]) == (63, 61)
    assert counts["dropped"] == {"duplicate": 1, "prompt is empty after preprocessing": 1}
    assert counts["splits"] == {split: sum(entry["split"] == split for entry in entries) for split in SPLITS}
    assert counts["placeholders"] == {"[PHONE]": 1}
    assert {name: counts["steps"][2][name] for name in ("rows_in", "rows_out", "changed", "dropped")} == {
        "rows_in": 63,
        "rows_out": 62,
        "changed": 63,
        "dropped": {"prompt is empty after preprocessing": 1},
    }
    assert (counts["steps"][3]["rows_in"], counts["steps"][3]["rows_out"]) == (62, 61)
    assert counts["steps"][3]["dropped"] == {"duplicate": 1}
    ids = {split: [example.id for example in read_jsonl(out / f"{split}.jsonl", Example)] for split in SPLITS}
    assert ids == {split: [entry["id"] for entry in entries if entry["split"] == split] for split in SPLITS}


def test_no_personal_data_reaches_ledger_or_statistics(tmp_path: Path) -> None:
    secret = [
        row(100 + n, prompt=f"{n}: I am budi{n}@toko.co.id, {{{{Budi S}}}} [BUDI]", response="081234567890")
        for n in range(20)
    ]
    write_rows(tmp_path, [*MANY, *secret, secret[0], {"prompt": "budi@toko.co.id"}])
    out = prepared(
        recipe(tmp_path, SOURCE.replace("max_dropped: 1", "max_dropped: 1, on_bad_row: skip") + STEPS), tmp_path
    )
    written = (out / "ledger.jsonl").read_text() + (out / "statistics.json").read_text()
    assert "budi" not in written.lower()
    assert "8123" not in written
    assert statistics(out)["placeholders"]["other"] == 40
    assert statistics(out)["dropped"] == {"bad row: field 'response' is missing": 1, "duplicate": 1}


def test_rows_are_named_by_their_content_so_that_inserting_one_renames_none(tmp_path: Path) -> None:
    write_rows(tmp_path, [*MANY, MANY[3]])
    before = {entry["id"] for entry in ledger(prepared(recipe(tmp_path), tmp_path))}
    write_rows(tmp_path, [row(1000), *reversed(MANY), MANY[3]])
    after = {entry["id"] for entry in ledger(prepared(recipe(tmp_path), tmp_path))}
    assert len(before) == 61
    assert len(after - before) == 1
    assert sum(name.endswith("#2") for name in after) == 1


def test_the_same_data_in_another_format_gives_the_same_rows(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    from_lines = examples(prepared(recipe(tmp_path), tmp_path))
    (tmp_path / "rows.json").write_text(json.dumps([dict(reversed(each.items())) for each in MANY], indent=2))
    from_list = examples(prepared(recipe(tmp_path, SOURCE.replace("jsonl", "json")), tmp_path))
    assert from_lines == from_list


def test_conversations_keep_their_turns_and_get_the_recipes_system_prompt(tmp_path: Path) -> None:
    turns = [("user", "Hi, {n}!"), ("assistant", "Hello!"), ("user", "Why?"), ("assistant", "So.")]
    data = [{"chat": [{"role": r, "content": c.replace("{n}", str(n)), "x": 1} for r, c in turns]} for n in range(60)]
    write_rows(tmp_path, data)
    text = """\
        data: {sources: [{path: rows.jsonl, format: messages, fields: {messages: chat}}]}
        prompt: {system: Be kind.}
        preprocessing: [lowercase, {strip_punctuation: {fields: [prompt]}}]
    """
    example = examples(prepared(recipe(tmp_path, text), tmp_path))[0]
    assert [message.role for message in example.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert example.messages[0].content == "Be kind."
    assert example.messages[1].content.startswith("hi ")
    assert "," not in example.messages[1].content
    assert [message.content for message in example.messages[2:]] == ["hello!", "why", "so."]
    assert example.target == "so."


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (["user"], "the last message (1) is from 'user': the answer of 'assistant' is missing"),
        (["assistant", "user"], "message 1 is from 'assistant', where 'user' was expected"),
        (["user", "user", "assistant"], "message 2 is from 'user', where 'assistant' was expected"),
        (["user", "system", "assistant"], "message 2 is from 'system'"),
        (["system"], "the last message (1) is from 'system'"),
        (["user", "bot"], "message 2 has a role that is not system, developer, user, assistant or tool: 'bot'"),
        ([], "field 'messages' is an empty list"),
    ],
)
def test_a_conversation_out_of_turn_says_role_and_position(tmp_path: Path, messages: list[str], message: str) -> None:
    write_rows(tmp_path, [{"messages": [{"role": role, "content": "x"} for role in messages]}])
    text = "data: {sources: [{path: rows.jsonl, format: messages}]}\n"
    assert f"rows.jsonl:1: {message}" in refusal(recipe(tmp_path, text), tmp_path)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            {"prompt": "p", "respons": "r", "category": "c"},
            "field 'response' is missing; the row has 'prompt', 'respons', 'category'; did you mean 'respons'? "
            "(write in its source: `fields: {response: respons}`)",
        ),
        (row(1, prompt=3), "field 'prompt' is a number: a text was expected"),
        (row(1, prompt=None), "field 'prompt' is null"),
        (row(1, prompt=" \n"), "field 'prompt' is empty"),
        (row(1, response=[]), "field 'response' is an empty list of steps"),
        (row(1, response=["a", ""]), "field 'response', step 2, is empty"),
        (row(1, response=["a", 2]), "field 'response', step 2, is a number"),
        (row(1, response={"a": 1}), "field 'response' is an object: a text or a list of steps was expected"),
        ('{"prompt": "p", "response": ["a" "b"]}', ":34: a comma is missing between two texts"),
    ],
)
def test_a_bad_row_stops_the_run_with_its_place_or_is_dropped_with_its_reason(
    tmp_path: Path, bad: Any, message: str
) -> None:
    write_rows(tmp_path, [*MANY, bad])
    stopped = refusal(recipe(tmp_path), tmp_path)
    assert stopped.startswith("rows.jsonl:61:")
    assert message in stopped
    assert "`data.on_bad_row: skip`" in stopped
    out = prepared(recipe(tmp_path, SOURCE, "data.on_bad_row=skip"), tmp_path)
    last = ledger(out)[-1]
    assert (last["line"], last["status"]) == (61, "dropped")
    assert last["reason"].startswith("bad row: ")
    assert statistics(out)["warnings"][0].startswith("1 of 61 rows could not be used, because: ")


def test_a_mapped_id_names_the_row_and_may_not_stand_twice(tmp_path: Path) -> None:
    text = "data: {sources: [{path: rows.jsonl, fields: {id: nr}}]}\n"
    write_rows(tmp_path, [row(number, nr=number) for number in range(60)])
    assert {entry["id"] for entry in ledger(prepared(recipe(tmp_path, text), tmp_path))} == {str(n) for n in range(60)}
    write_rows(tmp_path, [row(1, nr=1), row(2, nr="1")])
    assert "rows.jsonl:2: another row has the same id" in refusal(recipe(tmp_path, text), tmp_path)


def test_a_run_that_was_cut_short_begins_again(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    whole = ledger(prepared(recipe(tmp_path), tmp_path))
    (tmp_path / "out" / "train.jsonl").write_text("stale\n" * 1000)
    assert ledger(prepared(recipe(tmp_path), tmp_path)) == whole
    assert len(examples(tmp_path / "out")) == len(MANY)


def test_two_sources_are_read_one_after_the_other_up_to_their_limits(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    (tmp_path / "b.csv").write_text("question,answer\n" + "".join(f"q{n},a{n}\n" for n in range(50)))
    text = """\
        data:
          sources:
            - {path: rows.jsonl, limit: 40}
            - {path: b.csv, fields: {prompt: question, response: answer}}
    """
    entries = ledger(prepared(recipe(tmp_path, text), tmp_path))
    assert Counter(entry["file"] for entry in entries) == {"rows.jsonl": 40, "b.csv": 50}


def test_a_csv_with_another_separator_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("prompt;response\na;b\n")
    assert "separated by semicolons" in refusal(recipe(tmp_path, "data: {sources: [{path: b.csv}]}\n"), tmp_path)


def test_a_source_that_is_not_there_is_said_before_anything_runs(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    with pytest.raises(ResepError, match=r"row\.jsonl: no such file in .*; did you mean 'rows\.jsonl'"):
        prepare.stage(recipe(tmp_path, "data: {sources: [{path: row.jsonl}]}\n"))


def test_the_key_holds_what_steers_and_no_path_of_the_machine(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    stage = prepare.stage(recipe(tmp_path, SOURCE + STEPS))
    assert str(tmp_path) not in json.dumps(stage.config)
    assert stage.config["preprocessing"][2]["options"] == {"replace_with": " ", "keep": ""}
    assert set(stage.reads) == {"rows.jsonl"} | {
        f"preprocessing/{name}.py" for name in ("placeholders", "lowercase", "strip_punctuation", "deduplicate")
    }


def test_classes_are_in_every_split_and_small_ones_are_named(tmp_path: Path) -> None:
    data = [row(n, category="big" if n < 50 else "three" if n < 53 else "two") for n in range(55)]
    write_rows(tmp_path, data)
    events: list[Mapping[str, Any]] = []
    out = prepared(recipe(tmp_path, SOURCE + "split: {stratify_by: category}\n"), tmp_path, events)
    assert statistics(out)["strata"]["three"] == {"train": 1, "validation": 1, "test": 1}
    told = statistics(out)["warnings"]
    assert told[0] == "1 value of 'category' has too few prompts to be in every split: 'two' (2 rows)"
    assert told[1].startswith("'category' is very uneven in training: 'big' has ")
    assert told[2].startswith("2 of 3 values of 'category' have fewer than 5 training rows: ")
    assert [event["message"] for event in events if event["event"] == "warning"] == told


def test_rows_beyond_the_limit_of_a_split_are_dropped_with_that_reason(tmp_path: Path) -> None:
    write_rows(tmp_path, MANY)
    out = prepared(recipe(tmp_path, SOURCE + "split: {max_rows: {train: 10, test: 2}}\n"), tmp_path)
    counts = statistics(out)
    assert (counts["splits"]["train"], counts["splits"]["test"]) == (10, 2)
    assert counts["dropped"] == {"beyond split.max_rows": 60 - counts["rows_kept"]}


def test_when_all_rows_are_dropped_the_counts_are_given(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(n, prompt="?" * n) for n in range(1, 5)])
    message = refusal(recipe(tmp_path, SOURCE + STEPS), tmp_path)
    assert message == "no rows are left: all 4 were dropped (4 prompt is empty after preprocessing)"


def test_more_dropped_rows_than_allowed_stop_the_run(tmp_path: Path) -> None:
    write_rows(tmp_path, [*MANY, *MANY, *MANY])
    message = refusal(recipe(tmp_path, SOURCE.replace("max_dropped: 1", "max_dropped: 0.5") + STEPS), tmp_path)
    assert "120 of 180 rows were dropped (120 duplicate)" in message


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_split_is_a_clear_stop(tmp_path: Path, split: str) -> None:
    write_rows(tmp_path, MANY[:1])
    halves = SOURCE + "split: {fractions: {train: 0.5, test: 0.5}}\n"
    messages = {refusal(recipe(tmp_path, halves, f'split.salt="{salt}"'), tmp_path) for salt in range(8)}
    advice = f"give more rows, a larger `split.fractions.{split}`, or another `split.salt`"
    assert f"no {split} rows: none of the 1 rows fell into this split of 50%; {advice}" in messages


OWN_STEPS = {
    "too_long": "def check_row(row, *, size: int = 9): return 'too long' if len(row.fields['prompt']) > size else None",
    "forgetful": "def process_rows(rows): return (row for row in rows if 'x' not in row.fields['prompt'])",
    "broken": "def transform_text(text): return text[10**6 * ('secret' in text)] and text",
    "shy": "def check_row(row): return 'no mail' if '[EMAIL]' not in row.fields['prompt'] else None",
}


@pytest.fixture
def own_steps(tmp_path: Path, consent: None) -> Path:  # noqa: ARG001
    (tmp_path / "preprocessing").mkdir()
    for name, code in OWN_STEPS.items():
        (tmp_path / "preprocessing" / f"{name}.py").write_text(f'"""A step of our own."""\n{code}\n')
    return tmp_path


def test_a_check_drops_rows_with_its_reason(own_steps: Path) -> None:
    write_rows(own_steps, [*MANY, *[row(n, prompt=f"do {n}") for n in range(60)]])
    out = prepared(recipe(own_steps, SOURCE + "preprocessing: [too_long]\n"), own_steps)
    assert statistics(out)["dropped"] == {"too long": 60}


def test_a_step_between_text_steps_sees_placeholders_written_out(own_steps: Path) -> None:
    write_rows(own_steps, [row(n, prompt=f"Do {n}, a@b.co") for n in range(60)])
    out = prepared(
        recipe(own_steps, SOURCE + "preprocessing: [placeholders, shy, lowercase, strip_punctuation]\n"), own_steps
    )
    assert statistics(out)["dropped"] == {}
    assert all(example.messages[0].content.endswith(" [EMAIL]") for example in examples(out))


def test_a_step_that_loses_rows_is_told_how_to_drop_them(own_steps: Path) -> None:
    write_rows(own_steps, [*MANY, row(1, prompt="x")])
    message = refusal(recipe(own_steps, SOURCE + "preprocessing: [forgetful]\n"), own_steps)
    assert "'forgetful' was given 61 rows and returned 60: a row that shall not go on is yielded" in message


def test_a_step_that_cannot_work_at_all_is_told_before_any_row(own_steps: Path) -> None:
    (own_steps / "preprocessing" / "broken.py").write_text(
        '"""A step."""\ndef transform_text(text): return text.lowr()\n'
    )
    write_rows(own_steps, MANY)
    message = refusal(recipe(own_steps, SOURCE + "preprocessing: [broken]\n"), own_steps)
    assert message.startswith("preprocessing.broken: fails on any text: AttributeError")


def test_a_step_that_fails_names_the_row_and_not_its_text(own_steps: Path) -> None:
    write_rows(own_steps, [row(1, prompt="secret")])
    message = refusal(recipe(own_steps, SOURCE + "preprocessing: [broken]\n"), own_steps)
    assert message == "rows.jsonl:1: preprocessing step 'broken' failed with IndexError at line 2 of broken.py"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("5", "preprocessing.odd: transform_text returns int, not a text"),
        ("None if 'secret' in text else text", "rows.jsonl:1: preprocessing step 'odd' returned NoneType, not a text"),
    ],
)
@pytest.mark.usefixtures("consent")
def test_a_step_that_returns_no_text_is_told(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "odd.py").write_text(f'"""A step."""\ndef transform_text(text): return {code}\n')
    write_rows(tmp_path, [row(1, prompt="secret")])
    assert refusal(recipe(tmp_path, SOURCE + "preprocessing: [odd]\n"), tmp_path) == message


MANY_TEXTS = "def transform_text(text): return text\ndef make_transforms(): return lambda texts: "


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("texts[:-1]", "preprocessing step 'own' made 2 texts of 3"),
        ("[None] + texts[1:]", "rows.jsonl:1: preprocessing step 'own' returned NoneType, not a text"),
        ("texts[9]", "preprocessing step 'own' failed with IndexError at line 3 of own.py"),
    ],
)
@pytest.mark.usefixtures("consent")
def test_a_step_that_fails_on_many_texts_is_told(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "own.py").write_text(f'"""A step."""\n{MANY_TEXTS}{code}\n')
    write_rows(tmp_path, [row(1)])
    assert refusal(recipe(tmp_path, SOURCE + "preprocessing: [own]\n"), tmp_path) == message


@pytest.mark.usefixtures("consent")
def test_the_engine_takes_the_way_for_many_texts(tmp_path: Path) -> None:
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "own.py").write_text(f'"""A step."""\n{MANY_TEXTS}[t + "!" for t in texts]\n')
    write_rows(tmp_path, MANY)
    out = prepared(recipe(tmp_path, SOURCE + "preprocessing: [own]\n"), tmp_path)
    assert all(example.messages[0].content.endswith("!") for example in examples(out))


@pytest.mark.parametrize("key", ["split.stratify_by", "split.group_by"])
def test_a_field_that_no_source_maps_is_refused(tmp_path: Path, key: str) -> None:
    write_rows(tmp_path, MANY)
    with pytest.raises(ResepError, match="catgory"):
        prepare.stage(recipe(tmp_path, SOURCE, f"{key}=catgory"))


TEXTS = st.sampled_from(["", " ", "?", "How?", "how", "a@b.co", "[INST]", "{{Name}}", "\ue041", "x" * 50])
FAULTY = st.fixed_dictionaries(
    {},
    optional={
        "prompt": TEXTS | st.none(),
        "response": TEXTS | st.lists(TEXTS, max_size=3) | st.integers(),
        "category": TEXTS,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FAULTY | st.sampled_from(["{", "[]", '{"a": 1,}', "null"]), max_size=12))
def test_the_ledger_closes_whatever_the_rows(tmp_path: Path, faulty: list[Any]) -> None:
    write_rows(tmp_path, [*MANY, *faulty])
    out = prepared(
        recipe(tmp_path, SOURCE + STEPS + "split: {max_rows: {train: 30}}\n", "data.on_bad_row=skip"), tmp_path
    )
    entries, counts = ledger(out), statistics(out)
    assert len(entries) == counts["rows_in"] == len(MANY) + len(faulty)
    assert counts["rows_kept"] == len(examples(out)) == sum(entry["status"] == "kept" for entry in entries)
    assert counts["rows_in"] == counts["rows_kept"] + sum(counts["dropped"].values())
    assert all((entry["status"] == "dropped") == bool(entry["reason"]) for entry in entries)
    assert len({entry["id"] for entry in entries}) == len(entries)
