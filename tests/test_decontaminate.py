"""The step `decontaminate`: rows that ask what a test file asks do not reach training."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Digests, Row
from resep.errors import RecipeError, ResepError
from resep.paths import data_folder
from resep.plugins import open_plugin
from resep.records import Origin
from resep.similarity.questions import labels
from resep.stages.prepare.step_files import located_steps, step_files
from tests.preparing import SOURCE, ledger, prepared, recipe, row, statistics, write_rows

STEP = open_plugin(data_folder("preprocessing") / "decontaminate.py")
ASKED = "how do i reset the password of my account in the mobile application of the bank"
OTHER = "where do i find the exchange rates of last week"


@pytest.fixture
def held(tmp_path: Path) -> str:
    write_rows(tmp_path, [{"prompt": OTHER, "response": "a"}, {"prompt": ASKED, "response": "b"}], "held.jsonl")
    return str(tmp_path / "held.jsonl")


def reasons(rows: Sequence[Row], **options: Any) -> list[str | None]:
    digests = STEP.digest_rows(rows, **options)
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(len(rows), -1)
    said = {each.index: each.dropped for each in STEP.judge_rows(Digests(table, str), **options)}
    return [said.get(at) for at in range(len(rows))]


def asking(*prompts: str, response: str = "Open the settings.") -> list[Row]:
    return [Row(str(at), {"prompt": text, "response": response}, Origin("a", at)) for at, text in enumerate(prompts)]


def test_a_row_goes_that_asks_the_same_or_nearly_the_same(held: str) -> None:
    rows = asking(ASKED.upper() + " ", ASKED.replace("password", "passport"), "how do i close my account", OTHER)
    assert reasons(rows, files=[held]) == [
        "a copy of held.jsonl:2",
        "nearly a copy of held.jsonl:2",
        None,
        "a copy of held.jsonl:1",
    ]


def test_a_row_goes_that_holds_a_question_within_a_longer_text(held: str) -> None:
    longer = (
        f"Dear all, a customer asks: {ASKED.title()}, and I do not know what to answer. Please help me with this one"
    )
    assert reasons(asking(longer), files=[held]) == ["has 13 words of held.jsonl:2"]
    assert reasons(asking("x", response=longer), files=[held]) == ["has 13 words of held.jsonl:2"]
    assert reasons(asking(longer), files=[held], ngram=None) == [None]
    assert reasons(asking(longer.replace("Mobile", "Quite Mobile")), files=[held], ngram=13) == [None]


def test_a_run_of_words_that_many_test_rows_share_is_a_phrase(tmp_path: Path) -> None:
    phrase = "you are a helpful assistant and answer all questions of the users of our application"
    write_rows(tmp_path, [{"prompt": f"{phrase}: {'z' * 60}{n}{'y' * 60}"} for n in range(11)], "held.jsonl")
    rows = asking(f"{phrase}: please summarise the minutes of the meeting that we had on the third of march")
    assert reasons(rows, files=[str(tmp_path / "held.jsonl")]) == [None]
    write_rows(tmp_path, [{"prompt": f"{phrase}: {'z' * 60}{n}{'y' * 60}"} for n in range(10)], "held.jsonl")
    assert reasons(rows, files=[str(tmp_path / "held.jsonl")]) == ["has 13 words of held.jsonl:1"]


def test_a_conversation_is_compared_by_what_its_user_says(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": "ok"},
    ]
    shared = [{"from": "human", "value": OTHER}, {"from": "gpt", "value": "ok"}]
    write_rows(tmp_path, [{"messages": turns}], "chats.jsonl")
    write_rows(tmp_path, [{"conversations": shared}], "shared.jsonl")
    chat = Row("1", {"messages": turns[1:]}, Origin("a", 1))
    files = [str(tmp_path / "chats.jsonl"), str(tmp_path / "shared.jsonl")]
    assert reasons([chat, *asking(OTHER)], files=files) == ["a copy of chats.jsonl:1", "a copy of shared.jsonl:1"]


def test_the_question_is_in_the_field_with_a_usual_name_or_in_the_one_that_is_named(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["utterance", "Question"], ["x", ASKED], [OTHER, "y"]])
    files = [str(tmp_path / "t.csv")]
    assert reasons(asking(ASKED, OTHER), files=files) == ["a copy of t.csv:2", None]
    assert reasons(asking(ASKED, OTHER), files=files, field="utterance") == [None, "a copy of t.csv:3"]
    with pytest.raises(ResepError, match="did you mean 'utterance'"):
        reasons(asking(ASKED), files=files, field="utterence")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([{"a": "x"}], "held.jsonl:1: no field has a usual name for a question; the row has 'a'"),
        ([{"prompt": "x"}, {"prompt": 3}], "held.jsonl:2: field 'prompt' holds no text"),
        ([{"prompt": "x"}, '{"prompt": "secret'], "held.jsonl:2: "),
        ([{"prompt": " "}], "no row of held.jsonl asks anything"),
        ([{"messages": [{"role": "assistant", "content": "hello"}]}], "holds no text and no conversation"),
    ],
)
def test_a_test_row_that_cannot_be_read_stops_the_run(tmp_path: Path, lines: list[Any], said: str) -> None:
    write_rows(tmp_path, lines, "held.jsonl")
    with pytest.raises(ResepError) as caught:
        reasons(asking(ASKED), files=[str(tmp_path / "held.jsonl")])
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_changed_is_read_again(tmp_path: Path, held: str) -> None:
    assert reasons(asking(OTHER), files=[held]) == ["a copy of held.jsonl:1"]
    write_rows(tmp_path, [{"prompt": "something else"}], "held.jsonl")
    assert reasons(asking(OTHER), files=[held]) == [None]


@given(st.lists(st.sampled_from([ASKED, OTHER, ASKED + "?", "short", OTHER[:20]]), min_size=1), st.integers(1, 4))
def test_batches_make_no_difference(tmp_path_factory: pytest.TempPathFactory, prompts: list[str], size: int) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "held.jsonl").write_text(json.dumps({"prompt": ASKED}) + "\n", encoding="utf-8")
    rows, files = asking(*prompts), [str(folder / "held.jsonl")]
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    assert STEP.digest_rows(rows, files=files) == [d for each in batches for d in STEP.digest_rows(each, files=files)]


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    assert labels(["/a/b/test.csv", "/a/c/test.csv"]) == ["b/test.csv", "c/test.csv"]
    assert labels(["/a/test.csv", "/b/dev.csv", "/a/test.csv"]) == ["test.csv", "dev.csv", "test.csv"]


CONFIG = SOURCE + "preprocessing: [decontaminate: {files: [tests/held.jsonl]}]\n"


def test_contaminated_rows_are_in_the_ledger_with_the_place_that_they_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    write_rows(tmp_path / "tests", [{"prompt": OTHER}, {"prompt": ASKED}], "held.jsonl")
    write_rows(tmp_path, [*(row(number) for number in range(60)), row(70, prompt=ASKED + "?")])
    monkeypatch.chdir(tmp_path)
    out = prepared(recipe(tmp_path, CONFIG), tmp_path)
    assert ledger(out)[-1]["reason"] == "nearly a copy of held.jsonl:2"
    found = statistics(out)
    assert found["dropped"] == {"nearly a copy": 1}
    assert found["steps"][0]["findings"] == {"references": 2, "copies": 0, "near_copies": 1, "shared_words": 0}


def test_the_files_of_steps_lie_beside_the_recipe_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    loaded = recipe(tmp_path, CONFIG)
    with pytest.raises(ResepError, match=r"tests/held.jsonl: no such file"):
        step_files(loaded)
    write_rows(tmp_path / "tests", [{"prompt": OTHER}], "held.jsonl")
    assert step_files(loaded) == {"tests/held.jsonl": tmp_path / "tests" / "held.jsonl"}
    assert located_steps(loaded)[0].options["files"] == [str(tmp_path / "tests" / "held.jsonl")]
    assert loaded.steps[0].options["files"] == ["tests/held.jsonl"]


@pytest.mark.parametrize(
    ("options", "where", "said"),
    [
        ("{}", "preprocessing[0].decontaminate.files", "'files' is missing"),
        ("{files: [../held.jsonl]}", "preprocessing[0].decontaminate.files[0]", "leads out of the recipe's folder"),
        ("{files: [a.csv], threshold: 0.2}", "preprocessing[0].decontaminate.threshold", "from 0.5"),
        ("{files: [a.csv], ngram: 2}", "preprocessing[0].decontaminate.ngram", "by chance"),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path: Path, options: str, where: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, SOURCE + f"preprocessing: [decontaminate: {options}]\n")
    (problem,) = caught.value.problems
    assert problem.where == where
    assert said in problem.message
