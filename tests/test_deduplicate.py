"""The step `deduplicate`: rows that say the same, rows that nearly do, and what becomes of them."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Digests, Judgement, Row
from resep.errors import ResepError
from resep.paths import data_folder
from resep.plugins import open_plugin
from resep.records import Origin
from resep.similarity.shingles import jaccard
from tests.preparing import SOURCE, examples, ledger, prepared, recipe, row, statistics, write_rows

STEP = open_plugin(data_folder("preprocessing") / "deduplicate.py")
LONG = "how do i reset the password of my account in the mobile application of the bank"


def rows_of(*pairs: tuple[str, Any] | Mapping[str, Any]) -> list[Row]:
    fields = [each if isinstance(each, Mapping) else {"prompt": each[0], "response": each[1]} for each in pairs]
    return [Row(f"r{number}", each, Origin("rows.jsonl", number)) for number, each in enumerate(fields)]


def judged(rows: Sequence[Row], **options: Any) -> tuple[dict[int, str], dict[int, str], dict[str, Any]]:
    """Reasons and groups by row, and the findings."""
    digests = STEP.digest_rows(rows, **options)
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(len(rows), -1)
    said, findings = _all(STEP.judge_rows(Digests(table, lambda at: str(rows[at].origin)), **options))
    assert [each.index for each in said if each.dropped] == sorted(each.index for each in said if each.dropped)
    dropped = {each.index: each.dropped for each in said if each.dropped}
    return dropped, {each.index: each.group for each in said if each.group}, findings


def _all(judgements: Any) -> tuple[list[Judgement], dict[str, Any]]:
    said = []
    while True:
        try:
            said.append(next(judgements))
        except StopIteration as end:
            return said, end.value


def test_rows_that_differ_in_capitals_spaces_and_accents_alone_are_one() -> None:
    rows = rows_of(
        ("Café open?", ["Yes.", "Now."]), ("cafe\u0301  OPEN?", ["yes.", "now. "]), ("Café open?", ["Yes. Now."])
    )
    assert judged(rows)[0] == {1: "duplicate of rows.jsonl:0"}


def test_a_pair_repeats_only_as_a_whole_and_a_prompt_by_itself() -> None:
    rows = rows_of(("a", "b"), ("a", "c"), ("a", "b"))
    assert judged(rows)[0] == {2: "duplicate of rows.jsonl:0"}
    assert judged(rows, by="prompt")[0] == dict.fromkeys((1, 2), "duplicate of rows.jsonl:0")


def test_what_stands_in_the_prompt_is_not_what_stands_in_the_response() -> None:
    assert not judged(rows_of(("a b", "c"), ("a", "b c"), ("a", ["b", "c"])))[0]


def test_conversations_are_compared_with_their_roles_and_calls() -> None:
    def chat(*turns: tuple[str, str], **last: Any) -> dict[str, Any]:
        messages: list[dict[str, Any]] = [{"role": role, "content": content} for role, content in turns]
        return {"messages": [*messages[:-1], {**messages[-1], **last}]}

    asked = ("user", "hello there")
    rows = rows_of(
        chat(asked, ("assistant", "hi")),
        chat(asked, ("assistant", "HI")),
        chat(("system", "hello there"), ("assistant", "hi")),
        chat(asked, ("assistant", "hi"), tool_calls=[{"function": {"name": "greet", "arguments": {}}}]),
    )
    assert judged(rows)[0] == {1: "duplicate of rows.jsonl:0"}
    assert [*judged(rows, by="prompt")[0]] == [1, 3]


def test_texts_without_a_prompt_are_not_all_alike() -> None:
    rows = rows_of({"response": LONG}, {"response": "another text altogether"}, {"response": LONG.upper()})
    for options in ({}, {"by": "prompt"}, {"by": "prompt", "near": 0.9}, {"near": 0.9}):
        assert [*judged(rows, **options)[0]] == [2]


def test_a_near_row_goes_for_the_first_that_stays() -> None:
    rows = rows_of((LONG, "open it"), ("unlike anything", "x"), (LONG + " today", "open it"), (LONG, "open it"))
    dropped, groups, findings = judged(rows, near=0.9)
    assert dropped == {2: "near duplicate of rows.jsonl:0", 3: "duplicate of rows.jsonl:0"}
    assert not groups
    assert findings == {
        "duplicates": 1, "near": 0.9, "action": "drop", "pairs": 1, "components": 1, "rows": 2,
        "largest": [{"rows": 2, "examples": ["rows.jsonl:0", "rows.jsonl:2"]}],
    }  # fmt: skip


def test_the_same_answer_to_other_questions_is_no_near_duplicate() -> None:
    answer = ["Open the settings of the application.", "Choose the item that you want and save it."]
    rows = rows_of((LONG, answer), ("where do i find the exchange rates of today", answer), (LONG + "?", answer))
    assert judged(rows, near=0.8)[0] == {2: "near duplicate of rows.jsonl:0"}


def test_a_constant_question_does_not_hide_near_answers() -> None:
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(500)]
    answers = [" ".join(draw.choices(words, k=15)) for _ in range(400)]
    rows = rows_of(*(("summarise", answer) for answer in answers), ("summarise", answers[7] + " too"))
    assert judged(rows, near=0.8)[0] == {400: "near duplicate of rows.jsonl:7"}


def test_a_chain_does_not_drop_what_is_not_like_the_row_that_stays() -> None:
    chain = [
        LONG,
        LONG.replace("password", "passport"),
        LONG.replace("password", "passport").replace("mobile", "tablet"),
    ]
    assert min(jaccard(chain[0], chain[1]), jaccard(chain[1], chain[2])) > 0.75 > 0.7 > jaccard(chain[0], chain[2])
    rows = rows_of(*((text, "x") for text in chain))
    assert judged(rows, near=0.75)[0] == {1: "near duplicate of rows.jsonl:0"}
    assert len(set(judged(rows, near=0.75, action="group")[1].values())) == 1


def test_what_was_kept_is_not_near_to_anything_else_that_was_kept() -> None:
    slots = [f"how do i {v} the {t} in the {p} app" for v in VERBS for t in THINGS for p in ("bank", "shop", "post")]
    rows = rows_of(*((text, "x") for text in slots))
    dropped = judged(rows, near=0.55)[0]
    kept = [text for at, text in enumerate(slots) if at not in dropped]
    assert 1 < len(kept) < len(slots) / 2
    assert not [(a, b) for a in kept for b in kept if a < b and jaccard(a, b) >= 0.56]


VERBS = ("reset", "change", "open", "close", "delete", "update", "check", "review", "block")
THINGS = ("password", "pin", "address", "card", "limit", "statement", "profile", "picture")


def test_a_group_is_called_by_its_content_and_rows_that_are_alone_have_none() -> None:
    first = [(LONG, "x"), ("something else entirely", "x"), (LONG + " now", "x")]
    groups = judged(rows_of(*first), near=0.8, action="group")[1]
    assert [*groups] == [0, 2]
    more = rows_of(
        ("one more question about exchange rates", "x"), ("one more question on exchange rates", "x"), *first
    )
    again = judged(more, near=0.6, action="group")[1]
    assert {again[2], again[4]} == set(groups.values())
    assert again[0] == again[1] != again[2]


def test_a_report_keeps_near_rows_and_says_how_many() -> None:
    dropped, groups, findings = judged(rows_of((LONG, "x"), (LONG + "?", "x")), near=0.8, action="report")
    assert not dropped
    assert not groups
    assert (findings["components"], findings["rows"]) == (1, 2)
    assert LONG not in str(findings)


@given(st.lists(st.text(alphabet="ab ", max_size=4).filter(str.strip), min_size=1, max_size=12), st.integers(1, 5))
def test_batches_make_no_difference_and_every_repeat_goes(prompts: list[str], size: int) -> None:
    rows = rows_of(*((prompt, "answer") for prompt in prompts))
    for near in (None, 1.0):
        batches = [rows[at : at + size] for at in range(0, len(rows), size)]
        assert STEP.digest_rows(rows, near=near) == [d for each in batches for d in STEP.digest_rows(each, near=near)]
    said = [" ".join(prompt.split()) for prompt in prompts]
    assert [*judged(rows)[0]] == [at for at, text in enumerate(said) if text in said[:at]]


def test_nothing_is_said_of_no_rows() -> None:
    table = np.zeros((0, 1), np.uint8)
    for options in ({}, {"near": 0.8}):
        said, findings = _all(STEP.judge_rows(Digests(table, str), **options))
        assert not said
        assert findings["duplicates"] == 0


def test_a_likeness_that_cannot_be_looked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match=r"deduplicate: near: 0.3 is no likeness to look for: from 0.5"):
        judged(rows_of(("a", "b")), near=0.3)
    with pytest.raises(ResepError, match=r"near: 90 is no likeness"):
        recipe(tmp_path, SOURCE + "preprocessing: [deduplicate: {near: 90}]\n")


def test_an_action_without_near_is_said_to_have_no_effect(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, SOURCE + "preprocessing: [deduplicate: {action: group}]\n")
    assert ["without effect" in each.message for each in loaded.warnings] == [True]


def test_near_rows_are_dropped_in_a_run_and_counted_in_its_statistics(tmp_path: Path) -> None:
    rows = [row(number, prompt=f"{number} {LONG[::-1][number:]} {number**9}") for number in range(40)]
    write_rows(tmp_path, [*rows, row(50, prompt=LONG), row(51, prompt=LONG + "!"), row(52, prompt=LONG)])
    out = prepared(recipe(tmp_path, SOURCE + "preprocessing: [deduplicate: {near: 0.9}]\n"), tmp_path)
    found = statistics(out)
    assert [entry["reason"] for entry in ledger(out)[-2:]] == [
        "near duplicate of rows.jsonl:41",
        "duplicate of rows.jsonl:41",
    ]
    assert found["dropped"]["duplicate"] == found["dropped"]["near duplicate"] == 1
    assert found["steps"][0]["findings"]["duplicates"] == 1
    assert LONG not in (out / "statistics.json").read_text()


def test_a_group_stays_on_one_side_of_the_split(tmp_path: Path) -> None:
    near = [row(number, prompt=f"{LONG} {number}") for number in range(30)]
    write_rows(tmp_path, [*(row(number, prompt=f"{number**7} {number}") for number in range(60)), *near])
    out = prepared(recipe(tmp_path, SOURCE + "preprocessing: [deduplicate: {near: 0.8, action: group}]\n"), tmp_path)
    entries = ledger(out)
    assert len(examples(out)) == 90
    assert len({entry["split"] for entry in entries[60:]}) == 1
    assert len({entry["split"] for entry in entries[:60]}) == 3
