"""The quickstart's data keeps what its card promises: rows, kinds of app, two languages, no near-repeats."""

import json
import re
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "recipes" / "data" / "quickstart.jsonl"


@cache
def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def test_there_are_29_how_tos_of_each_of_12_kinds_of_app() -> None:
    kinds = "banking calendar cloud_storage email fitness food_delivery maps messaging shopping smart_home social_media"
    assert Counter(row["category"] for row in _rows()) == dict.fromkeys([*kinds.split(), "streaming"], 29)


def test_more_than_a_tenth_is_indonesian_in_every_kind_of_app() -> None:
    assert Counter(row["language"] for row in _rows()) == {"en": 300, "id": 48}
    assert set(Counter(row["category"] for row in _rows() if row["language"] == "id").values()) == {4}


def test_every_answer_has_three_to_eight_steps() -> None:
    assert _rows()
    for row in _rows():
        assert 3 <= len(row["response"]) <= 8, row["prompt"]
        assert all(step.strip() for step in row["response"])


def test_no_two_prompts_are_alike_above_08_in_character_5_grams() -> None:
    grams = [{p[i : i + 5] for i in range(len(p) - 4)} for p in (row["prompt"].lower() for row in _rows())]
    similarities = [len(a & b) / len(a | b) for a, b in combinations(grams, 2)]
    assert len(similarities) == 348 * 347 // 2
    assert max(similarities) <= 0.8


def test_some_rows_hold_invented_personal_data() -> None:
    text = [" ".join([row["prompt"], *row["response"]]) for row in _rows()]
    assert sum("@example." in row for row in text) >= 8
    assert sum(bool(re.search(r"INV-[0-9]{6}", row)) for row in text) >= 6
    assert sum(bool(re.search(r"[0-9]{3,4}[-. ][0-9]{3,4}", row)) for row in text) >= 8
    assert not any(re.search(r"@(?!example\.(com|org))", row) for row in text)
