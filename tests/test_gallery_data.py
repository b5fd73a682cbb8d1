"""The sample data of the gallery keeps what its cards promise: rows, classes, forms, and no near-repeats."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from resep.paths import data_folder
from resep.recipe import load
from tests.preparing import examples, prepared, statistics

DATA = data_folder("recipes") / "data"
BANKING = Path(__file__).parents[2] / "shared" / "data" / "banking77"
CARDS = (DATA / "README.md").read_text(encoding="utf-8")
Row = dict[str, Any]
# file -> how a row's prompt is read
PROMPTS: Mapping[str, Callable[[Row], str]] = {
    "persona_chat": lambda row: "\n".join(m["content"] for m in row["messages"] if m["role"] == "user"),
    "bank_support": lambda row: row["query"],
    "sensor_actions": lambda row: row["question"] + " " + ", ".join(map(str, row["readings"])),
    "indonesian_chat": lambda row: row["prompt"],
    "eight_steps": lambda row: row["prompt"],
}

every_file = pytest.mark.parametrize("name", PROMPTS)


@cache
def rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@every_file
def test_there_are_as_many_rows_as_the_card_says_and_at_least_150(name: str) -> None:
    card = CARDS.partition(f"## {name}.jsonl\n")[2].partition("\n## ")[0]
    told = re.search(r"\| rows \| (\d+)", card)
    assert told
    assert len(rows(name)) == int(told[1]) >= 150


@every_file
def test_no_two_prompts_are_alike_above_08_in_character_5_grams(name: str) -> None:
    prompts = [PROMPTS[name](row).lower() for row in rows(name)]
    grams = [{text[at : at + 5] for at in range(len(text) - 4)} for text in prompts]
    alike = max((len(a & b) / len(a | b), at) for at, (a, b) in enumerate(combinations(grams, 2)))
    assert alike[0] <= 0.8


@every_file
def test_addresses_are_invented(name: str) -> None:
    text = (DATA / f"{name}.jsonl").read_text(encoding="utf-8")
    assert not re.search(r"@(?!example\.(?:com|org))\w+\.\w", text)


def test_a_chat_ends_with_an_answer_that_holds_its_fact() -> None:
    for row in rows("persona_chat"):
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        assert re.search(rf"(?<!\w){re.escape(row['fact'])}(?!\w)", row["messages"][-1]["content"]), row["fact"]
    assert len({row["messages"][0]["content"] for row in rows("persona_chat")}) == 1
    assert sum(len(row["messages"]) > 3 for row in rows("persona_chat")) >= 60


def test_a_bank_has_eight_rows_of_every_class_and_each_class_one_primary_category() -> None:
    assert {tuple(row) for row in rows("bank_support")} == {("query", "primary", "secondary")}
    assert min(Counter(row["secondary"] for row in rows("bank_support")).values()) >= 8
    primary_of = {(row["secondary"], row["primary"]) for row in rows("bank_support")}
    assert len(primary_of) == len({secondary for secondary, _ in primary_of})


def test_all_77_labels_have_a_primary_category_of_ours() -> None:
    header, *lines = (DATA / "banking77_categories.csv").read_text(encoding="utf-8").splitlines()
    mapping = dict(line.split(",") for line in lines)
    assert header == "label,primary"
    assert len(mapping) == len(lines) == 77
    assert set(mapping.values()) == {row["primary"] for row in rows("bank_support")}


@pytest.mark.skipif(not BANKING.exists(), reason="banking77 is not here")
def test_banking77_needs_no_script_but_the_lines_that_its_recipe_tells(tmp_path: Path) -> None:
    ours = (DATA.parent / "bank_support.yaml").read_text(encoding="utf-8")
    told = re.sub("^#", "", ours.partition("the source is:\n")[2].partition("resep: 1")[0], flags=re.M)
    shutil.copytree(BANKING, tmp_path / "data")
    shutil.copyfile(DATA / "banking77_categories.csv", tmp_path / "data" / "banking77_categories.csv")
    text = f"extends: bank_support\nresep: 1\nname: banking77\ndata:\n  sources:\n{told}"
    (tmp_path / "banking77.yaml").write_text(text, encoding="utf-8")
    out = prepared(load(tmp_path / "banking77.yaml"), tmp_path)
    assert statistics(out)["rows_in"] == 10_003
    assert statistics(out)["dropped"] == {"duplicate": 4}
    values = [json.loads(str(each.target)) for each in examples(out)]
    assert len({each["secondary"] for each in values}) == 77
    assert {each["primary"] for each in values} == {row["primary"] for row in rows("bank_support")}


def test_a_booking_is_json_in_one_spelling_with_the_day_and_service_of_its_message() -> None:
    for row in rows("eight_steps"):
        answer = json.loads(row["response"])
        assert list(answer) == ["service", "day", "time", "people"]
        assert row["response"] == json.dumps(answer, ensure_ascii=False)
        assert answer["service"] in row["prompt"].lower()
        assert answer["day"] in row["prompt"].lower()
        assert answer["time"] is None or re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", answer["time"])
        assert answer["people"] >= 1


def test_indonesian_rows_cover_five_subsets_and_ten_topics() -> None:
    assert len({row["subset"] for row in rows("indonesian_chat")}) == 5
    assert len({row["category"] for row in rows("indonesian_chat")}) == 10


def test_sensor_rows_are_what_their_rule_writes() -> None:
    script = DATA / "make_sensor_actions.py"
    done = subprocess.run([sys.executable, script], capture_output=True, check=True, cwd=Path("/"))
    assert done.stdout == (DATA / "sensor_actions.jsonl").read_bytes()
