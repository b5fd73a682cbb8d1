"""The tokenise stage: what stands in its files, and that no row is cut or lost without a word."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.models import Model
from resep.records import Example, Message, write_jsonl
from resep.stages.tokenise import preview, stage
from resep.stages.tokenise.overflow import shorten
from resep.store import Stage, Task
from resep.templates import Encoded, Tokenizer, encode, load_template, load_tokenizer
from tests.tiny_model import tokenizer_folder


@pytest.fixture(autouse=True)
def _tokenizer_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.templates.load_tokenizer", _load_tokenizer)


def test_the_files_hold_ids_and_labels_of_the_answers_only(tmp_path: Path) -> None:
    _run(tmp_path, train=[_example("a", "How?", "So."), _example("b", "Why?", "Thus.")], validation=[_example("c")])
    (first, _), columns = _rows(tmp_path / "out/train.parquet")
    assert columns == dict.fromkeys(("input_ids", "attention_mask", "labels"), "list<element: int32>")
    tokenizer = _tokenizer()
    encoded = encode(load_template("mistral", tmp_path, tokenizer), tokenizer, _example("a", "How?", "So.").messages)
    assert first["input_ids"] == encoded.ids
    assert first["attention_mask"] == [1] * len(encoded.ids)
    assert first["labels"] == [i if t else -100 for i, t in zip(encoded.ids, encoded.trained, strict=True)]
    assert first["labels"].count(-100) == len(encoded.ids) - 3  # "▁So", ".", "</s>"


def test_the_statistics_count_rows_and_tokens(tmp_path: Path) -> None:
    statistics = _run(tmp_path, train=[_example("a", "How?", "So."), _example("b", "How?", "So.")])
    counts = {split: dict(list(found.items())[:-2]) for split, found in statistics["splits"].items()}
    assert counts == {
        "train": {"rows": 2, "tokens": 16, "trained_tokens": 6, "longest": 8, "over_limit": 0},
        "validation": {"rows": 0, "tokens": 0, "trained_tokens": 0, "longest": 0, "over_limit": 0},
        "test": {"rows": 0, "tokens": 0, "longest": 0},
    }
    assert (statistics["overflow"], statistics["warnings"], statistics["marker_rows"]) == ([], [], 0)
    assert statistics["overflow_would_lose"] == {}


def test_the_statistics_say_how_long_rows_are_whole_and_in_parts(tmp_path: Path) -> None:
    train = [_example("a", "How?", "So."), _example("b", "How?", "So."), _example("c", "one two three four", "five")]
    statistics = _run(tmp_path, train=train)
    of_train = statistics["splits"]["train"]
    assert of_train["quantiles"] == {
        "tokens": {"50": 8, "90": 9, "95": 9, "99": 9, "max": 9},
        "prompt_tokens": {"50": 5, "90": 7, "95": 7, "99": 7, "max": 7},
        "answer_tokens": {"50": 3, "90": 3, "95": 3, "99": 3, "max": 3},
    }
    assert of_train["histogram"] == {"16": 3}
    assert statistics["splits"]["validation"]["histogram"] == {}
    assert statistics["sequence_len"] == {"99": 64, "100": 64}
    lengths = json.loads((tmp_path / "out/lengths.json").read_text(encoding="utf-8"))
    assert lengths["train"]["tokens"] == {"8": 2, "9": 1}
    assert lengths["validation"] == {"tokens": {}, "prompt_tokens": {}, "answer_tokens": {}}


def test_test_rows_are_counted_by_what_is_asked_and_by_the_answer_that_is_wanted(tmp_path: Path) -> None:
    """All turns but the last are asked; nothing of a test row is cut, however long it is."""
    turns = (*_messages("How?", "So."), *_messages("one two three", "four five"))
    statistics = _run(tmp_path, train=[_example("a")], test=[Example("t", turns, "four five")], limit=16)
    counts = statistics["splits"]["test"]
    assert (counts["rows"], counts["longest"]) == (1, 16)
    assert counts["quantiles"]["answer_tokens"]["max"] == 3  # "four", "five", and the end token
    assert counts["quantiles"]["prompt_tokens"]["max"] == 13
    long = _run(tmp_path / "long", train=[_example("a")], test=[_example("t", "word " * 50)], limit=16)
    assert (long["splits"]["test"]["longest"], long["overflow"]) == (57, [])


def test_a_test_row_that_the_template_refuses_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=r"^test row t: chat template 'mistral': an empty answer"):
        _run(tmp_path, train=[_example("a")], test=[_example("t", "How?", "")])


def test_a_split_without_rows_is_a_file_without_rows(tmp_path: Path) -> None:
    _run(tmp_path, train=[_example("a")], validation=[])
    rows, columns = _rows(tmp_path / "out/validation.parquet")
    assert rows == []
    assert list(columns) == ["input_ids", "attention_mask", "labels"]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [_example(str(n), f"question {n}", "answer") for n in range(1001)]  # two batches
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        _run(folder, train=rows)
    first, second = ({p.name: p.read_bytes() for p in (f / "out").iterdir()} for f in folders)
    assert set(first) == {"train.parquet", "validation.parquet", "statistics.json", "lengths.json", "ledger.jsonl"}
    assert first == second
    assert len(_rows(folders[0] / "out/train.parquet")[0]) == 1001


def test_rows_above_the_limit_stop_the_run_and_are_named_with_file_and_line(tmp_path: Path) -> None:
    ledger = {"id": "long", "file": "data/rows.jsonl", "line": 7, "status": "kept", "split": "train", "reason": None}
    with pytest.raises(ResepError) as error:
        _run(tmp_path, train=[_example("a"), _example("long", "word " * 50)], limit=20, ledger=[ledger])
    assert str(error.value) == (
        "1 of 2 rows have more tokens than training.sequence_len (20); the longest:\n"
        "  train row long (data/rows.jsonl:7): 57 tokens\n"
        "set training.sequence_len to at least 57, or training.overflow to\n"
        "  drop: loses 1 row with 57 tokens, 3 of them trained on\n"
        "  truncate_prompt: loses 37 tokens or a few more of what is asked in 1 row\n"
        "  truncate_response: loses 37 tokens, 3 of them trained on, of 1 row; not possible in 1 of them: the prompt "
        "alone is too long"
    )


def test_a_length_that_holds_nearly_all_rows_is_suggested(tmp_path: Path) -> None:
    rows = [_example(str(n), "word " * (100 if n else 400)) for n in range(150)]
    with pytest.raises(ResepError, match=r"at least 407 \(128 holds 99% of the rows whole\), or"):
        _run(tmp_path, train=rows, limit=20)


SYSTEM = Message("system", "Be brief.")


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize(
    ("policy", "question", "answer", "text"),
    [
        ("drop", "one two three four five six seven eight", "So.", None),
        ("truncate_prompt", "one two three four five six seven eight", "So.", "[INST] Be brief.\n\neight[/INST] So."),
        ("truncate_response", "How?", "one two three four five six", "[INST] Be brief.\n\nHow?[/INST] one two"),
    ],
)
def test_every_policy_works_on_every_split_and_keeps_the_system_prompt(
    tmp_path: Path, split: str, policy: str, question: str, answer: str, text: str | None
) -> None:
    long = Example("long", (SYSTEM, *_messages(question, answer)), answer)
    rows = {"train": [_example("a")], "validation": [_example("b")]}
    rows[split].append(long)
    statistics = _run(tmp_path, train=rows["train"], validation=rows["validation"], limit=12, overflow=policy)
    (entry,) = statistics["overflow"]
    assert (entry["id"], entry["split"], bool(entry["lost"])) == ("long", split, True)
    assert statistics["splits"][split]["over_limit"] == 1
    assert statistics["splits"][split]["longest"] == entry["tokens"] > 12
    left = _rows(tmp_path / f"out/{split}.parquet")[0][1:]
    assert [_text_of(row) for row in left] == ([text] if text else [])
    assert entry["kept"] == sum(len(row["input_ids"]) for row in left) <= 12


def test_what_each_policy_would_lose_is_told_whichever_was_chosen(tmp_path: Path) -> None:
    """16 tokens, of which the last 3 are trained on, and 57 of which only the last 3 are too."""
    rows = [
        _example("a"),
        _example("b", "one two three four five six seven eight nine ten"),
        _example("c", "word " * 50),
    ]
    statistics = _run(tmp_path, train=rows, validation=[_example("d", "How?", "word " * 50)], limit=15, overflow="drop")
    assert statistics["overflow_would_lose"] == {
        "drop": {"rows": 3, "tokens": 129, "trained_tokens": 57, "stuck": 0},
        "truncate_prompt": {"rows": 0, "tokens": 84, "trained_tokens": 0, "stuck": 1},
        "truncate_response": {"rows": 0, "tokens": 84, "trained_tokens": 45, "stuck": 1},
    }


def test_dropped_rows_are_listed_and_warned_about(tmp_path: Path) -> None:
    rows = [_example("a"), _example("long", "word " * 50)]
    statistics = _run(tmp_path, train=rows, limit=20, overflow="drop")
    assert statistics["overflow"] == [
        {"id": "long", "split": "train", "tokens": 57, "kept": 0, "lost": "the whole row"}
    ]
    assert statistics["splits"]["train"]["rows"] == 1
    assert statistics["splits"]["train"]["longest"] == 57
    assert "1 rows have more than training.sequence_len 20 tokens" in statistics["warnings"][0]


def test_a_row_that_is_given_up_here_is_dropped_in_the_ledger_too(tmp_path: Path) -> None:
    kept = {"id": "a", "file": "rows.csv", "line": 2, "status": "kept", "split": "train", "reason": None}
    earlier = {"id": "b", "file": "rows.csv", "line": 3, "status": "dropped", "split": None, "reason": "duplicate"}
    ledger = [kept, earlier, kept | {"id": "long", "line": 4}]
    _run(tmp_path, train=[_example("a"), _example("long", "word " * 50)], limit=20, overflow="drop", ledger=ledger)
    entries = [json.loads(line) for line in (tmp_path / "out/ledger.jsonl").read_text().splitlines()]
    assert entries[:2] == ledger[:2]
    assert (entries[2]["status"], entries[2]["split"]) == ("dropped", None)
    assert entries[2]["reason"] == "longer than training.sequence_len: 57 tokens, the limit is 20"


def test_a_cut_question_keeps_its_end_and_the_answer(tmp_path: Path) -> None:
    rows = [_example("long", "one two three four five six seven eight nine ten", "So.")]
    statistics = _run(tmp_path, train=rows, limit=10, overflow="truncate_prompt")
    assert _text(tmp_path) == "[INST] seven eight nine ten[/INST] So."
    assert statistics["overflow"] == [
        {"id": "long", "split": "train", "tokens": 16, "kept": 10, "lost": "the first 28 characters of the question"}
    ]


def test_the_oldest_exchange_goes_before_the_question_is_cut(tmp_path: Path) -> None:
    turns = [
        Message("system", "Brief."),
        *_messages("old", "old"),
        *_messages("older", "old"),
        *_messages("new", "So."),
    ]
    statistics = _run(tmp_path, train=[Example("a", tuple(turns), "So.")], limit=14, overflow="truncate_prompt")
    assert _text(tmp_path) == "[INST] Brief.\n\nnew[/INST] So."
    assert statistics["overflow"][0]["lost"] == "the first 2 exchange(s)"


def test_a_cut_answer_loses_its_end(tmp_path: Path) -> None:
    rows = [_example("long", "How?", "one two three four five six")]
    statistics = _run(tmp_path, train=rows, limit=8, overflow="truncate_response")
    assert _text(tmp_path) == "[INST] How?[/INST] one two three"
    assert statistics["overflow"][0]["lost"] == "the last 4 tokens, the answer's end token among them"


@pytest.mark.parametrize(
    ("policy", "row", "message"),
    [
        ("truncate_prompt", ("How?", "word " * 50), "the answer itself is too long"),
        ("truncate_response", ("word " * 50, "So."), "its prompt alone fills training.sequence_len"),
        ("drop", ("word " * 50, "So."), "no training rows are left: 1 rows"),
    ],
)
def test_a_row_that_cannot_be_made_to_fit_says_why(
    tmp_path: Path, policy: str, row: tuple[str, str], message: str
) -> None:
    with pytest.raises(ResepError, match=message):
        _run(tmp_path, train=[_example("a", *row)], limit=20, overflow=policy)


@given(
    turns=st.lists(
        st.tuples(st.text("ab c\n", max_size=60), st.text("ab", min_size=1, max_size=5)), min_size=1, max_size=4
    ),
    system=st.sampled_from(["", "be brief"]),
    limit=st.integers(12, 40),
)
def test_a_shortened_prompt_always_fits_and_keeps_the_answer(
    turns: list[tuple[str, str]], system: str, limit: int
) -> None:
    tokenizer = _tokenizer()
    template = load_template("mistral", Path(), tokenizer)
    messages = [Message("system", system), *(m for pair in turns for m in _messages(*pair))]

    def write(conversation: Sequence[Message]) -> Encoded:
        return encode(template, tokenizer, conversation)

    whole = write(messages)
    if len(whole.ids) <= limit:
        return
    shortened = shorten(messages, whole, write, limit, "truncate_prompt")
    assert shortened.encoded is not None
    assert len(shortened.encoded.ids) <= limit
    assert shortened.encoded.text.endswith(f"[/INST] {turns[-1][1]}</s>")
    assert shortened.lost


def test_a_refused_row_is_named_with_its_place(tmp_path: Path) -> None:
    ledger = {"id": "x1", "file": "rows.csv", "line": 3, "status": "kept", "split": "train", "reason": None}
    with pytest.raises(ResepError, match=r"^train row x1 \(rows\.csv:3\): chat template 'mistral': an empty answer"):
        _run(tmp_path, train=[_example("x1", "How?", "")], ledger=[ledger])


def test_a_row_without_a_trained_token_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text(
        "{{ messages[0].content }}{% generation %}{% endgeneration %}", encoding="utf-8"
    )
    with pytest.raises(ResepError, match="train row a: not one of its 2 tokens would be trained on"):
        _run(tmp_path, train=[_example("a", "How?", "")], template="mine.jinja")


def test_no_training_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=r"prepare left train\.jsonl empty"):
        _run(tmp_path, train=[], validation=[_example("a")])


def test_rows_with_a_marker_that_is_plain_text_are_counted_and_warned_about(tmp_path: Path) -> None:
    rows = [_example("a"), _example("b", "What does User: mean?")]
    events: list[Mapping[str, Any]] = []
    statistics = _run(tmp_path, train=rows, template="user_assistant", events=events)
    assert (statistics["marker_rows"], statistics["marker_ids"]) == (1, ["b"])
    assert statistics["markers"] == ["Assistant:", "System:", "User:"]
    assert "rows b" in statistics["warnings"][0]
    assert {"event": "warning", "message": statistics["warnings"][0]} in events
    assert {"event": "progress", "done": 2, "total": 2, "unit": "train rows"} in events


def test_the_stage_is_keyed_by_the_template_s_content_and_no_path(tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    own, shipped, native = (_stage(tmp_path, name) for name in ("mine.jinja", "mistral", "native"))
    assert own.reads == {"chat_template": tmp_path / "mine.jinja"}
    assert shipped.reads["chat_template"].name == "mistral.jinja"
    assert native.reads == {}
    assert shipped.config == {
        "model": "tiny#1",
        "prompt.chat_template": "mistral",
        "prompt.train_on": "assistant",
        "training.sequence_len": 256,
        "training.overflow": "fail",
    }
    assert all(str(tmp_path) not in str(made.config) for made in (own, shipped, native))


def test_an_unknown_template_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="did you mean 'chatml'"):
        _stage(tmp_path, "chat-ml")


def test_a_preview_shows_text_tokens_and_what_is_trained_on(tmp_path: Path) -> None:
    tokenizer = _tokenizer()
    template = load_template("mistral", tmp_path, tokenizer)
    shown = preview(_example("a", "How é?", "So."), template, tokenizer, "assistant")
    assert shown["text"] == "<s>[INST] How é?[/INST] So.</s>"
    assert shown["tokens"] == ["<s>", "[INST]", " How", " é", "?", "[/INST]", " So", ".", "</s>"]
    assert shown["trained"] == [False] * 6 + [True] * 3
    assert (shown["id"], shown["template"], len(shown["ids"])) == ("a", "mistral", 9)
    assert json.loads(json.dumps(shown)) == shown


@dataclass(frozen=True)
class _Recipe:
    """The three things that the stage asks of a recipe."""

    folder: Path
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def pick(self, *keys: str) -> dict[str, Any]:
        return {key: self.values[key] for key in keys}

    def locate(self, key: str) -> Path:
        return self.folder / str(self.values[key])


def _stage(folder: Path, template: str = "mistral", limit: int = 256, overflow: str = "fail") -> Stage:
    values = {
        "prompt.chat_template": template,
        "prompt.train_on": "assistant",
        "training.sequence_len": limit,
        "training.overflow": overflow,
    }
    return stage(_Recipe(folder, values), Model("tiny#1", tokenizer_folder))  # type: ignore[arg-type]


def _run(
    folder: Path,
    *,
    train: Sequence[Example],
    validation: Sequence[Example] = (),
    test: Sequence[Example] = (),
    ledger: Sequence[Mapping[str, Any]] = (),
    template: str = "mistral",
    limit: int = 256,
    overflow: str = "fail",
    events: list[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Run the stage on these rows in `folder`, and return its statistics."""
    prepared, out = folder / "prepare", folder / "out"
    prepared.mkdir(parents=True)
    out.mkdir()
    write_jsonl(prepared / "train.jsonl", train)
    write_jsonl(prepared / "validation.jsonl", validation)
    write_jsonl(prepared / "test.jsonl", test)
    (prepared / "ledger.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in ledger), encoding="utf-8")
    made = _stage(folder, template, limit, overflow)
    task = Task(made.name, made.config, {"prepare": prepared}, out)
    seen: list[Mapping[str, Any]] = [] if events is None else events
    assert list(made.run([task], seen.append)) == [task]
    statistics: dict[str, Any] = json.loads((out / "statistics.json").read_text(encoding="utf-8"))
    return statistics


def _rows(path: Path) -> tuple[list[dict[str, list[int]]], dict[str, str]]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    return table.to_pylist(), {column.name: str(column.type) for column in table.schema}


def _text(folder: Path) -> str:
    """The only training row as text, without its BOS and EOS."""
    (row,), _ = _rows(folder / "out/train.parquet")
    return _text_of(row)


def _text_of(row: Mapping[str, list[int]]) -> str:
    text = _tokenizer().encoders.first.decode(row["input_ids"], skip_special_tokens=False)
    return str(text).removeprefix("<s>").removesuffix("</s>")


_load_tokenizer = functools.cache(load_tokenizer)  # a fifth of a second each time


def _tokenizer() -> Tokenizer:
    return _load_tokenizer(tokenizer_folder())


def _example(name: str, question: str = "How?", answer: str = "So.") -> Example:
    return Example(name, tuple(_messages(question, answer)), answer)


def _messages(question: str, answer: str) -> list[Message]:
    return [Message("user", question), Message("assistant", answer)]
